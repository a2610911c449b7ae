"""Clips on their way out: to players, as downloads, as archives.

Not here: rows of clips (`clips`), pictures (`pictures`). Event loop only; files are read in disk threads.
"""

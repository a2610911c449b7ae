"""The recorders of this daemon, found by camera, and whoever watches them.

Not here: recording one camera (`recorder`), clips (`clips`). Event loop only.
"""

"""The command line: words, tables and exit codes.

Not here: what a command does; that is in the room of its subject. Blocking, in a process of its own.
"""

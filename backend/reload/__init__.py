"""A new configuration for a running daemon.

Not here: reading the file (`config.load`). `changes` decides and is pure; `reloader` belongs to the event
loop.
"""

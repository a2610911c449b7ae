"""What the machine gives this process: modes of files, the data lock, sockets, descriptors, and its load.

Not here: what the daemon does with any of it. Mostly blocking; each part says so.
"""

"""Where the bytes live: this disk and an object store. What they mean is in `catalogue`.

Not here: sending bytes to browsers (`playback`). The queue belongs to the event loop; files and the store
block and run in threads.
"""

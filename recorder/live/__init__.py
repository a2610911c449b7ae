"""What viewers see now: fragments, JPEGs and sound, from the buffer as it fills.

Not here: the WebSocket that carries it (`backend.http`). Feeds belong to the event loop; `transcode` has a
thread of its own.
"""

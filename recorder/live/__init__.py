"""The live view: MP4 fragments, JPEGs and sound, from the buffer as it fills.

Not here: the WebSocket that carries them (`backend.http`). Feeds belong to the event loop; `transcode` has an
encoder thread of its own.
"""

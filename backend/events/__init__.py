"""What the daemon publishes to pages as it happens: the log of events, and the events of clips.

Not here: the stream that carries it (`http.api.events`). Event loop only.
"""

"""What pages are told as it happens: the log of events, and the news of clips.

Not here: the stream that carries it (`http.api.events`). Event loop only.
"""

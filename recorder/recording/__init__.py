"""From a press to a durable clip: the session, its part file, the steps that finish it.

Not here: rows and names of clips (`backend.clips`), which units a clip holds (`mp4`). The session is a pure
machine; `recording_task` runs on the event loop, files in disk threads, encoding in workers.
"""

"""Makes a durable clip of a press of the record button: the session, its part file, the finishing steps.

Not here: rows and titles of clips (`backend.clips`), which units a clip holds (`mp4`). The session is a pure
state machine; `recording_task` runs on the event loop, file I/O in disk threads, encoding in workers.
"""

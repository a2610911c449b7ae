"""Network cameras by HTTP and HTTPS: MJPEG as multipart, or an MPEG transport stream.

Not here: cameras by RTSP (`rtsp`), our own HTTP API (`backend.http`). Used by the capture thread alone.
"""

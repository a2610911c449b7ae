"""Reads network cameras over HTTP and HTTPS: multipart MJPEG or an MPEG transport stream.

Not here: RTSP cameras (`rtsp`), our own HTTP API (`backend.http`). Used by the capture thread alone.
"""

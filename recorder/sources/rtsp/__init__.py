"""Reads network cameras over RTSP and RTSPS and aligns the clocks of their sound and pictures.

Not here: HTTP cameras (`http`). Used by the capture thread alone.
"""

"""Network cameras by RTSP and RTSPS, and the one clock that their sound and pictures share.

Not here: cameras by HTTP (`http`). Used by the capture thread alone.
"""

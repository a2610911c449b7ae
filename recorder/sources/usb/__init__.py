"""Reads webcams: lists V4L2 devices, finds them again after replugging, detects frozen pictures.

Not here: encoding their pictures (`capture`). Used by the capture thread; any thread may list the devices.
"""

"""Webcams: V4L2 devices, finding them again after a replug, and pictures that no sensor can have sent.

Not here: encoding what they send (`capture`). Used by the capture thread; any thread may list the devices.
"""

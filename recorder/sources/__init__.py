"""Cameras, each behind one protocol: opened, read and closed by one capture thread.

Not here: when to try again, times, the buffer (`capture`). Every kind of camera has a room of its own; what
PyAV gives out stays inside this package.
"""

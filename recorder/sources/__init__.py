"""Reads cameras of all kinds through one protocol; one capture thread opens, reads and closes each.

Not here: reconnecting, timestamps, the buffer (`capture`). Each kind of camera has its own package; PyAV's
objects stay inside this package.
"""

"""A camera without hardware: a moving test card with a frame counter.

Not here: network test cameras, which are in `tests/support/cameras`. Used by the capture thread alone.
"""

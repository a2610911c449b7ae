"""A camera that needs no hardware: a moving test card with a counter in it.

Not here: test cameras with a network in between; those are in `tests/support/cameras`. Used by the capture
thread alone.
"""

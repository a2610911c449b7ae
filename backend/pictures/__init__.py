"""The pictures that clips keep: automatic previews, and those that a person picks.

Not here: pictures out of a buffer (`recorder.stills`). Event loop only; decoding runs in workers.
"""

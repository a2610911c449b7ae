"""The last seconds of one camera in memory, and whatever keeps parts of it alive longer.

Not here: what is put in (`capture`), what is cut out (`mp4`). The rings are pure; `shared_ring` lets the
capture thread append while others read.
"""

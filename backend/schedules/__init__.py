"""Things that happen on time: recordings by the clock and timelapses.

Not here: when something is due (`recurrence`). Event loop only.
"""

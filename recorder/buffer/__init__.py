"""Holds the last seconds of one camera in memory; pins keep parts of it longer.

Not here: filling the rings (`capture`), cutting clips from them (`mp4`). The rings are pure; `shared_ring`
lets the capture thread append while other threads read.
"""

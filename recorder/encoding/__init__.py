"""From units of any codec to H.264: decoder, upright pictures, encoder.

Not here: single pictures (`stills`), whole clips (`recording`), a camera's own thread (`capture`). Runs on
the thread or in the process that calls it.
"""

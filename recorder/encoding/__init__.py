"""Transcodes units of any codec to H.264: decoding, rotation, encoding.

Not here: still pictures (`stills`), whole clips (`recording`), a camera's own thread (`capture`). Blocking;
runs in the caller's thread or process.
"""

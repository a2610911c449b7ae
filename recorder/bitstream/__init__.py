"""What the bytes of a stream say: access units, H.264, H.265, JPEG, AAC.

Not here: where bytes come from (`sources`), how a file frames them (`mp4`), pictures (`encoding`, `stills`).
Pure: any thread may call it, hostile bytes included.
"""

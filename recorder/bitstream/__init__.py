"""Parses the bytes of a stream: access units, H.264, H.265, JPEG, AAC.

Not here: reading bytes (`sources`), MP4 files (`mp4`), decoding pictures (`encoding`, `stills`). Pure: any
thread, and safe for hostile bytes.
"""

"""Writes and reads MP4 files: cutting spans, sample tables, edit lists, the muxer, clean copies.

Not here: recordings (`recording`), fragments for live viewers (`live`). Pure, except for `muxer`,
`finished_file` and `clean_copy`, which block and run in threads or workers.
"""

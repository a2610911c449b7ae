"""Which units of a buffer become which bytes of an MP4, and back: cut, tables, edit lists, the muxer.

Not here: what makes a recording (`recording`), fragments for live viewers (`live`). Decisions are pure;
`muxer` and `clean_copy` block and run in threads or workers.
"""

"""What people do with clips: record, change, publish, delete, one or many at once.

Not here: HTTP (`http.api`), the frames (`recorder`), rows (`catalogue`). Event loop only.
"""

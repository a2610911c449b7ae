"""The recorders of this daemon, found by camera, and their viewers.

Not here: recording one camera (`recorder`), clips (`clips`). Event loop only.
"""

"""`hindsight update`: puts a version beside the one in use, switches to it, and back if it does not answer.

`rules` decides and `steps` carries out and undoes; both are pure. `versions` and `repository` own the
folders of a checkout, `daemons` finds, stops and starts, `safe_copy` keeps what a newer version changes,
`answers` asks over HTTP, `command` joins them. Needs neither the database stack nor a video library.
"""

"""The web server: routes, JSON, static files, certificates, and the one table of statuses.

Not here: what a route does; every use case lives in the room of its subject. Event loop only.
"""

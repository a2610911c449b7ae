"""Every JSON body of the HTTP API, coming in or going out, as pydantic models.

OpenAPI and validation are made from these. Not here: HTTP, and what the use cases do.
"""

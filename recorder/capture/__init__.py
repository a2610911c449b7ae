"""Carries one camera's units from its source to its buffer, around the clock.

Here: the capture thread, timestamps, encoding on ingest, the description of the camera's state. Not here:
reading the camera (`sources`). Pure, except for the threads of `background_stream` and `ingest_encoder`.
"""

"""One camera's units from its source into its buffer, around the clock.

Here: the capture thread, times, the sentence about the camera's state. Not here: reading the camera itself
(`sources`). Decisions are pure; `background_stream` is the thread.
"""

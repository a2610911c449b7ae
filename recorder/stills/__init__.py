"""Single pictures and replays, from the buffer and from clips.

Not here: pictures that a clip keeps (`backend.pictures`). Choices are pure; decoding blocks and runs in
threads or workers.
"""

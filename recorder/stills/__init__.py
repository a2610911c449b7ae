"""Makes still pictures and replays from the buffer and from clips.

Not here: the stored pictures of clips (`backend.pictures`). `frame_choice` and `jpeg_budget` are pure;
decoding blocks and runs in workers, cutting replays in threads.
"""

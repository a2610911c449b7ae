"""What a start-up makes of what an earlier process left, and the check that compares rows with files.

Not here: finishing a part file (`recorder.recording`). Event loop; files in disk threads.
"""

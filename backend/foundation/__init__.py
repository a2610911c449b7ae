"""What the rooms above stand on: directories, catalogue, threads, workers; opened first and closed last.

Not here: what happens to clips. Event loop; files in disk threads.
"""

"""From pictures to H.264.

Not here: pictures from files (`stills`), whole clips (`recording`). Runs on the thread or in the process that
calls it.
"""

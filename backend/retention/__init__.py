"""What is kept and for how long: the plan, the sweep, room on the disk, the budget, garbage.

Not here: deleting on request (`clips`). `plan` and `estimates` are pure; the rest belongs to the event loop,
its files to disk threads.
"""

"""Who sends a request, what they may do, and how they prove it.

Not here: what a route does (`http`). Decisions are pure; `gate` and `sessions` belong to the event loop.
"""

"""Words on their way out: quantities, names of files, what pydantic found, and what must not leave.

Not here: the sentences of refusals (`backend.problems`). Any thread.
"""

"""What every room stands on: values, errors, settings, time, durable writes, and the few ways to run work.

Not here: anything about cameras or clips. Together with `recorder` itself this is all that the backend may
import. Pure where it can be; `tasks` and `bridge` belong to the event loop, `workers` to its own thread.
"""

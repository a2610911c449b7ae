"""The foundation of the recorder: values, errors, settings, time, durable writes, tasks, threads, workers.

Not here: cameras and clips. The backend may import only this package and `recorder` itself. Pure except for
`durable` (blocking), `tasks`, `threads` and `bridge` (event loop), and `workers` (threads of its own).
"""

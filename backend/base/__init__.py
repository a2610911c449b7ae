"""What every room stands on: ids, times, health, the scheduler; the `machine`; `text` on its way out.

Not here: anything that knows a clip or a camera. Small parts, each saying which thread it belongs to.
"""

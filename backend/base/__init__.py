"""What every room stands on: ids, the data lock, redaction, health, the scheduler, the host.

Not here: anything that knows a clip or a camera. Small parts, each saying which thread it belongs to.
"""

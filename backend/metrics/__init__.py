"""What the daemon counts: for Prometheus, and for the page's charts.

Not here: counting itself; every room keeps its own numbers. Event loop only.
"""

"""What the promises cost, measured side by side with what a person would pick instead.

`./hindsight bench` runs everything against the real daemon as its own process, a real RTSP server and
real peers, on the machine it stands on. No figure in here or in the documents was typed by hand.
"""

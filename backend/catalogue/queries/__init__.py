"""The catalogue's SQL, one file per subject.

Not here: transactions (`database`), the door (`catalogue`). Each function runs inside the caller's
transaction, on a catalogue thread.
"""

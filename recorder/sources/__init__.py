"""Cameras: the protocol every source keeps, one file per kind, and the door that opens them by URL."""

"""One file per revision. A revision never imports the tables' metadata: it stays as it was that day."""

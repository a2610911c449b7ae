"""Where the bytes live. What they mean is in `catalogue`."""

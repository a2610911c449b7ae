"""Things that happen on time: recordings by the clock and timelapses."""

"""From checks to a result: running, points, and whole classes."""

"""What a submission can reach, and how that is tried."""

"""What is right: the reference, live or frozen."""

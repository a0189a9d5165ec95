"""What a report says: what to fix first, and figures on a class."""

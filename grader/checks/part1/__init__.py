"""Public checks of part 1."""

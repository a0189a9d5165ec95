"""Hidden checks of part 1."""

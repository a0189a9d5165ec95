"""The command ``hw3``."""

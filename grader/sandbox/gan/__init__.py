"""What runs in a guest to train and try a GAN."""

__all__ = ["MOST"]

MOST = 20_000
"""Rows, results or parameters that are sent back: all of them, or so many."""

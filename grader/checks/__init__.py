"""Checks: short functions that ask a submission for arrays and compare them."""

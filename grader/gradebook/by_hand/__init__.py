"""Marks that a person gives: the table that they stand in, and what follows from it."""

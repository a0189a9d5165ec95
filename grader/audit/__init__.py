"""Measures the checks: which wrong submissions keep full marks, and which honest ones lose points.

The audit grades a bank of submissions: mutants of the reference, mistakes that people wrote, and
honest variants.  :mod:`mutants` makes the mutants, :mod:`bank` collects everything, :mod:`run`
grades it, :mod:`summary` counts.
"""

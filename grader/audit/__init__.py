"""How good the checks are: how many wrong submissions keep full marks, how many honest ones do not.

A bank of submissions is graded: mutants of the reference, mistakes that were written by hand, and
honest variants.  :mod:`mutants` makes the first, :mod:`bank` collects all, :mod:`run` grades them,
:mod:`summary` counts.
"""

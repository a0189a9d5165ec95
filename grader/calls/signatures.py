"""The homework's functions as typed methods, for type checkers: see ``signatures.pyi``.

The methods are made when they are called (:mod:`grader.calls.functions`), so at run time there is
nothing here.
"""

__all__ = ["Signatures"]


class Signatures:
    """Every function of the homework, by name."""

"""Hidden checks: what else the docstrings of the homework say, on other networks and inputs.

A student's package has none of these files (``hw3 release`` leaves them out), and nothing imports
them but the registry.
"""

DEFAULT_SEED = 400
"""The first seed of hidden cases, unless an assignment sets another; anybody can read this one.

Public ones stay below 100.
"""

SEED = DEFAULT_SEED
"""The first seed of this run; the registry sets it before it imports the modules of this folder."""

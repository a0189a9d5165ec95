"""Hidden checks: what the docstrings of the homework say too, on other networks and inputs.

A student's package has none of these files (``hw3 release`` leaves them out), and nothing imports
them but the registry.
"""

SEED = 400
"""Where the seeds of hidden cases begin; public ones stay below 100."""

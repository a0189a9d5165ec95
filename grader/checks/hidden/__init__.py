"""Hidden checks: what the docstrings of the homework say too, on other networks and inputs.

A student's package has none of these files (``hw3 release`` leaves them out), and nothing imports
them but the registry.
"""

DEFAULT_SEED = 400
"""Where the seeds of hidden cases begin, unless an assignment says otherwise: anybody can read it.

Public ones stay below 100.
"""

SEED = DEFAULT_SEED
"""Where they begin this time; the registry sets it before it imports the modules beside this."""

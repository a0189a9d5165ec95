"""Before torch is imported: tests run side by side, and one thread repeats to the bit.

Where CI runs the tests, what they start is not to report to it.
"""

import os

for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI"):
    os.environ.pop(variable, None)
os.environ["OMP_NUM_THREADS"] = "1"

pytest_plugins = ["browser"]

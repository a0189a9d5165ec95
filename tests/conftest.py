"""Before torch is imported: tests run side by side, and one thread repeats to the bit.

Where CI runs the tests, what they start is not to report to it.  A shell that runs them in the
background has Ctrl-C ignored, and so would whatever they start.
"""

import os
import signal

for variable in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT", "GITLAB_CI"):
    os.environ.pop(variable, None)
os.environ["OMP_NUM_THREADS"] = "1"
signal.signal(signal.SIGINT, signal.default_int_handler)

pytest_plugins = ["browser"]

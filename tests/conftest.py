"""Before torch is imported: tests run side by side, and one thread repeats to the bit."""

import os

os.environ["OMP_NUM_THREADS"] = "1"

pytest_plugins = ["browser"]

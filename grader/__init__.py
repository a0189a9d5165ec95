"""hw3-grader: grades a homework on explaining neural networks and on a GAN."""

import sys

__version__ = "0.1.0"

if sys.version_info < (3, 10):  # noqa: UP036 - pip refuses it, a copied folder does not
    found = ".".join(str(number) for number in sys.version_info[:3])
    sys.exit(f"hw3-grader needs Python 3.10 or newer; this is {found}: use a newer one")

"""hw3-grader: grades a homework on explaining neural networks and on a GAN."""

__version__ = "0.1.0"

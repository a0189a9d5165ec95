"""Public checks of the GAN, imported in the order in which students read them."""

from grader.checks.gan import mechanics, evidence, training, outcome  # noqa: I001 - see above

__all__ = ["evidence", "mechanics", "outcome", "training"]

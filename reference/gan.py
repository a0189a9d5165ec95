"""The generative adversarial network (Goodfellow et al. 2014, arXiv:1406.2661).

A generator maps noise to images, and a discriminator tells them from real ones.  Each learns from
the other.  The generator learns to sample from the density of the images without writing it down.
Logits are high for real images; with D(x) = sigmoid(logit), the discriminator maximises the value
of equation 1,

    E log D(x) + E log(1 - D(G(z))),

and the generator maximises E log D(G(z)).  While the generator is losing, the gradient of this does
not vanish, but that of log(1 - D(G(z))) does (section 3).
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus
from torch.optim import Optimizer

__all__ = [
    "LEARNING_RATE",
    "LOSS",
    "discriminator_loss",
    "generator_loss",
    "make_discriminator",
    "make_generator",
    "train",
    "train_step",
]

LOSS = "non_saturating"

LEARNING_RATE = 2e-3


def make_generator(latent_dim: int) -> nn.Module:
    """Return an untrained generator, (N, latent_dim) -> (N, 1, 8, 8) in [-1, 1]; N >= 2 to train.

    Batch norm keeps the images of different noise from looking alike (DCGAN, arXiv:1511.06434).
    """
    return nn.Sequential(
        nn.Linear(latent_dim, 128, bias=False),
        nn.BatchNorm1d(128),
        nn.ReLU(),
        nn.Linear(128, 256, bias=False),
        nn.BatchNorm1d(256),
        nn.ReLU(),
        nn.Linear(256, 64),
        nn.Tanh(),
        nn.Unflatten(1, (1, 8, 8)),
    )


def make_discriminator() -> nn.Module:
    """Return an untrained discriminator, (N, 1, 8, 8) -> (N, 1) logits, high for real."""
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(64, 256),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.2),
        nn.Linear(256, 128),
        nn.LeakyReLU(0.2),
        nn.Dropout(0.2),
        nn.Linear(128, 1),
    )


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Return -E log D(x) - E log(1 - D(G(z))), a scalar in nats; 2 log 2 where D cannot tell.

    softplus(-l) = -log sigmoid(l) and softplus(l) = -log(1 - sigmoid(l)), finite for every l.
    """
    return softplus(-real_logits).mean() + softplus(fake_logits).mean()


def generator_loss(fake_logits: Tensor) -> Tensor:
    """Return -E log D(G(z)), a scalar in nats; log 2 where D cannot tell."""
    return softplus(-fake_logits).mean()


def train_step(
    generator: nn.Module,
    discriminator: nn.Module,
    opt_g: Optimizer,
    opt_d: Optimizer,
    real: Tensor,
    z: Tensor,
) -> dict[str, float]:
    """Take one step of the discriminator, then one of the generator against it.

    Args:
        generator, discriminator: trained in place, left in train mode.
        opt_g, opt_d: the optimizers of their parameters.
        real: (N, 1, 8, 8) in [-1, 1], N >= 2.
        z: (N, latent_dim) noise, used in both steps.

    Returns:
        ``d_loss`` and ``g_loss`` in nats, each before its own step.
    """
    generator.train()
    discriminator.train()
    fake = generator(z)

    opt_d.zero_grad()
    d_loss = discriminator_loss(discriminator(real), discriminator(fake.detach()))
    torch.autograd.backward(d_loss)
    opt_d.step()

    opt_g.zero_grad()
    g_loss = generator_loss(discriminator(fake))
    torch.autograd.backward(g_loss, inputs=list(generator.parameters()))  # no gradient stays in D
    opt_g.step()
    return {"d_loss": d_loss.item(), "g_loss": g_loss.item()}


def train(
    generator: nn.Module,
    discriminator: nn.Module,
    opt_g: Optimizer,
    opt_d: Optimizer,
    images: Tensor,
    steps: int,
    batch_size: int,
    latent_dim: int,
    seed: int,
) -> list[dict[str, float]]:
    """Train for ``steps`` batches drawn with replacement; the same seed gives the same networks.

    Args:
        generator, discriminator: trained in place, left in train mode.
        opt_g, opt_d: the optimizers of their parameters.
        images: (M, 1, 8, 8) in [-1, 1].
        steps: how many calls of `train_step`.
        batch_size: images of a step, >= 2.
        latent_dim: noise values of an image.
        seed: of torch's global generator, from which dropout draws too.

    Returns:
        The result of every `train_step`, in order.
    """
    torch.manual_seed(seed)
    history = []
    for _ in range(steps):
        real = images[torch.randint(len(images), (batch_size,))]
        z = torch.randn(batch_size, latent_dim)
        history.append(train_step(generator, discriminator, opt_g, opt_d, real, z))
    return history

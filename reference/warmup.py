"""The warm-up: unsupervised learning, three ways to find structure in data without labels.

k-means finds groups, principal components find directions, an autoencoder finds a short code from
which an image can be drawn again.  These are the slides' examples before generative models.
"""

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

__all__ = ["kmeans", "make_autoencoder", "principal_components", "train_autoencoder"]

CODE = 8


def kmeans(points: Tensor, k: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """Lloyd's algorithm, run until it stands still.

    The first centres are drawn as by k-means++ (Arthur, Vassilvitskii 2007): each is a point, drawn
    in proportion to its squared distance to those before.  A cluster that loses its last point is
    given the point that is farthest from its own centre.

    Args:
        points: (N, D), floating.
        k: how many clusters, 1 ... N.
        seed: of a generator of its own.

    Returns:
        Labels (N,) int64, and centres (k, D) in the dtype of the points: each point has the label
        of its nearest centre, ties to the lower index, and each centre is the mean of its points.

    Raises:
        ValueError: ``k`` is out of range.
    """
    if not 1 <= k <= len(points):
        raise ValueError(f"'k' must be 1 ... {len(points)} (got {k})")
    centres = first_centres(points, k, torch.Generator().manual_seed(seed))
    labels = nearest(points, centres)
    while True:
        centres = means(points, labels, centres)
        after = nearest(points, centres)
        if torch.equal(after, labels):
            return labels, centres
        labels = after


def squared_distances(points: Tensor, centres: Tensor) -> Tensor:
    """(N, k), from the differences: other formulas lose digits far from zero."""
    return (points[:, None] - centres[None]).square().sum(2)


def nearest(points: Tensor, centres: Tensor) -> Tensor:
    """The nearest centre of each point, (N,)."""
    return squared_distances(points, centres).sort(dim=1, stable=True).indices[:, 0]


def first_centres(points: Tensor, k: int, draw: torch.Generator) -> Tensor:
    """k of the points, (k, D), that are far from each other."""
    chosen = [int(torch.randint(len(points), (1,), generator=draw))]
    while len(chosen) < k:
        far = squared_distances(points, points[chosen]).amin(1)
        share = far / far.max() if far.max() > 0 else torch.ones_like(far)
        chosen.append(int(torch.multinomial(share, 1, generator=draw)))
    return points[chosen].clone()


def means(points: Tensor, labels: Tensor, before: Tensor) -> Tensor:
    """The mean of each cluster, (k, D); an empty one gets the point farthest from its centre."""
    after = before.clone()
    for cluster in range(len(before)):
        members = points[labels == cluster]
        if len(members):
            after[cluster] = members.mean(0)
    own = (points - after[labels]).square().sum(1)
    for cluster in range(len(before)):
        if not (labels == cluster).any() and own.max() > 0:
            after[cluster] = points[own.argmax()]
            own[own.argmax()] = 0
    return after


def principal_components(points: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k orthonormal directions in which the points vary most.

    Args:
        points: (N, D), floating, N >= 2.
        k: 1 ... min(N, D).

    Returns:
        Directions (k, D), one in a row, and the variances (k,) along them, falling; variances
        divide by N - 1.

    Raises:
        ValueError: ``k`` is out of range.
    """
    if not 1 <= k <= min(points.shape):
        raise ValueError(f"'k' must be 1 ... {min(points.shape)} (got {k})")
    centred = points - points.mean(0)
    _, sizes, directions = torch.linalg.svd(centred, full_matrices=False)
    return directions[:k], sizes[:k].square() / (len(points) - 1)


class Autoencoder(nn.Module):
    """Images to codes to images, (N, 1, 8, 8) -> (N, 8, 1, 1) -> (N, 1, 8, 8)."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),  # (N, 16, 8, 8)
            nn.ReLU(),
            nn.Conv2d(16, 32, 4, stride=2, padding=1),  # (N, 32, 4, 4)
            nn.ReLU(),
            nn.Conv2d(32, 64, 4, stride=2, padding=1),  # (N, 64, 2, 2)
            nn.ReLU(),
            nn.Conv2d(64, CODE, 2),  # (N, 8, 1, 1)
        )
        self.decoder = nn.Sequential(
            nn.ConvTranspose2d(CODE, 64, 2),  # (N, 64, 2, 2)
            nn.ReLU(),
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1),  # (N, 32, 4, 4)
            nn.ReLU(),
            nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),  # (N, 16, 8, 8)
            nn.ReLU(),
            nn.ConvTranspose2d(16, 1, 3, padding=1),  # (N, 1, 8, 8)
            nn.Tanh(),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Draw each image again from its code."""
        drawn: Tensor = self.decoder(self.encoder(images))
        return drawn


def make_autoencoder() -> nn.Module:
    """Build an autoencoder, untrained: (N, 1, 8, 8) -> (N, 1, 8, 8)."""
    return Autoencoder()


def train_autoencoder(
    autoencoder: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: Tensor,
    steps: int,
    batch_size: int,
    seed: int,
) -> list[float]:
    """Minimise the squared error between images and what is drawn from their codes.

    Args:
        autoencoder: (N, 1, 8, 8) -> (N, 1, 8, 8), trained in place.
        optimizer: over its parameters.
        images: (M, 1, 8, 8) in [-1, 1].
        steps: how many steps.
        batch_size: images in each, drawn from all of them.
        seed: of the draw.

    Returns:
        The loss of every step.
    """
    draw = torch.Generator().manual_seed(seed)
    losses = []
    autoencoder.train()
    for _ in range(steps):
        batch = images[torch.randint(len(images), (batch_size,), generator=draw)]
        loss = mse_loss(autoencoder(batch), batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(float(loss.detach()))
    return losses

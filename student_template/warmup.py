"""The warm-up: unsupervised learning, as the slides show it before generative models.

There are no labels here.  k-means finds groups of points, principal components find the directions
in which they vary most, and an autoencoder finds a short code from which an image can be drawn
again.  This part is optional unless your course gives it points.

Conventions of this part
    points      a floating tensor (N, D): N points in D dimensions.
    images      (N, 1, 8, 8), float32, in [-1, 1].

The first two functions are for you to write: do not call a library's k-means or PCA.  You may use
``torch.linalg`` (singular values, eigenvalues).

References
    [8] Lloyd 1982, Least squares quantization in PCM: k-means
    [9] Pearson 1901, On lines and planes of closest fit to systems of points in space: PCA
   [10] Hinton, Salakhutdinov 2006, Reducing the dimensionality of data with neural networks
"""

# Optional: the learning rate of the optimizer (Adam) that the checks hand to train_autoencoder, a
# number from 1e-5 to 1e-2.
LEARNING_RATE = 2e-3


def kmeans(points, k, seed=0):
    """Divide the points into k clusters by Lloyd's algorithm.

    Begin with k centres of your choice.  Then repeat two steps until nothing changes any more: give
    each point the label of its nearest centre, and move each centre to the mean of its points.

    Args:
        points: tensor (N, D), floating.  It may lie far from zero, or be very small.
        k: int in 1 ... N, how many clusters.
        seed: int.  The same seed always gives the same answer, whatever else has drawn random
            numbers before.

    Returns:
        Two tensors, (labels, centres): (N,) int64 and (k, D).  The label of each point is the index
        of its nearest centre (Euclidean distance; among equals the lower index), and each centre is
        the mean of the points with its label.  No cluster is empty as long as there are k different
        points: a centre that loses its last point has to move.  If there are fewer different
        points, what an empty centre holds is up to you, as long as it is finite.
    """
    raise NotImplementedError


def principal_components(points, k):
    """Find the directions in which the points vary most.

    Args:
        points: tensor (N, D), floating, N >= 2.
        k: int in 1 ... min(N, D), how many directions.

    Returns:
        Two tensors, (components, variances): (k, D) and (k,).  Each row of components is a
        direction of length 1, at right angles to the others; its sign is up to you.  The first is
        the one in which the points, less their mean, vary most, and so on.  variances holds the
        variance along each direction, divided by N - 1, so it never rises.
    """
    raise NotImplementedError


def make_autoencoder():
    """Build an autoencoder, untrained.

    Returns:
        A module (N, 1, 8, 8) -> (N, 1, 8, 8) with two children, ``encoder`` and ``decoder``; its
        output is ``decoder(encoder(images))``.  The encoder has four convolutions and gives a code
        of at most 8 numbers per image, in any shape.  The decoder has four transposed convolutions,
        or four convolutions with upsampling between them.  Images lie in [-1, 1].
    """
    raise NotImplementedError


def train_autoencoder(autoencoder, optimizer, images, steps, batch_size, seed):
    """Train the autoencoder to draw images again from their codes.

    Args:
        autoencoder: what ``make_autoencoder`` returns.
        optimizer: over its parameters; use this one.
        images: tensor (M, 1, 8, 8) in [-1, 1].
        steps: int >= 1, how many steps.
        batch_size: int >= 2, images in each step, drawn from *all* images.
        seed: int, for the order in which you draw them.

    Returns:
        List of ``steps`` losses, one for each step.  What has been learnt lies in the module's
        parameters and buffers afterwards.  The checks take images that were held out of the
        training and draw them again from their codes, in eval mode: they should come closer than
        the mean image does, and closer than with as many principal components as your code has
        numbers.
    """
    raise NotImplementedError

"""The generative adversarial network (28 points).

Two networks play against each other: the generator makes images from noise, the discriminator tells
them from real ones.  The generator never sees an image; all that it learns comes through the
discriminator's gradient.  It learns to sample from the density of the images without writing that
density down.

Conventions of this part
    images      (N, 1, 8, 8), float32, in [-1, 1].
    noise       z, (N, latent_dim), standard normal.
    logits      what the discriminator returns: any real number, *not* a probability.  The
                probability is sigmoid(logit).  You choose whether a high logit means real or fake;
                both losses must agree on it.
    modes       you train both networks in train mode, on batches of at least 2.  Samples are drawn
                from your generator in eval mode, so batch norm then uses its running statistics.

You choose the architectures and the losses.  The checks pass you the optimizers, the number of
steps, the batch size and the latent size as arguments: use these.  What your generator has learnt
must lie in its parameters and buffers: we make a new one, load them, and draw from that.

References
    [3] Goodfellow et al. 2014, Generative Adversarial Nets, arXiv:1406.2661
        (minimax and non-saturating: section 3)
    [4] Radford, Metz, Chintala 2015 (DCGAN), arXiv:1511.06434: architectures that train well
    [5] Mao et al. 2016 (LSGAN), arXiv:1611.04076
    [6] Lim, Ye 2017 (hinge), arXiv:1705.02894
    [7] Arjovsky, Chintala, Bottou 2017 (WGAN), arXiv:1701.07875

Import what you need: torch, torchvision and NumPy are available.
"""

# The family to which your two losses belong.  If you change the losses, change this line as well:
#   "minimax"         the generator minimises what the discriminator maximises [3]
#   "non_saturating"  the generator maximises the chance that its images pass as real [3]
#   "lsgan"           least squares, with targets 1 and 0 [5]
#   "hinge"           the discriminator's loss stops at a margin of 1 [6]
#   "wgan"            differences of mean logits [7]; the discriminator has to be kept smooth
#   "other"           anything else, also a variant of the above: label smoothing, LSGAN with
#                     targets -1/1/0.  The formulas of the losses are then not graded, only the
#                     training and the samples.
LOSS = "non_saturating"

# Optional: the learning rate of the optimizers (Adam, betas 0.5 and 0.999), a number from 1e-5 to
# 1e-2, or one for each network:
#   LEARNING_RATE = {"generator": 1e-3, "discriminator": 5e-4}
# Without this line the grader begins with 2e-3.  If your images are not good enough then, it trains
# again with a quarter of the rate.  Your train may lower the rates, not raise them.
# LEARNING_RATE = 2e-3


def make_generator(latent_dim):
    """Build a generator, untrained.

    Args:
        latent_dim: int >= 1, the number of noise values per image.

    Returns:
        A module (N, latent_dim) -> (N, 1, 8, 8) with values in [-1, 1].  It has trainable
        parameters, and different noise gives different images.
    """
    raise NotImplementedError


def make_discriminator():
    """Build a discriminator, untrained.

    Returns:
        A module (N, 1, 8, 8) -> (N,) or (N, 1): one logit per image.  A logit need not lie in
        [0, 1]: do not end in a sigmoid, the loss turns logits into probabilities.
    """
    raise NotImplementedError


def discriminator_loss(real_logits, fake_logits):
    """The loss that the discriminator minimises.

    In the terms of [3], where D(x) is the probability that x is real, the discriminator maximises
    the mean of log D(x) over real images plus the mean of log(1 - D(G(z))) over fake ones.  Other
    families replace the two terms.

    Args:
        real_logits: your discriminator's output for real images, in the shape that it returns.
        fake_logits: its output for generated images.

    Returns:
        Scalar tensor, a mean over the batch; the two terms may be added or averaged.  The loss and
        its gradients are finite also for logits of -100 and 100, where a probability in float32 is
        exactly 0 or 1: take no logarithm of a probability.
    """
    raise NotImplementedError


def generator_loss(fake_logits):
    """The loss that the generator minimises.

    In the terms of [3]: minimax minimises the mean of log(1 - D(G(z))), non-saturating the mean of
    -log D(G(z)).  Both have the same goal, but early in the training, when the discriminator still
    recognises every fake image, the second gives the generator larger gradients.

    Args:
        fake_logits: your discriminator's output for generated images, in the shape that it returns.

    Returns:
        Scalar tensor, a mean over the batch, finite with finite gradients for logits of -100 and
        100.
    """
    raise NotImplementedError


# Optional: discriminator_penalty(discriminator, real, fake), a function that returns a scalar which
# your train_step adds to the discriminator's loss (a gradient penalty, R1).  Its gradient has to
# reach the discriminator's parameters: torch.autograd.grad needs create_graph=True.  Take a norm
# for each image, not over the batch.  If you want no penalty, do not define the function.


def train_step(generator, discriminator, opt_g, opt_d, real, z):
    """Train both networks on one batch of images and one batch of noise.

    Take at least one step with each optimizer.  You may take more steps with the discriminator, and
    draw fresh noise for these and for the generator's step.  Gradient clipping, label smoothing,
    instance noise, and updating both networks at once are fine, too.  So is weight clipping: of the
    discriminator alone, right after each of its steps.

    Every step applies the gradient of its own loss only, and moves the parameters of its own
    network only (buffers, such as batch norm's statistics, may change).  Ask yourself which
    parameters get a gradient from each loss, and which gradients are left from the step before.

    Args:
        generator: module (N, latent_dim) -> (N, 1, 8, 8).
        discriminator: module (N, 1, 8, 8) -> (N,) or (N, 1).
        opt_g: torch optimizer over the generator's parameters.
        opt_d: torch optimizer over the discriminator's parameters.
        real: images, (N, 1, 8, 8), N >= 2.
        z: noise, (N, latent_dim).

    Returns:
        {"d_loss": ..., "g_loss": ...}, each a number or anything that ``float()`` accepts.  If a
        network takes several steps, return the loss of any of them or their mean, with or without
        the penalty.
    """
    raise NotImplementedError


def train(generator, discriminator, opt_g, opt_d, images, steps, batch_size, latent_dim, seed):
    """Train both networks for a number of steps, in place.

    Every step takes a batch from *all* the images (with or without replacement) and fresh standard
    normal noise.  On the mean, a call of ``train_step`` takes at most 10 steps of the discriminator
    and 2 of the generator.

    Args:
        generator, discriminator, opt_g, opt_d: as in ``train_step``.
        images: the training set, (M, 1, 8, 8) in [-1, 1].
        steps: int, the number of calls of ``train_step``.
        batch_size: int >= 2.
        latent_dim: int, the number of noise values per image.
        seed: int.  The same networks and the same seed give the same trained networks.  Seeding
            torch globally is fine.

    Returns:
        List of ``steps`` results of ``train_step``, in order.
    """
    raise NotImplementedError

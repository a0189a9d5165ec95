"""The GAN: closed forms of its losses, who moves in a step, and that training gets somewhere."""

import copy
import math

import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy

from reference import gan

LATENT = 16


@pytest.fixture
def networks():
    """(generator, discriminator, their optimizers) as the grader makes them."""
    torch.manual_seed(0)
    return make()


def make():
    generator, discriminator = gan.make_generator(LATENT), gan.make_discriminator()
    adam = {"lr": 2e-3, "betas": (0.5, 0.999)}
    opt_g = torch.optim.Adam(generator.parameters(), **adam)
    opt_d = torch.optim.Adam(discriminator.parameters(), **adam)
    return generator, discriminator, opt_g, opt_d


@pytest.fixture(scope="module")
def digits():
    from sklearn.datasets import load_digits  # here, so that only who needs it waits for it

    images = torch.from_numpy(load_digits().images).float()
    return (images / 8 - 1).unsqueeze(1)  # (1797, 1, 8, 8)


def test_the_networks_keep_their_promises(networks):
    generator, discriminator, *_ = networks
    z = 100 * torch.randn(64, LATENT)
    images = generator.eval()(z).detach()
    assert images.shape == (64, 1, 8, 8)
    assert float(images.abs().max()) <= 1
    assert float(images.std(0).min()) > 0
    logits = discriminator.eval()(100 * images).detach()
    assert logits.shape == (64, 1)
    assert float(logits.min()) < 0  # no probability


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
def test_losses_are_cross_entropies(shape):
    real, fake = torch.randn(2, *shape, generator=torch.Generator().manual_seed(1)).double()
    ones, zeros = torch.ones_like(real), torch.zeros_like(fake)
    expected = cross_entropy(real, ones) + cross_entropy(fake, zeros)
    assert float(gan.discriminator_loss(real, fake)) == pytest.approx(float(expected))
    assert float(gan.generator_loss(fake)) == pytest.approx(float(cross_entropy(fake, ones)))


def test_losses_where_nobody_can_tell():
    zero = torch.zeros(4, 1)
    assert float(gan.discriminator_loss(zero, zero)) == pytest.approx(2 * math.log(2))
    assert float(gan.generator_loss(zero)) == pytest.approx(math.log(2))


def test_losses_pull_the_logits_apart_and_the_fakes_up():
    real, fake = torch.full((2, 3), 0.5).requires_grad_().unbind()
    d_real, d_fake = torch.autograd.grad(gan.discriminator_loss(real, fake), (real, fake))
    (g_fake,) = torch.autograd.grad(gan.generator_loss(fake), fake)
    assert (bool((d_real < 0).all()), bool((d_fake > 0).all())) == (True, True)
    assert bool((g_fake < 0).all())


@pytest.mark.parametrize("logit", [-100.0, 100.0])
def test_losses_are_finite_for_sure_discriminators(logit):
    real, fake = torch.full((4, 1), logit).requires_grad_(), torch.full((4, 1), -logit)
    fake.requires_grad_()
    d_loss, g_loss = gan.discriminator_loss(real, fake), gan.generator_loss(fake)
    gradients = torch.autograd.grad(d_loss + g_loss, (real, fake))
    assert d_loss.item() == pytest.approx(max(0.0, -2 * logit), abs=1e-6)
    assert g_loss.item() == pytest.approx(max(0.0, logit), abs=1e-6)
    assert bool(torch.stack(gradients).isfinite().all())


def descend(loss, network, rate):
    """One step of plain gradient descent by hand."""
    gradients = torch.autograd.grad(loss, list(network.parameters()))
    with torch.no_grad():
        for parameter, gradient in zip(network.parameters(), gradients, strict=True):
            parameter -= rate * gradient


def assert_same(network, expected):
    for p, q in zip(network.parameters(), expected.parameters(), strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=1e-6)


def test_a_step_applies_to_each_network_the_gradient_of_its_own_loss(networks, digits):
    """Equation 1 by hand; two steps, since a gradient could be left over from the first."""
    generator, discriminator, *_ = networks
    discriminator[3].p = discriminator[6].p = 0.0  # dropout would differ between the two
    twin_g, twin_d = copy.deepcopy(generator), copy.deepcopy(discriminator)
    opt_g = torch.optim.SGD(generator.parameters(), lr=0.5)
    opt_d = torch.optim.SGD(discriminator.parameters(), lr=0.5)
    for real in digits[:64].split(32):
        z = torch.randn(32, LATENT)
        result = gan.train_step(generator, discriminator, opt_g, opt_d, real, z)
        d_loss = gan.discriminator_loss(twin_d(real), twin_d(twin_g(z)))
        descend(d_loss, twin_d, rate=0.5)
        g_loss = gan.generator_loss(twin_d(twin_g(z)))
        descend(g_loss, twin_g, rate=0.5)
        assert result == pytest.approx({"d_loss": d_loss.item(), "g_loss": g_loss.item()})
    assert_same(generator, twin_g)
    assert_same(discriminator, twin_d)


def test_a_step_trains_in_train_mode(networks, digits):
    generator, discriminator, opt_g, opt_d = networks
    generator.eval()
    discriminator.eval()
    gan.train_step(generator, discriminator, opt_g, opt_d, digits[:8], torch.randn(8, LATENT))
    assert generator[1].num_batches_tracked == 1
    assert discriminator[3].training
    assert all(p.requires_grad for p in [*generator.parameters(), *discriminator.parameters()])


def samples(digits, seed, steps, state=0):
    """Samples after a training that starts with torch's generator in that state."""
    torch.manual_seed(0)
    networks = make()
    torch.manual_seed(state)
    history = gan.train(*networks, digits, steps, 32, LATENT, seed)
    generator = networks[0]
    assert len(history) == steps
    z = torch.randn(300, LATENT, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        return generator.eval()(z)


def test_training_depends_on_the_seed_alone(digits):
    first = samples(digits, 1, steps=5)
    assert torch.equal(samples(digits, 1, steps=5, state=7), first)
    assert not torch.equal(samples(digits, 2, steps=5), first)


def test_a_short_training_finds_mean_and_spread_of_the_digits(digits):
    """150 of 4000 steps; measured over six seeds: 0.31 to 0.41 of the distance at the start."""
    before, after = samples(digits, 0, steps=0), samples(digits, 0, steps=150)
    for moment in (torch.mean, torch.std):
        truth = moment(digits, 0)
        start, end = ((moment(images, 0) - truth).norm() for images in (before, after))
        assert float(end / start) < 0.5

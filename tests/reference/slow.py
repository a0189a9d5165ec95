"""A second implementation of parts 1 to 3, slow and literal, which the tests hold the reference to.

The reference sets the marking scheme, so a mistake in it would be graded as right.  This one shares
nothing with it: no autograd, no batches, no slicing of modules.  A derivative is the central
difference of a plain function of one row, a sum is a loop, a ranking is a search for the largest,
and everything is float64.  It leaves out all that the conventions are about (modes, dtypes, softmax
heads, bad arguments): hand it float64 tensors and networks in eval mode that end in scores.

Formulas: Leino et al. 2018 (arXiv:1802.03788), definition 1; Sundararajan et al. 2017
(arXiv:1703.01365), equation 1, by the midpoint rule so that equal ``steps`` mean equal points.
"""

import math

import torch

STEP = 1e-5  # of a central difference: truncation and rounding are both near 1e-10 here


def run(layers, point):
    """The output of the layers for one row, as one row; nothing is overwritten."""
    rows = point[None]
    with torch.no_grad():
        for layer in layers:
            rows = layer(rows.clone())
    return rows[0]


def derivative(function, point):
    """d function / d point, one feature after the other; function: row -> float."""
    gradient = torch.zeros_like(point)
    for index in range(point.numel()):
        up, down = point.clone(), point.clone()
        up.view(-1)[index] += STEP
        down.view(-1)[index] -= STEP
        gradient.view(-1)[index] = (function(up) - function(down)) / (2 * STEP)
    return gradient


def score(scores, target):
    """Quantity of interest: one class."""
    return float(scores[target])


def difference(scores, c1, c2):
    """Quantity of interest: one class rather than another."""
    return float(scores[c1]) - float(scores[c2])


def influence(model, layer, x, quantity):
    """dquantity/dz at z = h(x) for one x."""
    layers = list(model)
    h, g = layers[: layer + 1], layers[layer + 1 :]
    return derivative(lambda z: quantity(run(g, z)), run(h, x))


def average(model, layer, xs, quantity, weights):
    """Definition 1 with P(x_n) = w_n / sum of w."""
    total = 0.0
    for x, weight in zip(xs, weights, strict=True):
        total = total + influence(model, layer, x, quantity) * weight
    return total / math.fsum(weights)


def on_the_line(x, baseline, steps):
    """The middles of ``steps`` equal parts of the line from the baseline to x."""
    return [baseline * (1 - a) + x * a for a in ((2 * k + 1) / (2 * steps) for k in range(steps))]


def path(model, layer, x, baseline, quantity, steps):
    """Definition 1 with P uniform on the line."""
    return average(model, layer, on_the_line(x, baseline, steps), quantity, [1.0] * steps)


def integrated_gradients(model, x, baseline, quantity, steps):
    """Equation 1: (x_i - x'_i) times the mean derivative on the line."""
    return (x - baseline) * path(model, -1, x, baseline, quantity, steps)


def activation(z, neuron):
    """Quantity of interest: the largest feature of a neuron."""
    return max(z[neuron].reshape(-1).tolist())


def strongest(attribution, k, sign=1):
    """The k neurons with the largest feature (smallest where sign is -1), one after the other."""
    peaks = [max(sign * v for v in neuron.reshape(-1).tolist()) for neuron in attribution]
    chosen = []
    for _ in range(k):
        left = [n for n in range(len(peaks)) if n not in chosen]
        chosen.append(next(n for n in left if peaks[n] == max(peaks[m] for m in left)))
    return chosen


def spearman(a, b):
    """Pearson's correlation of ranks; a rank is 1 + those below + half of the others alike."""

    def ranks(values):
        return [
            1 + sum(other < value for other in values) + (values.count(value) - 1) / 2
            for value in values
        ]

    u, v = ranks(a.reshape(-1).tolist()), ranks(b.reshape(-1).tolist())
    n, mean_u, mean_v = len(u), sum(u) / len(u), sum(v) / len(v)
    covariance = sum((u[i] - mean_u) * (v[i] - mean_v) for i in range(n))
    spread_u = math.sqrt(sum((value - mean_u) ** 2 for value in u))
    spread_v = math.sqrt(sum((value - mean_v) ** 2 for value in v))
    return covariance / (spread_u * spread_v)


def scale(x, saliency):
    """Every pixel times its largest |saliency| of all channels, divided by the largest of all."""
    scaled = torch.zeros_like(x)
    channels, height, width = x.shape
    top = max(abs(v) for v in saliency.reshape(-1).tolist())
    for i in range(height):
        for j in range(width):
            here = max(abs(float(saliency[c, i, j])) for c in range(channels))
            for c in range(channels):
                scaled[c, i, j] = x[c, i, j] * here / top
    return scaled


def masked(model, layer, keep, x):
    """The scores of one x when the other neurons are set to zero behind ``layer``."""
    layers = list(model)
    z = run(layers[: layer + 1], x)
    for neuron in range(len(z)):
        if neuron not in keep:
            z[neuron] = 0.0
    return run(layers[layer + 1 :], z)


def margin(scores, target):
    """By how much a class is ahead of the best other."""
    return float(scores[target]) - max(
        float(s) for other, s in enumerate(scores) if other != target
    )

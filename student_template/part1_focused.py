"""Part 1: focused explanation of a slice (32 points).

Which neurons of a network decide about the score of a class, and which pixels excite them?

Conventions of this part
    model       an ``nn.Sequential`` from a batch (N, *input_shape) to class scores (N, K).
    slice       s = <g, h>, given as the pair (model, layer): h is everything up to and including
                ``model[layer]``, g is the rest, z = h(x), so model(x) = g(h(x)).  ``layer = -1`` is
                the input itself: h is the identity and z = x.  Only -1 has this meaning; layers run
                from -1 to len(model) - 1.
    Z           the shape of z without its batch dimension: (C, H, W) after a convolution, (F,)
                after a linear layer.
    neuron      an index into the first dimension of Z: a channel, or a unit of a linear layer.  The
                cells of a neuron's map are its features.
    score       the quantity of interest is a class score *before* softmax, even if the model ends
                in a softmax or log-softmax.
    x, xs       one instance (*input_shape), and a batch of instances (N, *input_shape).
    extrema     are signed: "largest" means largest, not largest in absolute value.
    rankings    run from strongest to weakest; among equals the lower index comes first.

All functions of this part
    * leave everything that they are given unchanged: arguments, parameters, buffers, ``.grad``,
      hooks, and the train/eval mode of every layer;
    * evaluate the model in eval mode, also if it is in train mode when they get it;
    * return tensors in the floating dtype of their input (float32 or float64);
    * return no NaN for finite input;
    * raise ``ValueError`` or ``IndexError`` (either is fine) for the bad arguments under "Raises".
      A negative class or neuron is a bad argument: it does not count from the end.

References
    [1] Sundararajan, Taly, Yan 2017, Axiomatic Attribution for Deep Networks, arXiv:1703.01365
    [2] Leino, Sen, Datta, Fredrikson, Li 2018, Influence-Directed Explanations for Deep
        Convolutional Networks, arXiv:1802.03788

Import what you need: torch, torchvision and NumPy are available.
"""

from typing import NamedTuple


class Comparison(NamedTuple):
    """How far two explanations agree."""

    rank_correlation: float  # Spearman's, over all features, in [-1, 1]
    top_k_overlap: float  # share of the k top neurons that both name, in [0, 1]


def linear_scores(model):
    """Return the network whose outputs are the scores before softmax.

    After a softmax, a class also scores higher if another class scores lower, and the gradients of
    small scores almost vanish.  The slides avoid this with a linear activation layer at the end.

    Args:
        model: nn.Sequential whose last layer may be ``nn.Softmax`` or ``nn.LogSoftmax``.

    Returns:
        A module that computes the same without that last layer.  A softmax anywhere else stays.  If
        the last layer is neither of the two, the module computes what ``model`` computes.  It may
        share layers with ``model``, but ``model`` itself must not lose any.
    """
    raise NotImplementedError


def split(model, layer):
    """Cut the network into the two halves of the slice <g, h>.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.  At -1, h is the identity; at len(model) - 1, g is.

    Returns:
        (h, g), two modules, in this order: h maps a batch to z, (N, *Z), and g maps z to the output
        of the model, so that g(h(x)) equals model(x), its softmax included if it has one.  They may
        share layers with ``model``.  A layer in them may work in place and overwrite its input.

    Raises:
        ValueError or IndexError: there is no such layer.
    """
    raise NotImplementedError


def instance_influence(model, layer, xs, target):
    """Influence of every feature of the slice on one class score, for each instance on its own.

    This is the integrand of definition 1 in [2]: the partial derivative of the score (before
    softmax) of ``target`` with respect to z_j, taken at z = h(x).  It says how much the score would
    rise if the feature rose a little.  The rows of a batch do not affect one another.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1.
        target: class, int in 0 ... K - 1.

    Returns:
        Tensor (N, *Z), signed, in score units per unit of activation.  Example: if g is linear,
        with weights W of shape (K, F), every row is W[target].

    Raises:
        ValueError or IndexError: no such layer, no such class, or ``xs`` has no rows.
    """
    raise NotImplementedError


def class_influence(model, layer, xs, target, weights=None):
    """Influence of every feature of the slice on one class score, over a distribution of interest.

    Definition 1 of [2]: chi_j = sum over x of P(x) * d score_target / d z_j at z = h(x).  P is the
    distribution of interest: uniform over the rows of ``xs``, or proportional to ``weights``.  With
    all instances of a class as ``xs`` this is the attribution for the class.  Every row counts,
    even if the model predicts another class for it.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1.
        target: class, int in 0 ... K - 1.
        weights: None (all rows alike) or N numbers >= 0, as a list, an array or a tensor.  They
            need not add up to 1: weights (1, 3) mean the same as (0.25, 0.75).

    Returns:
        Tensor of shape Z, signed, in score units per unit of activation.

    Raises:
        ValueError or IndexError: no such layer, no such class, ``xs`` has no rows, or ``weights``
            has another length than ``xs``, a negative or non-finite entry, or the sum 0.
    """
    raise NotImplementedError


def path_influence(model, layer, x, baseline, target, steps=50):
    """Influence of every feature of the slice, averaged along the line from ``baseline`` to ``x``.

    Definition 1 of [2] once more; P is now uniform on the straight line x' + a * (x - x'),
    0 <= a <= 1, where x' is the baseline.  The line lies in *input* space, whatever the layer: each
    of its points goes through h, and the derivative is taken with respect to z there.  Do not
    multiply by (x - x') or by (z - z').

    You may approximate the integral over a by any usual rule with ``steps`` gradients (a few more
    are fine): the right-hand sum of the slides' formula, the left-hand sum of their code, midpoint,
    trapezoid, the mean over ``linspace(0, 1, steps)``, Gauss-Legendre.  More steps must bring the
    result closer to the integral.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        x: one instance, tensor (*input_shape): no batch dimension.
        baseline: tensor of the same shape, such as zeros (but it need not be zero).
        target: class, int in 0 ... K - 1.
        steps: int >= 1.  One step is allowed.

    Returns:
        Tensor of shape Z, signed, in score units per unit of activation.

    Raises:
        ValueError or IndexError: no such layer, no such class, or ``steps`` below 1.
    """
    raise NotImplementedError


def integrated_gradients(model, x, baseline, target, steps=50):
    """Integrated gradients of one class score: what each input feature contributed to it.

    Equation 1 of [1], with the score before softmax as F and x' as the baseline:

        IG_i(x) = (x_i - x'_i) * integral over a from 0 to 1 of dF/dx_i at x' + a * (x - x')

    Completeness (proposition 1 of [1]): the attributions add up to F(x) - F(x'), up to the error of
    the approximation.  You may use the same rules for the integral as in ``path_influence``.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        x: one instance, tensor (*input_shape): no batch dimension.
        baseline: tensor of the same shape.
        target: class, int in 0 ... K - 1, which need not be the class that the model predicts.
        steps: int >= 1.

    Returns:
        Tensor of the shape of ``x``, signed, in score units.  Two examples to try: a linear score
        w.x + b gives w * (x - x') with any number of steps; the score x_0 * x_1 gives close to
        (1/2, 1/2) at x = (1, 1) from the baseline (0, 0).

    Raises:
        ValueError or IndexError: no such class, or ``steps`` below 1.
    """
    raise NotImplementedError


def top_neurons(attribution, k=1):
    """The k most influential neurons of a slice.

    A neuron is as influential as its most influential feature: the signed maximum over its map.
    Not the average, not the sum, not the absolute value (slides, "Top Neuron").

    Args:
        attribution: shape Z, such as (C, H, W) or (F,): a tensor, an array or a list.
        k: int in 1 ... number of neurons.

    Returns:
        (k,) int64, strongest first; among equals the lower index comes first.  Example: the maps
        [[0.1, 0.9]], [[-5.0, 0.2]], [[0.5, 0.5]] and k = 2 give (0, 2).

    Raises:
        ValueError or IndexError: ``k`` is out of range.
    """
    raise NotImplementedError


def saliency_map(model, layer, neuron, x):
    """The pixels that a neuron looks at: the gradient of its activation with respect to the input.

    The activation of a neuron is one number: the maximum over its map at the output of
    ``model[layer]`` (for a unit of a linear layer, the unit itself).  It does not depend on a
    class.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        neuron: int in 0 ... number of neurons - 1.
        x: one instance, tensor (*input_shape): no batch dimension.

    Returns:
        Tensor of the shape of ``x``, signed, in activation units per unit of input.

    Raises:
        ValueError or IndexError: no such layer, or no such neuron.
    """
    raise NotImplementedError


def integrated_saliency_map(model, layer, neuron, x, baseline, steps=50):
    """Integrated gradients of a neuron's activation with respect to the input pixels.

    As ``integrated_gradients``, with the activation of ``saliency_map`` (the maximum over the
    neuron's map, at every point of the line) instead of a class score.  The result adds up to the
    activation at ``x`` minus the activation at ``baseline``.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        neuron: int in 0 ... number of neurons - 1.
        x: one instance, tensor (*input_shape): no batch dimension.
        baseline: tensor of the same shape.
        steps: int >= 1.

    Returns:
        Tensor of the shape of ``x``, signed, in activation units.

    Raises:
        ValueError or IndexError: no such layer, no such neuron, or ``steps`` below 1.
    """
    raise NotImplementedError


def scale_pixels(x, saliency):
    """Show the pixels that matter: the image, each pixel scaled by how salient it is.

    The result is x * s / max(s).  For an image, s is |saliency| maximised over the channels, so all
    channels of a pixel are scaled alike.  A vector has no channels: there s = |saliency|.

    Args:
        x: image (C, H, W) or vector (F,).
        saliency: tensor of the same shape, of any sign.

    Returns:
        Tensor of the shape and dtype of ``x``.  The most salient pixel keeps its value.  A saliency
        that is zero everywhere gives zeros.
    """
    raise NotImplementedError


def compare_attributions(a, b, k):
    """Compare two explanations of the same slice.

    This is how one explanation is set beside another.  With integrated gradients, at the input:

        compare_attributions(
            class_influence(model, -1, x[None], target),
            integrated_gradients(model, x, baseline, target),
            k,
        )

    Args:
        a: attribution of shape Z: a tensor, an array or a list.
        b: another one of the same shape.
        k: int in 1 ... number of neurons.

    Returns:
        Comparison(rank_correlation, top_k_overlap):
        Spearman's rank correlation between all features of ``a`` and all features of ``b``, which
        is Pearson's correlation of their ranks, where equal values share the average of their ranks
        (0.3, 0.7, 0.7 have the ranks 1, 2.5, 2.5).  It is 0 if ``a`` or ``b`` is constant.
        The share of the k top neurons (in the sense of ``top_neurons``) that both name, in any
        order: 1 if they name the same ones, 0 if they have none in common.

    Raises:
        ValueError or IndexError: ``k`` is out of range.
    """
    raise NotImplementedError

"""Part 2: comparative explanations (18 points).

Why this class rather than that one?  The quantity of interest is now a difference of two class
scores, score_c1 - score_c2.

The conventions are those of part 1 (see the top of ``part1_focused.py``).  Those that matter most
    slice       (model, layer): h is everything up to and including ``model[layer]``, g is the rest,
                z = h(x).  ``layer = -1`` is the input itself.  Z is the shape of z without its
                batch dimension.
    neuron      an index into the first dimension of Z; the cells of its map are its features.
    score       the class score *before* softmax, even if the model ends in one.
    sign        positive speaks for c1, negative for c2.
    extrema     are signed, never of absolute values.
    rankings    run from strongest to weakest; among equals the lower index comes first.

As in part 1, every function leaves its arguments, the model and its modes unchanged, evaluates the
model in eval mode, returns tensors in the floating dtype of its input, and raises ``ValueError`` or
``IndexError`` for the bad arguments under "Raises".

You may import from your own part 1 (``from part1_focused import ...``).  A mistake there is then a
mistake here as well.

References
    [1] Sundararajan, Taly, Yan 2017, Axiomatic Attribution for Deep Networks, arXiv:1703.01365
    [2] Leino, Sen, Datta, Fredrikson, Li 2018, Influence-Directed Explanations for Deep
        Convolutional Networks, arXiv:1802.03788
"""

from typing import NamedTuple


class Comparison(NamedTuple):
    """How far two explanations agree, as in part 1."""

    rank_correlation: float  # Spearman's, over all features, in [-1, 1]
    top_k_overlap: float  # share of the k top neurons that both name, in [0, 1]


def comparative_influence(model, layer, xs, c1, c2, weights=None):
    """Influence of every feature of the slice towards class c1 and away from class c2.

    Definition 1 of [2] with the quantity of interest score_c1 - score_c2 (before softmax), averaged
    over the rows of ``xs``.  A batch of one row explains an instance, a batch of all rows of a
    class explains the class.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1.
        c1, c2: classes, two different ints in 0 ... K - 1.
        weights: None (all rows alike) or N numbers >= 0, as a list, an array or a tensor.  They
            need not add up to 1.

    Returns:
        Tensor of shape Z, signed, in score units per unit of activation: positive where a rise of
        the feature moves the scores towards c1, negative where it moves them towards c2.

    Raises:
        ValueError or IndexError: no such layer, no such class (c1 or c2), ``xs`` has no rows, or
            ``weights`` has another length than ``xs``, a negative or non-finite entry, or the sum
            0.
    """
    raise NotImplementedError


def comparative_integrated_gradients(model, x, baseline, c1, c2, steps=50):
    """Integrated gradients of the difference between two class scores.

    Equation 1 of [1] with F = score_c1 - score_c2 (before softmax) and x' as the baseline:

        (x_i - x'_i) * integral over a from 0 to 1 of dF/dx_i at x' + a * (x - x')

    The result adds up to F(x) - F(x'), up to the error of the approximation.  You may use the same
    rules for the integral as in part 1.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        x: one instance, tensor (*input_shape): no batch dimension.
        baseline: tensor of the same shape.
        c1, c2: classes, two different ints in 0 ... K - 1.
        steps: int >= 1.

    Returns:
        Tensor of the shape of ``x``, signed, in score units.

    Raises:
        ValueError or IndexError: no such class (c1 or c2), or ``steps`` below 1.
    """
    raise NotImplementedError


def distinguishing_neurons(model, layer, xs, c1, c2, k):
    """The neurons that tell c1 from c2: those that push hardest towards either.

    Use the comparative influence at the slice, averaged over all rows of ``xs``.  A neuron's push
    towards c1 is the largest value in its map, its push towards c2 the smallest.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1.
        c1, c2: classes, two different ints in 0 ... K - 1.
        k: int in 1 ... number of neurons.

    Returns:
        (for_c1, for_c2), each (k,) int64 and each with its strongest neuron first: for_c1 holds the
        neurons with the largest maxima, for_c2 those with the smallest minima.  Among equals the
        lower index comes first.  Neither list is filtered by sign, and a neuron with both a strong
        positive and a strong negative feature may be in both.

    Raises:
        ValueError or IndexError: no such layer, no such class, ``xs`` has no rows, or ``k`` is out
            of range.
    """
    raise NotImplementedError


def compare_with_single_class(model, layer, xs, c1, c2, k):
    """Compare the comparative explanation with the one for c1 alone.

    These are the influence on score_c1 - score_c2 and the influence on score_c1, both at the same
    slice and averaged over all rows of ``xs``.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1.
        c1, c2: classes, two different ints in 0 ... K - 1.
        k: int in 1 ... number of neurons.

    Returns:
        Comparison(rank_correlation, top_k_overlap), both as in ``compare_attributions`` of part 1:
        Spearman's rank correlation over all features (equal values share the average of their
        ranks; 0 if an explanation is constant), and the share of the k top neurons (largest signed
        maximum over the map) that both explanations name.

    Raises:
        ValueError or IndexError: no such layer, no such class, ``xs`` has no rows, or ``k`` is out
            of range.
    """
    raise NotImplementedError

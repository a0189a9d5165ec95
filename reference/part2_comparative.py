"""Part 2: comparative explanations.

Part 1 asks why the network says c1.  Here the quantity of interest is score_c1 - score_c2 before
softmax: why it says c1 *rather than* c2 (Leino et al. 2018, arXiv:1802.03788).  A gradient is
linear in the quantity, so what speaks for both classes cancels, and what tells them apart stays.

Arguments and errors are those of part 1; c1 and c2 are classes, 0 ... K - 1.  Positive speaks for
c1, negative for c2.
"""

from torch import Tensor, nn

if __package__:
    from . import part1_focused as part1
else:  # a submission folder, where the files lie flat
    import part1_focused as part1  # type: ignore[import-not-found, no-redef]

__all__ = [
    "comparative_influence",
    "comparative_integrated_gradients",
    "compare_with_single_class",
    "distinguishing_neurons",
]


def difference(c1: int, c2: int) -> part1.Quantity:
    """Quantity of interest: how far class c1 is ahead of class c2, (N, K) -> (N,)."""
    first, second = part1.score(c1), part1.score(c2)
    return lambda scores: first(scores) - second(scores)


def comparative_influence(
    model: nn.Sequential,
    layer: int,
    xs: Tensor,
    c1: int,
    c2: int,
    weights: part1.Values | None = None,
) -> Tensor:
    """Influence of every feature on score_c1 - score_c2, averaged over the rows of xs.

    Definition 1 of Leino et al. with P over the rows.  One row explains an instance, all rows of a
    class explain the class.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1.
        c1, c2: classes, 0 ... K - 1.
        weights: (N,), finite, non-negative, not all zero: P is proportional to them.  ``None``
            makes P uniform.

    Returns:
        Z, dtype of ``xs``; signed, in score units per unit of activation.  Positive speaks for c1,
        negative for c2.

    Raises:
        IndexError: no such layer, or no such class.
        ValueError: ``xs`` has no rows, or ``weights`` cannot be used.
    """
    scores = part1.linear_scores(model)
    return part1.average_influence(scores, layer, xs, difference(c1, c2), weights)


def comparative_integrated_gradients(
    model: nn.Sequential, x: Tensor, baseline: Tensor, c1: int, c2: int, steps: int = 50
) -> Tensor:
    """Integrated gradients of score_c1 - score_c2.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        x: (*input_shape), the instance that is explained.
        baseline: (*input_shape), what it is compared with.
        c1, c2: classes, 0 ... K - 1.
        steps: gradient evaluations of the midpoint rule, >= 1.

    Returns:
        x.shape, dtype of ``x``; signed, in score units.  The sum is the change of the difference
        between ``baseline`` and ``x``, up to the error of the rule.

    Raises:
        IndexError: no such class.
        ValueError: ``steps`` is below 1.
    """
    return part1.integrate(part1.linear_scores(model), x, baseline, difference(c1, c2), steps)


def distinguishing_neurons(
    model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, k: int
) -> tuple[Tensor, Tensor]:
    """The k neurons that push hardest towards c1, and the k that push hardest towards c2.

    A neuron's push towards c1 is the largest value of the comparative influence in its map, its
    push towards c2 the smallest.

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1.
        c1, c2: classes, 0 ... K - 1.
        k: length of each list, 1 ... neurons.

    Returns:
        (for c1, for c2), (k,) int64 each, strongest first; ties go to the lower index.

    Raises:
        IndexError: no such layer or class, or ``k`` is out of range.
        ValueError: ``xs`` has no rows.
    """
    influence = comparative_influence(model, layer, xs, c1, c2)
    return part1.top_neurons(influence, k), part1.top_neurons(-influence, k)


def compare_with_single_class(
    model: nn.Sequential, layer: int, xs: Tensor, c1: int, c2: int, k: int
) -> part1.Comparison:
    """Compare the explanation of c1 rather than c2 with that of c1 alone (`compare_attributions`).

    Args:
        model: (N, *input_shape) -> (N, K); a softmax at its end is left out.
        layer: the slice is after this layer; -1 is the input.
        xs: (N, *input_shape), N >= 1.
        c1, c2: classes, 0 ... K - 1.
        k: how many top neurons are compared, 1 ... neurons.

    Returns:
        Rank correlation over all features in [-1, 1], and the share of common top neurons in [0,
        1].

    Raises:
        IndexError: no such layer or class, or ``k`` is out of range.
        ValueError: ``xs`` has no rows.
    """
    comparative = comparative_influence(model, layer, xs, c1, c2)
    alone = part1.class_influence(model, layer, xs, c1)
    return part1.compare_attributions(comparative, alone, k)

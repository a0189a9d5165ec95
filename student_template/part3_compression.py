"""Part 3: model compression, the essence of a class (22 points).

How few neurons of a slice are enough to recognise a class?  Find the neurons with the most positive
and the most negative influence, set all others to zero, and test how well the network can still
tell the class from all others.

The conventions are those of part 1 (see the top of ``part1_focused.py``).  Those that matter most
    slice       (model, layer): h is everything up to and including ``model[layer]``, g is the rest,
                z = h(x).  ``layer = -1`` is the input itself.  Z is the shape of z without its
                batch dimension.
    neuron      an index into the first dimension of Z: a channel, or a unit.  The cells of its map
                are its features.
    score       the class score *before* softmax, even if the model ends in one.
    extrema     are signed, never of absolute values.
    rankings    run from strongest to weakest; among equals the lower index comes first.

As in part 1, every function leaves its arguments, the model and its modes unchanged, evaluates the
model in eval mode, returns tensors in the floating dtype of its input, and raises ``ValueError`` or
``IndexError`` for the bad arguments under "Raises".  Modules that you return may share layers with
the model; the checks put them in eval mode before they call them.

You may import from your own part 1 (``from part1_focused import ...``).  A mistake there is then a
mistake here as well.

Reference
    [2] Leino, Sen, Datta, Fredrikson, Li 2018, Influence-Directed Explanations for Deep
        Convolutional Networks, arXiv:1802.03788
"""

from typing import NamedTuple


class Evaluation(NamedTuple):
    """How good a binary classifier is; all three in [0, 1]."""

    accuracy: float  # share of all rows that it gets right
    precision: float  # of the rows that it calls the class, the share that is
    recall: float  # of the rows that are the class, the share that it finds


def random_classes(num_classes, k=5, seed=0):
    """Draw the classes to work on.

    Args:
        num_classes: int >= 1, how many classes there are.
        k: int in 1 ... num_classes, how many to draw.
        seed: int.  The same seed always gives the same classes, whatever else has drawn random
            numbers before; different seeds, as a rule, give different ones.

    Returns:
        List of k different ints in range(num_classes), in any order.

    Raises:
        ValueError or IndexError: ``k`` is out of range.
    """
    raise NotImplementedError


def influential_neurons(influence, positive, negative):
    """The neurons with the most positive and with the most negative influence.

    Args:
        influence: shape Z, such as (C, H, W) or (F,): a tensor, an array or a list.
        positive: int in 0 ... number of neurons, how many to take from the positive end.
        negative: int in 0 ... number of neurons, how many to take from the negative end.

    Returns:
        Two int64 tensors, (positive,) and (negative,), each with its strongest neuron first: the
        neurons with the largest maxima over their maps, and those with the smallest minima.  Among
        equals the lower index comes first.  Do not filter by sign: the second list may hold neurons
        whose minimum is positive, and a neuron may be in both lists.  Example: the influence
        (3, -1, 2) with positive = 1 and negative = 2 gives (0,) and (1, 2).

    Raises:
        ValueError or IndexError: ``positive`` or ``negative`` is out of range.
    """
    raise NotImplementedError


def mask_slice(model, layer, keep):
    """Return the network with all neurons of a slice set to zero but the chosen ones.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K).
        layer: int in -1 ... len(model) - 1.  At -1 the channels (or entries) of the input are
            masked.
        keep: the neurons that stay: ints in a list, an array or a tensor.  Order and repeats do not
            matter.  It may be empty: then every neuron is set to zero.

    Returns:
        A module (N, *input_shape) -> (N, K) that computes g of the masked z: z where the neuron is
        in ``keep``, 0 everywhere in the map of a neuron that is not.  What comes after the slice is
        unchanged; if the model ends in a softmax, so does the new network.  ``model`` itself still
        computes what it did before.

    Raises:
        ValueError or IndexError: no such layer, or ``keep`` names a neuron that does not exist
            (negative, or too large).  For ``keep`` it may be raised here or by the module when it
            is called.
    """
    raise NotImplementedError


def binary_classifier(model, layer, xs, target, positive, negative):
    """Compress the network to a classifier that recognises one class only.

    Take the influence on the score of ``target``, averaged over ``xs``, in the unmasked network.
    Keep the neurons that ``influential_neurons`` returns for it with ``positive`` and ``negative``,
    and mask all others at the slice.

    Args:
        model: nn.Sequential, (N, *input_shape) -> (N, K), K >= 2.
        layer: int in -1 ... len(model) - 1.
        xs: tensor (N, *input_shape), N >= 1, as a rule instances of the class.
        target: the class, int in 0 ... K - 1.
        positive: int in 0 ... number of neurons.
        negative: int in 0 ... number of neurons.  Both may be 0: then all neurons are masked.

    Returns:
        A module (N, *input_shape) -> (N,) that gives a margin for each row: the score of ``target``
        minus the highest score among the other classes, before softmax, in the masked network.
        Positive means "it is the class".

    Raises:
        ValueError or IndexError: no such layer, no such class, ``xs`` has no rows, or ``positive``
            or ``negative`` is out of range.
    """
    raise NotImplementedError


def evaluate(classifier, xs, is_target):
    """Measure how good a binary classifier is.

    A margin above 0 says that the row is the class; a margin of exactly 0 says that it is not.

    Args:
        classifier: a callable, as a rule a module, (N, *input_shape) -> (N,) margins.  Run a module
            in eval mode, and restore its modes afterwards.
        xs: tensor (N, *input_shape), N >= 1.
        is_target: N bools, whether the row is the class: a list, an array or a tensor.

    Returns:
        Evaluation(accuracy, precision, recall).  Precision is 0 if the classifier calls no row the
        class, recall is 0 if no row is the class.  Example: the margins (2, -1, 1, 0) for
        (True, True, False, False) give accuracy 1/2, precision 1/2 and recall 1/2.

    Raises:
        ValueError or IndexError: ``xs`` has no rows, or ``is_target`` has another length.
    """
    raise NotImplementedError

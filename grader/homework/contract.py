"""The homework as data: files, functions, parameters and what each function gives back.

This is the only list of them.  The loader, the validation of replies, the student template's tests
and the README's table read it.  Shapes are words: ``N`` rows, ``Z`` the shape of the slice, ``x``
the shape of the instance, ``k`` the length that the caller asked for, a number that length; an
empty shape is a scalar.  ``N`` and ``D`` of points are their rows and columns.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass

__all__ = [
    "FILES",
    "FUNCTIONS",
    "GAN_LOSSES",
    "GAN_NETWORKS",
    "LEARNING_RATES",
    "MOST_STEPS",
    "PARTS",
    "PROMISED",
    "RATE_BOUNDS",
    "REQUIRED",
    "Array",
    "Function",
    "Module",
    "Number",
    "Part",
    "Returns",
    "Tuple",
    "function",
    "part",
    "part_of_file",
]

REQUIRED = inspect.Parameter.empty
"""The default of a parameter that has none."""

PROMISED = ("torch", "torchvision", "numpy", "PIL")
"""The packages that a submission may import beside the standard library and its own files."""

GAN_LOSSES = ("minimax", "non_saturating", "lsgan", "hinge", "wgan", "other")

LEARNING_RATES = (2e-3, 5e-4, 1.25e-4)
"""What the grader tries, in this order, where ``gan.py`` has no ``LEARNING_RATE``."""

RATE_BOUNDS = (1e-5, 1e-2)
"""Between which each number in ``LEARNING_RATE`` lies, ends included."""

GAN_NETWORKS = ("generator", "discriminator")

MOST_STEPS = {"generator": 2, "discriminator": 10}
"""Steps of each network's optimizer that a call of ``train_step`` may take, on the mean."""


@dataclass(frozen=True)
class Array:
    """An array of ``shape``; ``kind`` is ``"float"`` or ``"int"``."""

    shape: tuple[str | int, ...]
    kind: str = "float"


@dataclass(frozen=True)
class Module:
    """A network that can be called on a batch and gives ``rows`` for it."""

    rows: tuple[str | int, ...] = ()


@dataclass(frozen=True)
class Number:
    """One finite float."""


@dataclass(frozen=True)
class Tuple:
    """A tuple of the given things, in this order."""

    items: tuple[Returns, ...]
    names: tuple[str, ...] = ()


Returns = Array | Module | Number | Tuple


@dataclass(frozen=True)
class Function:
    """One function of the homework."""

    name: str
    part: str
    parameters: tuple[tuple[str, object], ...]
    returns: Returns | None
    summary: str
    optional: bool = False

    @property
    def signature(self) -> str:
        """As it stands in the homework: ``name(model, layer, steps=50)``."""
        words = (n if d is REQUIRED else f"{n}={d!r}" for n, d in self.parameters)
        return f"{self.name}({', '.join(words)})"


@dataclass(frozen=True)
class Part:
    """One part: its file and its points.

    A part of 0 points is optional: an assignment that wants it gives it some.  Otherwise nobody
    runs its checks, and no page shows it.
    """

    id: str
    title: str
    file: str
    points: float

    @property
    def optional(self) -> bool:
        """Whether the part counts only where an assignment says so."""
        return self.points == 0


PARTS = (
    Part("part1", "Focused explanation of a slice", "part1_focused.py", 32),
    Part("part2", "Comparative explanations", "part2_comparative.py", 18),
    Part("part3", "Model compression", "part3_compression.py", 22),
    Part("gan", "Generative adversarial network", "gan.py", 28),
    Part("warmup", "Unsupervised learning", "warmup.py", 0),
)

FILES = tuple(part.file for part in PARTS if not part.optional)
"""The files that every assignment asks for."""


def _function(
    part: str, signature: str, returns: Returns | None, summary: str, *, optional: bool = False
) -> Function:
    name, _, rest = signature.rstrip(")").partition("(")
    parameters: list[tuple[str, object]] = []
    for word in rest.split(", ") if rest else []:
        parameter, _, default = word.partition("=")
        parameters.append(
            (
                parameter,
                {"": REQUIRED, "None": None}[default] if default in ("", "None") else int(default),
            )
        )
    return Function(name, part, tuple(parameters), returns, summary, optional)


_ATTRIBUTION = Array(("Z",))
_PICTURE = Array(("x",))
_NEURONS = Array(("k",), "int")
_COMPARISON = Tuple((Number(), Number()), ("rank_correlation", "top_k_overlap"))
_CHOSEN = Tuple((_NEURONS, _NEURONS))

_ALL = (
    _function("part1", "linear_scores(model)", Module(), "the network without its final softmax"),
    _function("part1", "split(model, layer)", Tuple((Module(), Module())), "the slice: h and g"),
    _function(
        "part1",
        "instance_influence(model, layer, xs, target)",
        Array(("N", "Z")),
        "gradient of the score at the slice, one per instance",
    ),
    _function(
        "part1",
        "class_influence(model, layer, xs, target, weights=None)",
        _ATTRIBUTION,
        "its average over a distribution of interest",
    ),
    _function(
        "part1",
        "path_influence(model, layer, x, baseline, target, steps=50)",
        _ATTRIBUTION,
        "its average on the line from the baseline to the input",
    ),
    _function(
        "part1",
        "integrated_gradients(model, x, baseline, target, steps=50)",
        _PICTURE,
        "integrated gradients of a class score",
    ),
    _function("part1", "top_neurons(attribution, k=1)", _NEURONS, "the most influential neurons"),
    _function(
        "part1",
        "saliency_map(model, layer, neuron, x)",
        _PICTURE,
        "gradient of a neuron's activation with respect to the pixels",
    ),
    _function(
        "part1",
        "integrated_saliency_map(model, layer, neuron, x, baseline, steps=50)",
        _PICTURE,
        "integrated gradients of a neuron's activation",
    ),
    _function("part1", "scale_pixels(x, saliency)", _PICTURE, "the input dimmed by its saliency"),
    _function(
        "part1", "compare_attributions(a, b, k)", _COMPARISON, "how alike two explanations are"
    ),
    _function(
        "part2",
        "comparative_influence(model, layer, xs, c1, c2, weights=None)",
        _ATTRIBUTION,
        "influence towards one class rather than another",
    ),
    _function(
        "part2",
        "comparative_integrated_gradients(model, x, baseline, c1, c2, steps=50)",
        _PICTURE,
        "integrated gradients of the difference of two scores",
    ),
    _function(
        "part2",
        "distinguishing_neurons(model, layer, xs, c1, c2, k)",
        _CHOSEN,
        "the neurons that push towards either class",
    ),
    _function(
        "part2",
        "compare_with_single_class(model, layer, xs, c1, c2, k)",
        _COMPARISON,
        "the comparative explanation beside the one for c1 alone",
    ),
    _function(
        "part3",
        "random_classes(num_classes, k=5, seed=0)",
        Array(("k",), "int"),
        "the classes to work on",
    ),
    _function(
        "part3",
        "influential_neurons(influence, positive, negative)",
        Tuple((Array(("positive",), "int"), Array(("negative",), "int"))),
        "the neurons of most positive and most negative influence",
    ),
    _function(
        "part3",
        "mask_slice(model, layer, keep)",
        Module(),
        "the network with all but the kept neurons set to zero",
    ),
    _function(
        "part3",
        "binary_classifier(model, layer, xs, target, positive, negative)",
        Module(("N",)),
        "the compressed network that answers 'is it this class?'",
    ),
    _function(
        "part3",
        "evaluate(classifier, xs, is_target)",
        Tuple((Number(), Number(), Number()), ("accuracy", "precision", "recall")),
        "accuracy, precision and recall of such a classifier",
    ),
    _function("gan", "make_generator(latent_dim)", Module(("N", 1, 8, 8)), "noise to images"),
    _function("gan", "make_discriminator()", Module(), "images to logits"),
    _function(
        "gan",
        "discriminator_loss(real_logits, fake_logits)",
        Number(),
        "what the discriminator minimises",
    ),
    _function("gan", "generator_loss(fake_logits)", Number(), "what the generator minimises"),
    _function(
        "gan",
        "discriminator_penalty(discriminator, real, fake)",
        Number(),
        "a penalty added to the discriminator's loss",
        optional=True,
    ),
    _function(
        "gan",
        "train_step(generator, discriminator, opt_g, opt_d, real, z)",
        None,
        "one step of both networks",
    ),
    _function(
        "gan",
        "train(generator, discriminator, opt_g, opt_d, images, "
        "steps, batch_size, latent_dim, seed)",
        None,
        "the whole training",
    ),
    _function(
        "warmup",
        "kmeans(points, k, seed=0)",
        Tuple((Array(("N",), "int"), Array(("k", "D"))), ("labels", "centres")),
        "k-means: the cluster of each point, and the centres",
        optional=True,
    ),
    _function(
        "warmup",
        "principal_components(points, k)",
        Tuple((Array(("k", "D")), Array(("k",))), ("components", "variances")),
        "the directions of largest variance, and these variances",
        optional=True,
    ),
    _function(
        "warmup",
        "make_autoencoder()",
        Module(("N", 1, 8, 8)),
        "images to images, through a code of at most 8 numbers",
        optional=True,
    ),
    _function(
        "warmup",
        "train_autoencoder(autoencoder, optimizer, images, steps, batch_size, seed)",
        None,
        "the training on the reconstruction error",
        optional=True,
    ),
)

FUNCTIONS = {f.name: f for f in _ALL}


def function(name: str) -> Function:
    """The function of that name; ``KeyError`` if the homework has none."""
    return FUNCTIONS[name]


def part(name: str) -> Part:
    """The part of that id.

    Raises:
        KeyError: the homework has none.
    """
    return {one.id: one for one in PARTS}[name]


def part_of_file(file: str) -> Part | None:
    """The part that a file belongs to, or ``None``."""
    return next((part for part in PARTS if part.file == file), None)

"""Mistakes about the quantity of interest: a class of ``base.py`` with one step wrong.

The docstring of a class says what it does; ``__init__.py`` says in which functions it is a mistake.
"""

from __future__ import annotations

from torch import Tensor, nn

from ..part1_focused import Quantity
from .base import Way


class SoftmaxKept(Way):
    """softmax kept"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        return model.eval()


class Probability(Way):
    """softmax of the scores"""

    def scores(self, output: Tensor) -> Tensor:
        return output.softmax(1)


class LogProbability(Way):
    """log-softmax of the scores"""

    def scores(self, output: Tensor) -> Tensor:
        return output.log_softmax(1)


class LogSoftmaxKept(Way):
    """log-softmax kept, softmax taken off"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        return model.eval() if isinstance(model[-1], nn.LogSoftmax) else super().network(model)


class OnlyLogSoftmaxRemoved(Way):
    """softmax kept, log-softmax taken off"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        return model.eval() if isinstance(model[-1], nn.Softmax) else super().network(model)


class SigmoidOfScores(Way):
    """sigmoid of the scores"""

    def scores(self, output: Tensor) -> Tensor:
        return output.sigmoid()


class LogSigmoidOfScores(Way):
    """log of the sigmoid of the scores"""

    def scores(self, output: Tensor) -> Tensor:
        return nn.functional.logsigmoid(output)


class SigmoidOfAllScores(Way):
    """sigmoid of the scores, summed over the classes"""

    def score(self, target: int) -> Quantity:
        return lambda output: output.sigmoid().sum(1)


class SigmoidOfDifference(Way):
    """sigmoid of the difference of two scores"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return lambda output: (output[:, c1] - output[:, c2]).sigmoid()


class LogSigmoidOfDifference(Way):
    """log of the sigmoid of the difference of two scores"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return lambda output: nn.functional.logsigmoid(output[:, c1] - output[:, c2])


class ClassOfDifference(Way):
    """the class with the index c1 - c2"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return lambda output: self.scores(output)[:, c1 - c2]


class LastLayerDropped(Way):
    """last layer dropped, whatever it is"""

    def network(self, model: nn.Sequential) -> nn.Sequential:
        return nn.Sequential(*list(model.eval())[:-1])


class Predicted(Way):
    """class that is predicted, not the target"""

    def score(self, target: int) -> Quantity:
        return lambda output: self.scores(output).amax(1)


class AllClasses(Way):
    """all scores added up"""

    def score(self, target: int) -> Quantity:
        return lambda output: self.scores(output).sum(1)


class NextClass(Way):
    """the next class"""

    def score(self, target: int) -> Quantity:
        return lambda output: self.scores(output)[:, (target + 1) % output.shape[1]]


class ClassBefore(Way):
    """the class before"""

    def score(self, target: int) -> Quantity:
        return lambda output: self.scores(output)[:, target - 1]


class OneClass(Way):
    """c1 alone, c2 left out"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return self.score(c1)


class OtherClassAlone(Way):
    """c2 alone, c1 left out"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return self.score(c2)


class OtherSign(Way):
    """c2 rather than c1"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return super().comparison(c2, c1)


class BothClasses(Way):
    """c1 and c2 added up"""

    def comparison(self, c1: int, c2: int) -> Quantity:
        return lambda output: self.score(c1)(output) + self.score(c2)(output)


class NextNeuron(Way):
    """the neuron before"""

    def activation(self, neuron: int) -> Quantity:
        return super().activation(neuron - 1)


class NeuronBehind(Way):
    """the next neuron"""

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z[:, (neuron + 1) % z.shape[1]].reshape(len(z), -1).amax(1)


class StrongestNeuron(Way):
    """the strongest neuron of the layer"""

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z.flatten(1).amax(1)


class OneFeature(Way):
    """one feature of the flattened layer"""

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z.flatten(1)[:, neuron]


class MapSum(Way):
    """activation summed over the map"""

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z[:, neuron].reshape(len(z), -1).sum(1)


class MapMean(Way):
    """activation averaged over the map"""

    def activation(self, neuron: int) -> Quantity:
        return lambda z: z[:, neuron].reshape(len(z), -1).mean(1)

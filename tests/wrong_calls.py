"""Calls that mypy must refuse: each ``type: ignore`` names the error, and mypy itself says so where
there is none (``warn_unused_ignores``).  Nobody runs this file; ``mypy`` reads it with the grader.
"""

from typing import cast

import numpy as np

from grader.checks.framework.student import Student
from grader.homework.networks import Network
from grader.oracle.live import oracle

NET, XS = cast(Network, None), cast(np.ndarray, None)
STUDENT = cast(Student, None)


def right() -> np.ndarray:
    h, g = STUDENT.split(NET, 1)
    accuracy, _, recall = STUDENT.evaluate(h.call, XS, XS)
    assert accuracy + recall > 0
    return g(STUDENT.class_influence(NET, layer=1, xs=XS, target=3, weights=[0.5, 0.5]))


def wrong() -> None:
    STUDENT.class_influence(NET, 1, XS)  # type: ignore[call-arg]
    STUDENT.class_influence(NET, 1, XS, target=3, weight=XS)  # type: ignore[call-arg]
    STUDENT.class_influence(NET, 1, 3, XS)  # type: ignore[arg-type]
    STUDENT.integrated_gradients(NET, XS, XS, 3, steps="50")  # type: ignore[arg-type]
    STUDENT.clas_influence(NET, 1, XS, 3)  # type: ignore[attr-defined]
    STUDENT.evaluate(STUDENT.linear_scores(NET), XS, XS)  # type: ignore[arg-type]
    STUDENT.evaluate(NET, XS, XS).round()  # type: ignore[attr-defined]
    oracle.split(NET)  # type: ignore[call-arg]
    oracle.top_neurons(XS, k=None)  # type: ignore[arg-type]

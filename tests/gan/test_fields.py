"""What a driver sends back is looked at before anything is computed with it."""

import numpy as np
import pytest

from grader.checks.framework.expect import Unmet
from grader.checks.gan.evidence import field
from grader.sandbox.gan.helpers import MOST


@pytest.mark.parametrize("rows", [1, MOST])
def test_any_length_is_any_that_there_can_be(rows):
    assert field({"noise": np.ones((rows, 2), np.int8)}, "noise", (None, 2)).shape == (rows, 2)


@pytest.mark.parametrize("rows", [0, MOST + 1, 4_000_000])
def test_nothing_and_millions_of_rows_are_none(rows):
    with pytest.raises(Unmet, match="should have the shape"):
        field({"noise": np.ones((rows, 2), np.int8)}, "noise", (None, 2))

import sys
from pathlib import Path

import pytest

# Small reports are made as in the tests of reports.
sys.path.append(str(Path(__file__).parent.parent / "report"))

from course import Course


@pytest.fixture
def course(tmp_path, monkeypatch):
    return Course(tmp_path, monkeypatch)

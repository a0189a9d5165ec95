"""Without a browser nobody sees what pages do: CI must not pass over that in silence."""

import pytest

from browser import unavailable


def test_a_missing_browser_skips_a_test_but_fails_it_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="there is none"):
        unavailable("there is none")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="there is none"):
        unavailable("there is none")

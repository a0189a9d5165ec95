"""What stands between a submission and this machine, as a record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["MODES", "NO_WALLS", "UNTRIED", "WISHES", "Walls"]

WISHES = ("auto", "strict", "none")
"""What ``--sandbox`` takes."""

MODES = ("bubblewrap", "lockdown", "none")
"""The strongest first."""


@dataclass(frozen=True)
class Walls:
    """A mode and the layers that were active when it was tried; without layers, none."""

    mode: str = "none"
    layers: tuple[str, ...] = ()

    @property
    def unsandboxed(self) -> bool:
        """Whether nothing keeps a submission from this machine's files, network and processes."""
        return self.mode == "none"

    def describe(self) -> dict[str, Any]:
        """As it stands in ``result.json``."""
        return {"mode": self.mode, "layers": list(self.layers), "unsandboxed": self.unsandboxed}


NO_WALLS = Walls()

UNTRIED = Walls("untried")
"""Walls that will be tried before anything runs within them."""

"""What stands between a submission and this machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["MODES", "NoWalls", "Walls", "choose"]

MODES = ("auto", "strict", "none")


class NoWalls(RuntimeError):  # noqa: N818  (it refuses; nothing is broken)
    """``strict`` was asked for, and there are no walls to be had."""


@dataclass(frozen=True)
class Walls:
    """The layers that are active; none yet: a submission runs in a process of its own, no more."""

    mode: str = "none"
    layers: tuple[str, ...] = ()

    @property
    def unsandboxed(self) -> bool:
        """Whether nothing keeps a submission from this machine's files, network and processes."""
        return not self.layers

    def describe(self) -> dict[str, Any]:
        """As it stands in ``result.json``."""
        return {"mode": self.mode, "layers": list(self.layers), "unsandboxed": self.unsandboxed}


def choose(wish: str) -> Walls:
    """The walls for ``--sandbox``.

    Args:
        wish: ``auto`` (the strongest that works here), ``strict`` (or else refuse) or ``none``.

    Raises:
        NoWalls: ``strict``, and this version has no walls.
    """
    if wish == "strict":
        raise NoWalls(
            "--sandbox strict: this version of hw3-grader has no walls around submissions yet; "
            "use --sandbox none for code that you trust, on a machine that can be thrown away"
        )
    return Walls()

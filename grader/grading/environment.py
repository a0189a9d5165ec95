"""Whether what is installed can be used: torch and the others, and which grader it is.

Everything here is asked for before torch is imported, or after that failed.
"""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import grader

__all__ = ["BUNDLED", "NEEDED", "Unusable", "another", "copies", "unusable"]

NEEDED = ("torch", "numpy", "hypothesis", "safetensors", "jinja2", "rich", "psutil")
"""What has to be there; torchvision need not work."""

BUNDLED = "+student."
"""In the version of a package that students get."""

_CPU = (
    'pip install "torch>=2.6,<2.14" "torchvision>=0.21,<0.29" '
    "--index-url https://download.pytorch.org/whl/cpu"
)


@dataclass(frozen=True)
class Unusable:
    """A package that is needed, what is wrong with it, and the command that repairs it."""

    package: str
    says: str
    repair: str

    def __str__(self) -> str:
        return f"{self.package} {self.says}: {self.repair}"


def unusable() -> Unusable | None:
    """The first package that is missing or broken; nothing if all can be imported."""
    for name in NEEDED:
        try:
            importlib.import_module(name)
        except Exception as error:  # a broken package may raise anything
            repair = _CPU if name == "torch" else f"pip install {name}"
            if isinstance(error, ModuleNotFoundError) and error.name == name:
                return Unusable(name, "is not installed here", repair)
            reason = next(iter(str(error).splitlines()), type(error).__name__)
            again = repair.replace("install", "install --force-reinstall", 1)
            return Unusable(name, f"is installed, but cannot be imported ({reason})", again)
    return None


def copies() -> list[str]:
    """The versions of the grader that are installed here, where there is more than one.

    Which of them runs would be a matter of chance.
    """
    found = {
        str(Path(entry).resolve() / path.name): path.name.split("-")[1].removesuffix(".dist")
        for entry in dict.fromkeys(sys.path)
        if entry
        for path in Path(entry).glob("hw3_grader-*.dist-info")
    }
    return sorted(found.values()) if len(found) > 1 else []


def another(folder: Path) -> str:
    """Why this grader could give wrong marks to a folder, and how to repair it.

    Nothing if there is only one grader, and the one that the folder brings.
    """
    if several := copies():
        return (
            f"{len(several)} graders are installed here ({', '.join(several)}): "
            "run pip uninstall hw3-grader until none is left, then install one of them"
        )
    brought = sorted(path.name for path in folder.glob("wheels/hw3_grader-*.whl"))
    installed = metadata.version("hw3-grader") if BUNDLED in grader.__version__ else ""
    if not installed or not brought or any(f"-{installed}-" in name for name in brought):
        return ""
    return (
        f"the installed grader, {installed}, is not the one of this folder, "
        f"{brought[-1].split('-')[1]}: run pip install -r requirements.txt"
    )

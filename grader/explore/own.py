"""The student's own functions, and the sentence that replaces a picture if one fails."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.homework.torchvision_compat import import_torchvision
from grader.sandbox.guest.explain import explain
from grader.text import one_line

__all__ = ["MissingError", "Own", "Trouble", "UnfitError", "own", "trouble"]


class MissingError(Exception):
    """A file or a function of the homework that is not there; the text is one sentence."""


class UnfitError(Exception):
    """A result that cannot be drawn; the text is one sentence."""


@dataclass(frozen=True)
class Trouble:
    """Why a picture is not there: one sentence, and the student's line if one of theirs raised."""

    says: str
    where: str = ""
    code: str = ""
    unwritten: str = ""
    """The function that is not written yet, if that is all."""

    def __str__(self) -> str:
        code = f": {self.code}" if self.code else ""
        return f"{self.says} ({self.where}{code})" if self.where else self.says


class Own:
    """One of the student's files; its functions are attributes, looked up when they are used."""

    latest = ""
    """The function of any file that was called last: what came back is its result."""

    file = ""
    """The file that was imported last."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, function: str) -> Any:
        Own.file = self._name
        try:
            module = importlib.import_module(self._name)
        except ModuleNotFoundError as error:
            if error.name != self._name:
                raise
            raise MissingError(f"{self._name}.py is not in this folder") from None
        except RuntimeError as error:
            if "torchvision::nms does not exist" not in str(error):
                raise
            import_torchvision()  # gets around that, as it does when the homework is checked
            module = importlib.import_module(self._name)
        if not hasattr(module, function):
            raise MissingError(f"{function} is not in {self._name}.py")
        value = getattr(module, function)
        if not callable(value):
            return value

        def called(*arguments: Any, **named: Any) -> Any:
            Own.latest = function
            return value(*arguments, **named)

        return called


def own(name: str) -> Own:
    """The student's file ``name``.py, imported when one of its functions is first asked for.

    A file that is missing or cannot be imported raises then, so that it does not stop the others.
    """
    return Own(name)


def trouble(error: BaseException, program: Path) -> Trouble:
    """What to tell about an exception: in words, with the student's line where it was raised.

    Args:
        error: what was raised.
        program: the file that calls the student's functions; what lies beside it is theirs.
    """
    if isinstance(error, MissingError):
        return Trouble(str(error))
    if isinstance(error, UnfitError):
        return Trouble(f"{Own.latest}: {error}")
    if isinstance(error, SyntaxError) and not _theirs(error.filename, program):
        says = f"Python cannot read the file: {one_line(str(error.msg))}"
        return Trouble(says, f"{Own.file}.py")
    # Their files come before the program, which only calls them.
    deeper = explain(error, lambda file: _theirs(file, program) and Path(file).resolve() != program)
    found = deeper if deeper.line else explain(error, lambda file: _theirs(file, program))
    says = ": ".join(word for word in (found.head, one_line(found.text, 300)) if word)
    line = found.line
    if line is None:
        return Trouble(says)
    file = Path(line.file).name
    if found.unwritten and found is deeper:
        what = f"{line.function} is not written yet ({file})"
        return Trouble(what, unwritten=line.function)
    inside = f", in {line.function}" if line.function not in ("", "<module>") else ""
    if found is not deeper:
        inside = f", with the result of {Own.latest}" if Own.latest else ""
    return Trouble(says, f"{file}, line {line.number}{inside}", line.code)


def _theirs(file: object, program: Path) -> bool:
    # A virtual environment may lie in the folder, too.
    return (
        isinstance(file, str)
        and program.parent in Path(file).resolve().parents
        and "site-packages" not in Path(file).parts
    )

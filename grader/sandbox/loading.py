"""Loading a submission's files from memory, each on its own, inside the guest.

``from part1_focused import …`` works between a submission's files and for helpers of its own; a file never shadows the
standard library or a promised package, and the grader's own packages cannot be imported.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import linecache
import sys
import traceback
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from grader import contract
from grader.records import StudentError
from grader.vision import import_torchvision

__all__ = ["Loader", "describe"]

_OURS = ("grader", "reference")


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a submission's ``.py`` files from their contents.

    Args:
        files: path inside the submission (with ``/``) → content.
        blocked: top-level packages that a submission must not import.
    """

    def __init__(self, files: Mapping[str, bytes], blocked: Sequence[str] = _OURS) -> None:
        self._sources = {name: data for name, data in files.items() if name.endswith(".py")}
        self._blocked = blocked
        self._importing_torchvision = False
        for name, data in self._sources.items():
            # So that tracebacks and inspect show the student's lines.
            lines = data.decode("utf-8", "replace").splitlines(keepends=True)
            linecache.cache[name] = (len(data), None, lines, name)

    def install(self) -> None:
        """Become the first finder of this process."""
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Stop finding, and forget the submission's modules."""
        sys.meta_path.remove(self)
        for name, module in list(sys.modules.items()):
            if getattr(module, "__loader__", None) is self:
                del sys.modules[name]

    @property
    def names(self) -> frozenset[str]:
        """The names of the files, as they stand in tracebacks."""
        return frozenset(self._sources)

    def namespace(self, part: str) -> Mapping[str, Any]:
        """What the part's file defines; raises what importing it raises."""
        file = next(p.file for p in contract.PARTS if p.id == part)
        return vars(importlib.import_module(file.removesuffix(".py")))

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of one of the submission's files, or ``None`` for the next finder."""
        top = fullname.partition(".")[0]
        if top in self._blocked:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        if fullname == "torchvision" and not self._importing_torchvision:
            self._importing_torchvision = True
            import_torchvision()
            return importlib.util.find_spec("torchvision")
        if top in sys.stdlib_module_names or top in contract.PROMISED:
            return None
        base = fullname.replace(".", "/")
        for candidate, package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if candidate in self._sources:
                return self._spec(fullname, candidate, package=package)
        if any(name.startswith(f"{base}/") for name in self._sources):
            return self._spec(fullname, "", package=True)
        return None

    def _spec(self, fullname: str, origin: str, *, package: bool) -> ModuleSpec:
        spec = ModuleSpec(fullname, self, origin=origin, is_package=package)
        spec.has_location = bool(origin)
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file's code; a file that is not UTF-8 is a ``SyntaxError``."""
        spec = module.__spec__
        if spec is None or not spec.origin:
            return
        source = self._sources[spec.origin]
        if b"\0" in source:
            raise SyntaxError("source code cannot contain null bytes", (spec.origin, 1, 1, ""))
        exec(compile(source, spec.origin, "exec", dont_inherit=True), vars(module))

    def get_source(self, fullname: str) -> str | None:
        """The module's text, for inspect and torch.jit."""
        spec = self.find_spec(fullname)
        if spec is None or not spec.origin:
            return None
        return self._sources[spec.origin].decode("utf-8", "replace")


def describe(error: BaseException, names: frozenset[str], *, loading: str = "") -> StudentError:
    """What a student is told about an exception of theirs: in words, with their own file and line.

    Args:
        error: what was raised.
        names: the submission's files.
        loading: the file that was being imported, if any.
    """
    types = tuple(cls.__name__ for cls in type(error).__mro__ if cls is not object)
    file, line, code = _where(error, names)
    kind = "load" if loading else "raised"
    if isinstance(error, LookupError) and type(error) is LookupError and error.args:
        message, kind = f"{error.args[0]} is not defined", "missing"
    elif isinstance(error, NotImplementedError) and not loading:
        message, kind = "not written yet", "missing"
    elif isinstance(error, SyntaxError):
        message = f"Python cannot read the file: {error.msg or 'syntax error'}"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        message = _missing_module(error.name)
    else:
        message = f"{type(error).__name__}: {_text(error)}"
    return StudentError(kind, message[:2000], types[:20], file, line, code)


def _missing_module(name: str) -> str:
    top = name.partition(".")[0]
    if top in _OURS:
        return f"imports '{top}', which belongs to the grader and is not there for submissions"
    return (
        f"imports '{top}', which is not promised to submissions: there are the standard library, "
        f"{', '.join(contract.PROMISED)}, and your own .py files"
    )


def _text(error: BaseException) -> str:
    try:
        return str(error)[:1500]
    except BaseException:  # a student's class may do anything here
        return "(its text cannot be shown)"


def _where(error: BaseException, names: frozenset[str]) -> tuple[str, int, str]:
    if isinstance(error, SyntaxError) and error.filename in names:
        return str(error.filename), int(error.lineno or 0), (error.text or "").strip()[:200]
    try:
        frames = traceback.extract_tb(error.__traceback__)
    except BaseException:
        return "", 0, ""
    for frame in reversed(frames):
        if frame.filename in names:
            return frame.filename, int(frame.lineno or 0), (frame.line or "").strip()[:200]
    return "", 0, ""

"""Loading a submission's files from memory, each on its own, inside the guest.

``from part1_focused import …`` works between a submission's files and for helpers of its own; a
file never shadows the standard library or a promised package, and the grader's own packages cannot
be imported.
"""

from __future__ import annotations

import errno
import importlib
import importlib.abc
import importlib.util
import io
import linecache
import sys
from collections.abc import Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

from grader import layout
from grader.homework import contract
from grader.homework.torchvision_compat import import_torchvision
from grader.records import StudentError
from grader.sandbox.guest.devices import NOT_THERE, asked_for
from grader.sandbox.guest.explain import Line, explain

__all__ = ["Loader", "describe"]


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a submission's ``.py`` files from their contents.

    Args:
        files: path inside the submission (with ``/``) → content.
        blocked: top-level packages that a submission must not import.
    """

    def __init__(
        self, files: Mapping[str, bytes], blocked: Sequence[str] = layout.PACKAGES
    ) -> None:
        self._sources = {name: data for name, data in files.items() if name.endswith(".py")}
        self._blocked = blocked
        self._modules: dict[str, ModuleType] = {}
        self._importing_torchvision = False

    def install(self) -> None:
        """Become the first finder of this process, also where another submission's was before."""
        if sys.meta_path[0] is self:
            return
        self.uninstall()
        for name, data in self._sources.items():
            # So that tracebacks and inspect show the student's lines.
            lines = io.TextIOWrapper(io.BytesIO(data), "utf-8", "replace").readlines()
            linecache.cache[name] = (len(data), None, lines, name)
        for name, module in list(sys.modules.items()):
            if isinstance(getattr(module, "__dict__", {}).get("__loader__"), Loader):
                del sys.modules[name]
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, self)

    def uninstall(self) -> None:
        """Stop finding, and take the submission's modules away."""
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
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
        """The spec of one of the submission's files, or ``None`` for the next finder.

        Args:
            fullname: of the module, with dots.
            path: of its package; not used, since names alone decide.
            target: the module that is reloaded; not used.

        Raises:
            ModuleNotFoundError: the module is blocked.
        """
        top = fullname.partition(".")[0]
        if top in self._blocked:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        if fullname == "torchvision" and not self._importing_torchvision:
            return self._torchvision()
        if top in sys.stdlib_module_names or top in contract.PROMISED:
            return None
        base = fullname.replace(".", "/")
        for candidate, package in ((f"{base}/__init__.py", True), (f"{base}.py", False)):
            if candidate in self._sources:
                return self._spec(fullname, candidate, package=package)
        if any(name.startswith(f"{base}/") for name in self._sources):
            return self._spec(fullname, "", package=True)
        return None

    def _torchvision(self) -> ModuleSpec:
        self._importing_torchvision = True
        try:
            import_torchvision()
        finally:
            self._importing_torchvision = False
        # Found in sys.modules it would be run a second time, by its own loader.
        return ModuleSpec("torchvision", _Imported(sys.modules.pop("torchvision")))

    def _spec(self, fullname: str, origin: str, *, package: bool) -> ModuleSpec:
        spec = ModuleSpec(fullname, self, origin=origin, is_package=package)
        spec.has_location = bool(origin)
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file's code; a file that is not UTF-8 is a ``SyntaxError``."""
        origin = module.__spec__.origin if module.__spec__ else ""
        if origin:
            text = _text_of(origin, self._sources[origin])
            exec(compile(text, origin, "exec", dont_inherit=True), vars(module))
        self._modules[module.__name__] = module

    def get_source(self, fullname: str) -> str | None:
        """The module's text, for inspect and torch.jit."""
        spec = self.find_spec(fullname)
        if spec is None or not spec.origin:
            return None
        return self._sources[spec.origin].decode("utf-8", "replace")


class _Imported(importlib.abc.Loader):
    """Gives the import system a module that is imported already, as it is."""

    def __init__(self, module: ModuleType) -> None:
        self._module, self._spec = module, module.__spec__

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return self._module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


def _text_of(name: str, source: bytes) -> str:
    broken = [n for n, row in enumerate(source.splitlines(), 1) if b"\0" in row]
    if broken:
        raise SyntaxError("it contains null bytes", (name, broken[0], 1, ""))
    try:
        return importlib.util.decode_source(source)
    except (SyntaxError, ValueError) as error:
        rows = source.splitlines()
        broken = [n for n, row in enumerate(rows, 1) if "\ufffd" in row.decode("utf-8", "replace")]
        what = "it is not UTF-8" if broken else str(error)
        line = broken[0] if broken else 1
        text = rows[line - 1].decode("utf-8", "replace")
        raise SyntaxError(what, (name, line, 1, text)) from error


def describe(error: BaseException, names: frozenset[str], *, loading: str = "") -> StudentError:
    """What a student is told about an exception of theirs: in words, with their file and line.

    Args:
        error: what was raised.
        names: the submission's files.
        loading: the file that was being imported, if any.
    """
    kind = "load" if loading else "raised"
    try:
        return _describe(error, names, kind)
    except BaseException:  # a student's class may do anything wherever it is asked
        return StudentError(kind, "an exception that cannot be shown")


def _describe(error: BaseException, names: frozenset[str], kind: str) -> StudentError:
    types = tuple(str(cls.__name__)[:100] for cls in type(error).__mro__ if cls is not object)
    found = explain(error, names.__contains__)
    line = found.line or Line("", 0, "", "")
    message = found.words
    if type(error) is LookupError and error.args and not line.file:
        kind, message = "missing", f"{error.args[0]} is not defined"
    elif isinstance(error, RuntimeError | AssertionError) and asked_for(found.text):
        message = f"{types[0]}: {NOT_THERE}"
    elif found.unwritten and kind == "raised":
        kind, message = "missing", "not written yet"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        message = _missing_module(error.name, names)
    elif _no_memory(error, found.text):
        kind, message = "memory", ""  # the session says how much there was
    return StudentError(kind, str(message)[:2000], types[:20], line.file, line.number, line.code)


def _no_memory(error: BaseException, text: str) -> bool:
    refused = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return refused or isinstance(error, MemoryError) or "DefaultCPUAllocator" in text


def _missing_module(name: str, names: frozenset[str]) -> str:
    top = name.partition(".")[0]
    if top in layout.PACKAGES:
        return f"imports '{top}', which belongs to the grader: a submission cannot import it"
    if f"{top}.py" in names or any(n.startswith(f"{top}/") for n in names):
        return f"imports '{name}', which is not in the submission"
    if f"{top}.py" in contract.FILES:
        return f"imports '{top}', but {top}.py is not in the submission"
    if top in sys.stdlib_module_names or top in contract.PROMISED:
        return f"imports '{name}', which does not exist in the installed version"
    return (
        f"imports '{top}', which submissions cannot use: import the standard library, "
        f"{', '.join(contract.PROMISED)}, or your own .py files"
    )

"""Loading a submission's files from memory, each on its own, inside the guest.

``from part1_focused import …`` works between a submission's files and for helpers of its own; a
file never shadows the standard library or a promised package, and the grader's own packages cannot
be imported.  What the submission's own files import must be promised, wherever it happens to be
installed; what libraries import for themselves is left alone.
"""

from __future__ import annotations

import builtins
import errno
import importlib
import importlib.abc
import importlib.util
import io
import linecache
import os
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, ClassVar

from grader import layout
from grader.homework import contract
from grader.homework.torchvision_compat import import_torchvision
from grader.records import StudentError
from grader.sandbox.guest import rules
from grader.sandbox.guest.devices import NOT_THERE, asked_for
from grader.sandbox.guest.explain import Line, explain

__all__ = ["Loader", "describe"]


class Loader(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports a submission's ``.py`` files from their contents.

    Args:
        files: path inside the submission (with ``/``) → content.
        blocked: top-level packages that a submission must not import.
        folder: where the files lie on disk, if they do: ``__file__`` leads there.
        packages: what the submission's files may import beside the promised packages; ``None``
            lets them import whatever is installed.
    """

    _loaded: ClassVar[set[str]] = set()
    """The names of all modules that one of them has run in this process: to look at every module
    takes time."""

    def __init__(
        self,
        files: Mapping[str, bytes],
        blocked: Sequence[str] = layout.PACKAGES,
        folder: str = "",
        packages: Sequence[str] | None = None,
    ) -> None:
        self._sources = {name: data for name, data in files.items() if name.endswith(".py")}
        self._blocked, self._folder, self._packages = blocked, folder, packages
        self._own = {name.partition("/")[0].removesuffix(".py") for name in self._sources}
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
            path = self._path(name)
            linecache.cache[path] = (len(data), None, lines, path)
        for name in Loader._loaded:
            if isinstance(getattr(sys.modules.get(name), "__loader__", None), Loader):
                del sys.modules[name]
        sys.modules.update(self._modules)
        sys.meta_path.insert(0, self)
        if self._packages is not None:
            for module, name in ((builtins, "__import__"), (importlib, "import_module")):
                setattr(module, name, _Imports(getattr(module, name), self._refuse))

    def uninstall(self) -> None:
        """Stop finding, and take the submission's modules away."""
        for module, name in ((builtins, "__import__"), (importlib, "import_module")):
            if isinstance(asking := getattr(module, name), _Imports):
                setattr(module, name, asking.before)
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder is not self]
        for name, module in self._modules.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]

    def _path(self, name: str) -> str:
        """A file as it stands in tracebacks, and in ``__file__``."""
        return os.path.join(self._folder, *name.split("/")) if self._folder else name

    def _refuse(self, name: str, asked_by: Mapping[str, Any]) -> None:
        """Refuse an import that a file of the submission asks for, if it may not."""
        top = name.partition(".")[0]
        if asked_by.get("__loader__") is not self or top in self._own or top in self._blocked:
            return
        if top in (*contract.PROMISED, *(self._packages or ()), "__main__"):
            return
        if top in sys.stdlib_module_names:
            return
        raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the files, by how they stand in tracebacks."""
        return {self._path(name): name for name in self._sources}

    def namespace(self, part: str) -> Mapping[str, Any]:
        """What the part's file defines; raises what importing it raises."""
        return vars(importlib.import_module(self.file_of(part).removesuffix(".py")))

    @staticmethod
    def file_of(part: str) -> str:
        """The name of a part's file."""
        return next(p.file for p in contract.PARTS if p.id == part)

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
        if self._packages is not None:
            rules.wrap_torchvision(sys.modules["torchvision"].io)
        # Found in sys.modules it would be run a second time, by its own loader.
        return ModuleSpec("torchvision", _Imported(sys.modules.pop("torchvision")))

    def _spec(self, fullname: str, origin: str, *, package: bool) -> ModuleSpec:
        spec = ModuleSpec(fullname, self, origin=self._path(origin), is_package=package)
        spec.has_location = bool(origin)
        if package and self._folder:
            spec.submodule_search_locations = [self._path(fullname.replace(".", "/"))]
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to the import system."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the file's code; a file that is not UTF-8 is a ``SyntaxError``."""
        spec = module.__spec__
        if spec is not None and spec.has_location:
            path = str(spec.origin)
            text = _text_of(path, self._sources[self.names[path]])
            exec(compile(text, path, "exec", dont_inherit=True), vars(module))
        self._modules[module.__name__] = module
        Loader._loaded.add(module.__name__)

    def get_source(self, fullname: str) -> str | None:
        """The module's text, for inspect and torch.jit."""
        spec = self.find_spec(fullname)
        if spec is None or not spec.has_location:
            return None
        return self._sources[self.names[str(spec.origin)]].decode("utf-8", "replace")


class _Imports:
    """Python's own import, which asks first whether the module that imports may."""

    def __init__(self, before: Any, refuse: Callable[[str, Mapping[str, Any]], None]) -> None:
        self.before, self._refuse = before, refuse

    def __call__(self, name: str, *rest: Any, **named: Any) -> Any:
        # An import statement hands its globals over; import_module is asked by its caller.
        statement = bool(rest) and isinstance(rest[0], dict)
        asked_by = rest[0] if statement else sys._getframe(1).f_globals
        relative = statement and len(rest) > 3 and rest[3]
        if not relative and isinstance(name, str) and not name.startswith("."):
            self._refuse(name, asked_by)
        return self.before(name, *rest, **named)


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
        raise SyntaxError("it contains null bytes; save it as UTF-8", (name, broken[0], 1, ""))
    try:
        return importlib.util.decode_source(source)
    except (SyntaxError, ValueError) as error:
        rows = source.splitlines()
        broken = [n for n, row in enumerate(rows, 1) if "\ufffd" in row.decode("utf-8", "replace")]
        what = "it is not UTF-8; save it as UTF-8" if broken else str(error)
        line = broken[0] if broken else 1
        text = rows[line - 1].decode("utf-8", "replace")
        raise SyntaxError(what, (name, line, 1, text)) from error


def describe(
    error: BaseException,
    names: Mapping[str, str],
    *,
    loading: str = "",
    packages: Sequence[str] = (),
    folder: str = "",
) -> StudentError:
    """What a student is told about an exception of theirs: in words, with their file and line.

    Args:
        error: what was raised.
        names: the submission's files by how they stand in tracebacks (:attr:`Loader.names`).
        loading: the file that was being imported, if any.
        packages: what else it may import.
        folder: the one with the submission's files, if there is one.
    """
    kind = "load" if loading else "raised"
    try:
        return _describe(error, names, kind, packages, folder)
    except BaseException:  # a student's class may do anything wherever it is asked
        return StudentError(kind, "an exception that cannot be shown")


def _describe(
    error: BaseException,
    names: Mapping[str, str],
    kind: str,
    packages: Sequence[str],
    folder: str,
) -> StudentError:
    # A metaclass may say anything of its classes; what Python itself keeps of them stands.
    classes = _MRO.__get__(type(error))
    types = tuple(str(_NAME.__get__(cls))[:100] for cls in classes if cls is not object)
    found = explain(error, names.__contains__)
    line = found.line or Line("", 0, "", "")
    message = found.words
    own = set(names.values())
    if type(error) is LookupError and error.args and not line.file:
        kind, message = "missing", f"{error.args[0]} is not defined"
    elif isinstance(error, RuntimeError | AssertionError) and asked_for(found.text):
        message = f"{types[0]}: {NOT_THERE}"
    elif found.unwritten and kind == "raised":
        kind, message = "missing", "not written yet"
    elif isinstance(error, ModuleNotFoundError) and error.name:
        message = _missing_module(error.name, own, packages)
    elif isinstance(error, FileNotFoundError) and (missing := _missing_file(error, folder)):
        message = f"{types[0]}: {missing}"
    elif rule := rules.broken(error):
        message = f"{types[0]}: {rule}"
    elif _no_memory(error, found.text):
        kind, message = "memory", ""  # the session says how much there was
    if folder:
        message = str(message).replace(f"{folder}{os.sep}", "").replace(folder, ".")
    file = names.get(line.file, line.file)
    return StudentError(kind, str(message)[:2000], types[:20], file, line.number, line.code)


_MRO, _NAME = type.__dict__["__mro__"], type.__dict__["__name__"]


def _no_memory(error: BaseException, text: str) -> bool:
    refused = isinstance(error, OSError) and error.errno == errno.ENOMEM
    return refused or isinstance(error, MemoryError) or "DefaultCPUAllocator" in text


def _missing_file(error: FileNotFoundError, folder: str) -> str:
    """Of a file that should lie beside the code: that it does not, and what does."""
    name = error.filename
    if not folder or not isinstance(name, str) or _outside(name, folder):
        return ""
    shown = os.path.relpath(os.path.join(folder, name), folder)
    there = sorted(
        os.path.relpath(os.path.join(above, file), folder)
        for above, _, files in os.walk(folder)
        for file in files
    )
    more = f" and {len(there) - 10} more" if len(there) > 10 else ""
    return (
        f"{shown!r} is not there. A submission can read the files handed in with it (2 MiB each, "
        f"8 MiB in all): {', '.join(there[:10])}{more}"
    )


def _outside(name: str, folder: str) -> bool:
    return os.path.relpath(os.path.join(folder, name), folder).startswith(os.pardir)


def _missing_module(name: str, names: Collection[str], packages: Sequence[str]) -> str:
    top = name.partition(".")[0]
    if top in layout.PACKAGES:
        return f"imports '{top}', which belongs to the grader: a submission cannot import it"
    if f"{top}.py" in names or any(n.startswith(f"{top}/") for n in names):
        return f"imports '{name}', which is not in the submission"
    if f"{top}.py" in contract.FILES:
        return f"imports '{top}', but {top}.py is not in the submission"
    if top in packages and top == name:
        return f"imports '{name}', which is allowed and not installed here: pip install {name}"
    if top in sys.stdlib_module_names or top in contract.PROMISED or top in packages:
        return f"imports '{name}', which does not exist in the installed version"
    return (
        f"imports '{top}', which submissions cannot use: import the standard library, "
        f"{', '.join((*contract.PROMISED, *packages))}, or your own .py files. What only a run of "
        'your own needs belongs below `if __name__ == "__main__":`'
    )

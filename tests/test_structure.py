"""The house's rules: which floor may import which, sizes, docstrings, names of submodules."""

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FLOOR = {
    "golden": 0,
    "elsie/compress": 1,
    "rtl": 1,
    "toolchain": 1,
    "sim": 2,
    "boards": 2,
    "elsie": 3,
    "elsie/host": 4,
    "elsie/bench": 4,
    "elsie/cli": 5,
}
"""A folder may import what is on a lower floor; the longest name counts."""
ROOMS = ("golden", "rtl", "toolchain", "sim", "boards", "elsie")
SOURCES = sorted(path for name in ROOMS for path in (ROOT / name).rglob("*.py"))
RTL_TAKES = {
    *("config", "errors", "kinds"),
    *(f"format.{name}" for name in ("image", "layout", "memories", "program")),
}
"""What rtl/ may import of golden/: configuration and formats, never arithmetic."""


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())


def floor_of(name: str) -> str | None:
    """The folder, of those that have a floor, that a file or module with this name is in."""
    slashed = name.replace(".", "/")
    found = [f for f in FLOOR if slashed == f or slashed.startswith(f"{f}/")]
    return max(found, key=len, default=None)


def module(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path: Path) -> Iterator[str]:
    """Every imported name in full, also those of imports inside functions."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def names(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_imports_only_go_down(path: Path) -> None:
    mine = floor_of(module(path))
    assert mine is not None
    for name in imports(path):
        other = floor_of(name)
        if other is not None and other != mine:
            assert FLOOR[other] < FLOOR[mine], f"{mine} imports {name}"
        assert not name.startswith("tests."), f"{mine} imports {name}"


def test_golden_needs_numpy_only() -> None:
    for path in SOURCES:
        if module(path).startswith("golden"):
            assert not [name for name in imports(path) if name.startswith("amaranth")], path


def test_rtl_takes_no_arithmetic_from_golden() -> None:
    taken = set()
    for path in SOURCES:
        if module(path).startswith("rtl"):
            for name in imports(path):
                if name.startswith("golden."):
                    full = name.removeprefix("golden.")
                    known = {one for one in RTL_TAKES if f"{full}.".startswith(f"{one}.")}
                    taken |= known or {full}
                if name.startswith("golden.format.image."):
                    assert name == "golden.format.image.Image", f"{path}: {name}"
    assert {"config", "format.layout"} <= taken <= RTL_TAKES


def test_rtl_evaluates_its_annotations() -> None:
    """`from __future__ import annotations` makes Amaranth's structures zero bits wide."""
    for path in SOURCES:
        if module(path).startswith("rtl"):
            assert "__future__.annotations" not in set(imports(path)), path


def test_submodules_have_names() -> None:
    for path in SOURCES:
        for node in ast.walk(tree(path)):
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Attribute):
                assert node.target.attr != "submodules", f"{path}:{node.lineno}"


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_hardware_is_named_the_same_by_every_python(path: Path) -> None:
    """Amaranth reads a name from bytecode, and finds it in a plain `name = Signal(...)` only.

    Names decide the order of cells, and so the bitstream (docs/boards.md).
    """
    if "amaranth" not in path.read_text():
        return
    plain = {
        node.value
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name | ast.Attribute)
        if len(node.targets) == 1
    }
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.Call) or any(word.arg == "name" for word in node.keywords):
            continue
        called = ast.unparse(node.func)
        if called in {"Signal", "Signal.like"} or called.endswith(("read_port", "write_port")):
            assert node in plain, f"line {node.lineno}: give it a line of its own, or name="
        if called == "ClockDomain":
            assert node.args, f"line {node.lineno}: give it a name"


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_files_and_functions_are_short(path: Path) -> None:
    lines = len(path.read_text().splitlines())
    assert lines <= 300, f"{lines} lines"
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= 75, f"{node.name} has {length} lines"


def public(body: list[ast.stmt]) -> Iterator[ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in body:
        named = isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if named and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node.body)


@pytest.mark.parametrize("path", SOURCES, ids=names)
def test_everything_public_has_a_docstring(path: Path) -> None:
    assert ast.get_docstring(tree(path)), "the module has none"
    missing = [node.name for node in public(tree(path).body) if not ast.get_docstring(node)]
    assert not missing


def test_all_folders_are_rooms() -> None:
    """A new folder with Python must be given a floor, or nobody checks its imports."""
    known = {*ROOMS, "tests", "docs", "examples", "build"}  # build: what git ignores
    found = {
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and any(path.glob("*.py"))
    }
    assert found <= known


def test_all_rooms_are_in_the_package() -> None:
    """What is not in pyproject.toml is missing where Elsie is installed without its sources."""
    setup = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
    assert {name.rstrip("*") for name in setup["packages"]["find"]["include"]} == set(ROOMS)
    missing = {path.parent for path in SOURCES if not (path.parent / "__init__.py").exists()}
    assert not missing


DOCUMENTS = sorted(
    path for part in (".", "docs", "examples") for path in (ROOT / part).glob("*.md")
)


@pytest.mark.parametrize("path", DOCUMENTS, ids=names)
def test_documents_name_what_exists(path: Path) -> None:
    """Files and folders: from the root, from the document, or in a folder that it names."""
    found = re.findall(r"(?<![\w/.:<-])[a-z_]{2,}/[\w./*-]*", path.read_text())
    names = {name.split("*")[0].rstrip(".") for name in found if not name.startswith("build/")}
    bases = [ROOT, path.parent, *(ROOT / name for name in names if name.endswith("/"))]
    missing = {name for name in names if not any((base / name).exists() for base in bases)}
    assert not missing


def test_folders_have_at_most_twelve_files() -> None:
    for folder in {path.parent for path in SOURCES}:
        files = [path for path in folder.glob("*.py") if path.name != "__init__.py"]
        assert len(files) <= 12, f"{folder}: {len(files)} files"


def test_no_files_import_each_other() -> None:
    """Not in a longer circle either, and not for types only."""
    files = {module(path): path for path in SOURCES}
    takes: dict[str, set[str]] = {}
    for name, path in files.items():
        found = {i if i in files else i.rpartition(".")[0] for i in imports(path)}
        takes[name] = (found & set(files)) - {name}
    # Whatever imports none of the rest, or is imported by none of it, is in no circle.
    while ends := {
        name
        for name, others in takes.items()
        if not others or not any(name in those for those in takes.values())
    }:
        takes = {name: others - ends for name, others in takes.items() if name not in ends}
    assert not takes


COMPONENTS = {
    f"{path.relative_to(ROOT)}:{node.name}": node
    for path in SOURCES
    for node in ast.walk(tree(path))
    if isinstance(node, ast.ClassDef)
    if any(ast.unparse(base).endswith(("Component", "Ports")) for base in node.bases)
}
"""Those whose ports fill a file of their own are subclasses of a class ...Ports, which has them."""

DECLARING = {
    name: node
    for name, node in COMPONENTS.items()
    if not any(ast.unparse(base).endswith("Ports") for base in node.bases)
}

RTL_TYPES = {name.rpartition(":")[2] for name in COMPONENTS if name.startswith("rtl/")}


def drivers(path: Path) -> Iterator[str]:
    """Functions that are given a module and a component, as only what holds the component may be.

    A component's own methods that `elaborate` calls, which begin with an underscore, may.
    """
    private = {
        method
        for name, component in COMPONENTS.items()
        if name.startswith(f"{path.relative_to(ROOT)}:")
        for method in component.body
        if isinstance(method, ast.FunctionDef) and method.name.startswith("_")
    }
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef) and node not in private:
            given = [a.annotation for a in (*node.args.args, *node.args.kwonlyargs) if a.annotation]
            words = {n.id for a in given for n in ast.walk(a) if isinstance(n, ast.Name)}
            if "Module" in words and words & RTL_TYPES:
                yield f"{path.name}: {node.name}"


def test_components_are_driven_only_by_what_holds_them() -> None:
    """Not by functions of other files, where nobody would look for a port's driver."""
    assert len(RTL_TYPES) > 30
    rtl = [path for path in SOURCES if module(path).startswith("rtl")]
    assert not [found for path in rtl for found in drivers(path)]


def is_port(node: ast.expr) -> bool:
    """In(...), Out(...) or an array of them."""
    calls = (n.func for n in ast.walk(node) if isinstance(n, ast.Call))
    return any(isinstance(call, ast.Name) and call.id in {"In", "Out"} for call in calls)


def is_hardware(node: ast.expr) -> bool:
    """A port's type: a signal, a stream or another bundle."""
    return is_port(node) or ast.unparse(node).endswith(("Signal", "Interface", "View"))


def ports(component: ast.ClassDef) -> set[str]:
    """Names that a component's signature gives: keys of its dicts, and annotations."""
    found = set()
    for node in ast.walk(component):
        match node:
            case ast.Dict():
                for key, value in zip(node.keys, node.values, strict=True):
                    if isinstance(key, ast.Constant) and is_port(value):
                        found.add(key.value)
            case ast.AnnAssign(target=ast.Name(id=name), value=None):
                if is_hardware(node.annotation):
                    found.add(name)
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant(value=name))]):
                if is_port(node.value):
                    found.add(name)
    return found


@pytest.mark.parametrize("name", DECLARING)
def test_every_port_has_a_line(name: str) -> None:
    """`port: meaning`, each on a line of its own, in the docstring of the class."""
    text = ast.get_docstring(DECLARING[name]) or ""
    missing = ports(DECLARING[name]) - set(re.findall(r"^ *(\w+): \S", text, re.MULTILINE))
    assert not missing


def test_ports_are_found() -> None:
    """In each of the ways in which components declare them."""
    found = {name: len(ports(component)) for name, component in DECLARING.items()}
    assert len(found) > 30
    assert min(found.values()) > 0, found
    assert not any(ports(COMPONENTS[name]) for name in COMPONENTS.keys() - DECLARING.keys())

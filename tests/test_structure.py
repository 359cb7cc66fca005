"""How the modules hang together, beside the layers that lint-imports holds: there is no circle, not by types either."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = (ROOT / "core" / "boxferry", ROOT / "adapters" / "boxferry_adapters")


def modules():
    """Dotted name → path, of every module of the two packages."""
    found = {}
    for package in PACKAGES:
        for path in package.rglob("*.py"):
            parts = path.relative_to(package.parent).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imported(path, known):
    """The modules that a file imports, at its head, in a function, or for its annotations alone."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in known else node.module


def test_no_module_imports_itself_by_way_of_others():
    """Also where one of the imports is in a function, or for annotations."""
    known = modules()
    graph = {
        name: {each for each in imported(path, known) if each in known and each != name} for name, path in known.items()
    }
    graph.pop("boxferry")  # the public names, imported at their first use
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(f"a circle: {' → '.join(error.args[1])}")

"""How the modules hang together, beside the layers that lint-imports holds: there is no circle, not by types either."""

import ast
import re
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from boxferry.outbox.outcome import PLANNED, State

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


def test_no_state_of_a_packet_is_written_as_text_in_a_query():
    """What the enum calls it, the database has; a migration, which is history, has its own words."""
    written = re.compile(rf"state (=|IN|NOT IN) \(?'({'|'.join((*State, PLANNED))})'")
    for name, path in modules().items():
        if name != "boxferry.outbox.schema":
            found = written.search(path.read_text())
            assert found is None, f"{name}: {found}"

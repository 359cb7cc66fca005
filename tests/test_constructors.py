"""No constructor asks the server: what is asked for is read by a function, and handed to a plain constructor."""

import ast
from pathlib import Path

import pytest

CORE = Path(__file__).parents[1] / "core" / "boxferry"
CLIENTS = {
    "client",
    "_client",
    "bulk",
    "_bulk",
    "wire",
    "_wire",
}  # what asks the server, by the names it has everywhere
PLAIN = {"close", "partial", "limit"}  # these ask nothing


def is_client(node):
    """Whether an expression is a client: `client`, `self._client`, `workspace.client`."""
    return (node.id if isinstance(node, ast.Name) else getattr(node, "attr", None)) in CLIENTS


def name_of(node):
    """The last part of what is called."""
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def asks(call):
    """Whether a call asks the server: a method of a client, or a function (no class) that is handed one."""
    name = name_of(call.func)
    if name in PLAIN:
        return False
    method = isinstance(call.func, ast.Attribute) and is_client(call.func.value)
    handed = any(is_client(each) for each in [*call.args, *(keyword.value for keyword in call.keywords)])
    return method or (handed and not name.lstrip("_")[:1].isupper() and name != "__init__")


def at_once(body):
    """The nodes that run with a function; what its lambdas and inner functions do comes later."""
    waiting = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Lambda | ast.FunctionDef):
            continue
        yield node
        waiting += ast.iter_child_nodes(node)


def asked_in_constructors(tree):
    """The lines on which a constructor, or a method of the object that it calls, asks the server."""
    for owner in (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)):
        methods = {node.name: node for node in owner.body if isinstance(node, ast.FunctionDef)}
        left, seen = ["__init__", "__post_init__", "__new__"], set()
        while left:
            name = left.pop()
            if name in seen or name not in methods:
                continue
            seen.add(name)
            for node in at_once(methods[name].body):
                if isinstance(node, ast.Call) and asks(node):
                    yield f"{owner.name}.{name}:{node.lineno}"
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
                    left.append(node.attr)


@pytest.mark.parametrize(
    "line",
    [
        "self.files = client.files(1)",
        "self.files = [f for f in self._bulk.boxes([])]",
        "self.files = files_of(client)",
        "self.files = files_of(1, asks=workspace.client)",
        "self.later()",
    ],
)
def test_what_asks_the_server_is_found(line):
    """Also through a function that is handed the client, and through a method."""
    code = f"class A:\n def __init__(self, client):\n  {line}\n def later(self):\n  return self._client.now()\n"
    assert list(asked_in_constructors(ast.parse(code)))


@pytest.mark.parametrize(
    "line",
    [
        "self._client = client",
        "self.rows = StoredRows(client)",
        "self._ask = lambda: client.now()",
        "self.files = files",
    ],
)
def test_what_asks_later_is_not(line):
    """To keep a client, or to hand it to another constructor, asks nothing."""
    code = f"class A:\n def __init__(self, client, files):\n  {line}\n"
    assert not list(asked_in_constructors(ast.parse(code)))


def test_no_constructor_asks_the_server():
    """In no room: constructing an object does no I/O."""
    found = {
        f"{path.relative_to(CORE)}: {where}"
        for path in CORE.rglob("*.py")
        for where in asked_in_constructors(ast.parse(path.read_text()))
    }
    assert not found

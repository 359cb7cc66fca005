"""No thread is the first to meet a type: msgspec crashes where two meet one at the same moment."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import boxferry
import boxferry_adapters
from boxferry.diffgram.decoders import DECODERS, decoder

PLACES = [Path(boxferry.__file__).parent, Path(boxferry_adapters.__file__).parent]
#: function that meets types → why it may
ALLOWED = {
    "coco/lists.py:_typed_items": "a type that is made for one file, by the thread that reads it; the others are ready",
}
WIRE = "boxferry.diffgram.answers", "boxferry.diffgram.envelopes", "boxferry.diffgram.decoders"
RACE = """
import contextlib, importlib, sys, threading
import msgspec
sys.setswitchinterval(1e-6)

def race(decode):
    start = threading.Barrier(6)
    def meet():
        start.wait()
        for text in b"{}", b"[]", b'{"file_list": [{"id": 1, "image": {}}], "metadata": {}, "input_list": [{}]}':
            with contextlib.suppress(msgspec.ValidationError):
                decode(text)
    threads = [threading.Thread(target=meet) for _ in range(6)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]

for _ in range(40):
    for name in <wire>:
        sys.modules.pop(name, None)
    frames, decoders = (importlib.import_module(name) for name in <wire>[1:])
    for kind, ready in decoders.DECODERS.items():
        race(<decode>)
print("alive")
"""


def sources():
    return [path for place in PLACES for path in sorted(place.rglob("*.py"))]


def meets(call):
    """Whether a call can be the first to meet a type: it makes a decoder, decodes as a type, or converts to one."""
    name = ast.unparse(call.func)
    typed = name.endswith("decode") and any(word.arg == "type" for word in call.keywords)
    return typed or name in {"Decoder", "msgspec.convert"} or name.endswith(".Decoder")


def met_in_functions(tree):
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    for function in functions:
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and meets(node):
                yield function.name, node.lineno


def imports_msgspec(tree):
    names = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
    return any("msgspec" in ast.unparse(node) for node in names)


def test_types_are_met_at_import_alone():
    """No function makes a decoder, decodes as a type, or converts to one, but those that say why."""
    found = []
    for path in sources():
        tree = ast.parse(path.read_text())
        if imports_msgspec(tree):
            where = "/".join(path.parts[-2:])
            found += [(f"{where}:{name}", line) for name, line in met_in_functions(tree)]
    assert [each for each in found if each[0] not in ALLOWED] == []
    assert {each[0] for each in found} == set(ALLOWED)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("def f(x): return msgspec.json.decode(x, type=T)", 1),
        ("def f(x): return msgspec.convert(x, T)", 1),
        ("def f(x):\n  class A:\n    d = Decoder(T)", 1),
        ("d = Decoder(T)\ndef f(x): return d.decode(x), msgspec.json.decode(x)", 0),
    ],
)
def test_the_search_finds_what_it_is_for(source, count):
    """And nothing else."""
    assert len(list(met_in_functions(ast.parse(source)))) == count


def test_what_is_not_in_the_table_is_no_answer():
    """A new frame has to be put there."""
    with pytest.raises(KeyError):
        decoder(list[list[int]])


def asked_types():
    """The types that the client asks for: the third argument of `_read` and `_change`, the second of `ask`."""
    from boxferry.diffgram import client

    source = Path(client.__file__).read_text()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            at = {"_read": 2, "_change": 2, "ask": 1}.get(node.func.attr)
            if at is not None and ast.unparse(node.args[at]) != "wanted":
                yield eval(ast.unparse(node.args[at]), vars(client))


def test_the_table_has_what_the_client_asks_for():
    """No more, no less."""
    assert set(asked_types()) == set(DECODERS)


def in_threads(decode):
    """The exit code of a process in which threads decode each type of the wire, made anew, at the same moment."""
    source = RACE.replace("<wire>", repr(WIRE)).replace("<decode>", decode)
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "alive" or done.returncode < 0, done.stderr
    return done.returncode


def test_many_threads_may_decode_every_type_at_once():
    """Each was met when its module was imported."""
    assert in_threads("ready.decode") == 0

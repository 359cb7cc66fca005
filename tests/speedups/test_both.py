"""The compiled functions give what their pure twins give, or leave the input to them."""

import importlib
import os
import random
import subprocess
import sys
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxferry.cli.app import run
from boxferry.parsing import compiled
from boxferry_adapters.coco.columns import Columns, ItemDecoder
from speedups.both import CASES

RUNS = int(os.environ.get("BOXFERRY_FUZZ_RUNS", "300"))
SEED = int(os.environ.get("BOXFERRY_FUZZ_SEED", "1"))
TAKEN = 0.2  #: the least share of inputs that a compiled function takes: a third are spoilt

installed = pytest.mark.skipif(compiled.speedups is None, reason=f"boxferry-speedups: {compiled.state}")
each_function = pytest.mark.parametrize("name", CASES)


@installed
@each_function
@settings(max_examples=60, deadline=None)
@given(rng=st.randoms(use_true_random=False))
def test_a_compiled_function_gives_what_its_twin_gives(name, rng):
    """Whatever the input: it is the same, bit for bit, or left to the twin."""
    make, same = CASES[name]
    same(make(rng))


@installed
@each_function
def test_a_compiled_function_takes_what_files_hold(name):
    """A function that left everything to its twin would pass the test above; `make fuzz-speedups` makes this long."""
    make, same = CASES[name]
    rng, taken = random.Random(SEED), 0  # a fixed seed: what fails, fails again
    for _ in range(RUNS):
        taken += same(make(rng))
    assert taken >= TAKEN * RUNS


@installed
@pytest.mark.parametrize("cut", range(3))
def test_columns_of_different_lengths_are_no_boxes(cut):
    """Whatever is handed over: nothing beyond it is read."""
    columns = [array("q", [0, 1]), array("d", [0, 0, 5, 5]), array("q", [9, 9])]
    assert compiled.speedups.whole_edges(*columns) is not None
    columns[cut] = columns[cut][:-1]
    with pytest.raises(ValueError, match=r"lengths|rise"):
        compiled.speedups.whole_edges(*columns)


def test_results_are_columns_with_and_without_compiled_functions(monkeypatch):
    """The decoder gives the same kind of thing both ways, so that readers have one way through."""
    text = b'[{"image_id": 3, "category_id": 1, "bbox": [1, 2.5, 3, 4], "score": 0.25, "id": 9}]'
    found = ItemDecoder().decode(text)
    monkeypatch.setattr(compiled, "speedups", None)
    other = ItemDecoder().decode(text)
    assert isinstance(found, Columns)
    assert isinstance(other, Columns)
    assert found.bbox.tolist() == other.bbox.tolist() == [[1, 2.5, 3, 4]]


@pytest.mark.parametrize(
    ("value", "state"),
    [("1", "not used: BOXFERRY_PURE is set"), ("0", None), ("", None)],
    ids=["set", "0", "empty"],
)
def test_the_environment_turns_the_compiled_functions_off(monkeypatch, value, state):
    """BOXFERRY_PURE=1 does, and what is said tells why."""
    before = compiled.state
    monkeypatch.setenv("BOXFERRY_PURE", value)
    try:
        assert importlib.reload(compiled).state == (state or _state_without(monkeypatch))
        assert (compiled.speedups is None) == (not compiled.state.startswith("used"))
    finally:
        monkeypatch.undo()
        assert importlib.reload(compiled).state == before


def _state_without(monkeypatch):
    monkeypatch.delenv("BOXFERRY_PURE")
    return importlib.reload(compiled).state


def test_a_distribution_of_another_version_is_not_used(monkeypatch, tmp_path):
    """Its signatures may be others: it is named, and the pure functions go on."""
    (tmp_path / "boxferry_speedups.py").write_text("__version__ = '9'\nINTERFACE = 99\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("BOXFERRY_PURE", raising=False)
    kept = {name: sys.modules.pop(name) for name in list(sys.modules) if name.startswith("boxferry_speedups")}
    try:
        importlib.reload(compiled)
        assert compiled.speedups is None
        assert compiled.state == "not used: boxferry-speedups 9 is of another version of boxferry"
    finally:
        sys.modules.pop("boxferry_speedups", None)
        sys.modules.update(kept)
        monkeypatch.undo()
        importlib.reload(compiled)


@pytest.mark.parametrize("pure", ["0", "1"])
def test_the_command_line_says_whether_they_are_used(pure, capsys):
    """`--version -v` and `plugins` do, in the words of `compiled.state`."""
    environ = {**os.environ, "BOXFERRY_PURE": pure}
    program = [sys.executable, "-c", "from boxferry.cli.main import main; main()", "--version", "-v"]
    found = subprocess.run(program, env=environ, capture_output=True, text=True, check=True).stdout.splitlines()[1]
    if pure == "1":
        assert found == "speedups not used: BOXFERRY_PURE is set"
        return
    assert run(["plugins"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"speedups {compiled.state}"
    assert os.environ.get("BOXFERRY_PURE") or found == f"speedups {compiled.state}"

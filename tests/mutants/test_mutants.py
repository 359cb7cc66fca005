"""The readers' tests notice: each planted bug makes at least one of them fail."""

import shutil
from pathlib import Path

import pytest

import processes

ROOT = Path(__file__).parents[2]

#: what is planted: the file, the code, what takes its place, and the tests that must notice
MUTANTS = {
    "yolo: axes swapped": (
        "adapters/boxferry_adapters/yolo/batch.py", "scale = np.ones((len(owner), 2)) if absolute else sizes[owner]",
        "scale = np.ones((len(owner), 2)) if absolute else sizes[owner][:, ::-1]", "test_yolo.py",
    ),
    "yolo: score dropped": (
        "adapters/boxferry_adapters/yolo/batch.py", "score=table[known, 5]", "score=None", "test_yolo.py",
    ),
    "yolo: first frame off by one": (
        "adapters/boxferry_adapters/yolo/frames.py",
        'int(found["number"]) - origin, file', 'int(found["number"]), file', "test_yolo.py",
    ),
    "coco: corners for sides": (
        "adapters/boxferry_adapters/coco/options.py", "high = low + high", "high = high + 0", "test_coco.py",
    ),
    "coco: a score of zero is none": (
        "adapters/boxferry_adapters/coco/columns.py", "[item.score for item in items]",
        "[item.score or None for item in items]", "test_coco.py",
    ),
    "coco: an unknown image passed over": (
        "adapters/boxferry_adapters/coco/images.py", "place, boxes=lost.boxes, counted=False)",
        "place, boxes=0, counted=False)", "test_coco.py",
    ),
    "voc: pixels counted from 0": (
        "adapters/boxferry_adapters/voc/origin.py",
        'return 0 if context.options["voc-origin"] == "0" else 1', "return 0", "test_voc.py",
    ),
    "mot: frames counted from 1": (
        "adapters/boxferry_adapters/mot/read.py", 'low = rows["box"][:, :2] - origin', 'low = rows["box"][:, :2] - 0',
        "test_mot.py",
    ),
    "labels sorted": (
        "core/boxferry/boxes/labels.py",
        "return tuple(self._index)", "return tuple(sorted(self._index))", "test_coco.py",
    ),
}  # fmt: skip


NEEDS = ("pytest", "hypothesis.strategies")
IMPORTED_BEFORE = "ignore::pytest.PytestAssertRewriteWarning"
JUDGE = """
import os, sys
os.environ["BOXFERRY_PURE"] = "1"  # what is compiled is no copy of the sources
for name in [name for name in sys.modules if name.partition(".")[0] in ("boxferry", "boxferry_adapters")]:
    del sys.modules[name]
folder, *options = sys.argv[1:]
sys.path[:0] = [f"{folder}/core", f"{folder}/adapters"]
import boxferry, boxferry_adapters, pytest
assert boxferry.__file__.startswith(folder), boxferry.__file__
assert list(boxferry_adapters.__path__)[0].startswith(folder), boxferry_adapters.__path__
sys.exit(pytest.main(options))
"""  #: runs tests on the copy of the sources, though the process has imported what is copied


@pytest.mark.parametrize("bug", MUTANTS)
def test_a_planted_bug_is_noticed(bug, tmp_path):
    """In a copy of the sources."""
    path, code, planted, tests = MUTANTS[bug]
    for folder in ("core", "adapters"):
        shutil.copytree(ROOT / folder, tmp_path / folder)  # with what is compiled: it is the sources' by their time
    source = (tmp_path / path).read_text()
    assert source.count(code) == 1, f"{path}: the code that is to be broken is not there, or more than once"
    (tmp_path / path).write_text(source.replace(code, planted))
    options = ["-x", "-q", "-p", "no:cacheprovider", "-p", "mutants.unshrunk", "-W", IMPORTED_BEFORE]
    found = processes.run(JUDGE, tmp_path, *options, f"tests/formats/{tests}", cwd=ROOT, needs=NEEDS)
    assert found.returncode == 1, found.stdout[-2000:]
    assert "failed" in found.stdout

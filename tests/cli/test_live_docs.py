"""docs/live.md and docs/review.md are true: each block runs, with stand-ins for the frameworks, and arrives."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "live.md").read_text()
PAGES = PAGE + (ROOT / "docs" / "review.md").read_text()
BLOCKS = dict(re.findall(r"<!-- run: (\w+) -->\n```python\n(.*?)```", PAGES, re.DOTALL))
CORNERS = [[10.0, 20, 60, 70]]


class Model:
    """As Ultralytics' model: a predictor with results, callbacks, a stream."""

    def __init__(self, _):
        self._callbacks = []

    def add_callback(self, event, callback):
        assert event == "on_predict_batch_end"
        self._callbacks.append(callback)

    def predict(self, folder, stream):
        assert stream
        for path in sorted(Path(folder).iterdir()):
            boxes = SimpleNamespace(xyxy=np.array(CORNERS), cls=np.array([0]), conf=np.array([0.5]), id=None)
            with Image.open(path) as picture:
                width, height = picture.size
            facts = {"names": {0: "cat"}, "path": str(path), "orig_shape": (height, width), "masks": None, "obb": None}
            result = SimpleNamespace(boxes=boxes, **facts)
            for callback in self._callbacks:
                callback(SimpleNamespace(results=[result]))
            yield result


def pipeline(_):
    keys = ("xmin", "ymin", "xmax", "ymax")
    return lambda _: [{"score": 0.5, "label": "cat", "box": dict(zip(keys, CORNERS[0], strict=True))}]


STAND_INS = {
    "ultralytics": {"YOLO": Model},
    "transformers": {"pipeline": pipeline},
    "my_model": {
        "loader": [([str(path)], [None]) for path in sorted((ROOT / "fixtures" / "images").iterdir())],
        "model": lambda _: [{"boxes": np.array(CORNERS), "labels": np.array([1]), "scores": np.array([0.5])}],
    },
}


@pytest.mark.parametrize("name", BLOCKS)
def test_the_block_runs_and_its_boxes_arrive(name, sandbox, tmp_path, monkeypatch):
    """In a clone, with the settings in the environment."""
    (tmp_path / "fixtures").symlink_to(ROOT / "fixtures")
    monkeypatch.chdir(tmp_path)
    for module, names in STAND_INS.items():
        stand_in = ModuleType(module)
        vars(stand_in).update(names)
        monkeypatch.setitem(sys.modules, module, stand_in)
    for setting, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
    }.items():
        monkeypatch.setenv(setting, value)
    exec(compile(BLOCKS[name], name, "exec"), {})
    files = {file["original_filename"]: sandbox.boxes(file["original_filename"]) for file in sandbox.files()}
    assert len(files) == (1 if name == "results" else 7), "only pictures that results name"
    assert len(files["rocket.jpg"]) == 1


def test_there_is_a_block_for_each_framework():
    """And the table has each format that is of results in memory."""
    assert set(BLOCKS) == {"results", "ultralytics", "huggingface", "pytorch", "review"}
    from boxferry.plugins import plugin_manager

    live = {name for name, fmt in plugin_manager().formats().items() if fmt.live}
    assert set(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == live

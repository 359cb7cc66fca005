"""The scripts of examples/scripts run as they stand, and their numbers are those of the same in other libraries."""

import importlib.util
import json
from pathlib import Path

import pytest

from boxferry import read

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "examples" / "scripts"
NAMES, IMAGES, LABELS = (str(ROOT / "fixtures" / each) for each in ("yolo/data.yaml", "images", "yolo/labels"))
CATALOG, RESULTS = (str(ROOT / "fixtures" / "coco" / each) for each in ("instances.json", "results.json"))


def script(name: str):
    """A script as a module."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def settings(sandbox, tmp_path, monkeypatch):
    """The sandbox by the environment."""
    given = {"HOST": sandbox.host, "PROJECT": sandbox.project}
    given |= {"CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret}
    for name, value in given.items():
        monkeypatch.setenv(f"DIFFGRAM_{name}", value)
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    return sandbox


def test_doubtful_images_are_pushed_and_no_others(settings, capsys):
    module = script("doubtful_images")
    module.main(LABELS, NAMES, IMAGES, "Default")
    dataset = read(LABELS, names=NAMES, images=IMAGES).filter(min_score=0.1).nms(0.6).collect()
    doubtful = {image.key for image, boxes in dataset if module.doubtful(image, boxes)}
    assert doubtful
    assert {file["original_filename"] for file in settings.files()} == doubtful
    assert "applied" in capsys.readouterr().out


@pytest.fixture
def truth(tmp_path):
    """A ground truth: what the model is sure of."""
    path = tmp_path / "truth.json"
    read(RESULTS, categories=CATALOG).filter(min_score=0.5).write(path, coco_form="dataset")
    content = json.loads(path.read_text())
    for annotation in content["annotations"]:
        annotation.pop("score")
    path.write_text(json.dumps(content))
    return str(path)


def test_two_models_are_compared(truth, tmp_path, capsys):
    worse = tmp_path / "worse.json"
    items = json.loads(Path(RESULTS).read_text())
    worse.write_text(json.dumps(items[::2]))
    found = script("compare_models").main(truth, str(worse), RESULTS)
    assert 0 <= found[str(worse)] <= found[RESULTS]
    out = capsys.readouterr().out
    assert "AP50" in out
    assert "added" in out


def test_globox_says_the_same(truth):
    pytest.importorskip("globox")
    ours = script("compare_models").main(truth, RESULTS, RESULTS)
    theirs = script("compare_models_globox").main(truth, RESULTS, RESULTS)
    assert theirs[RESULTS] == pytest.approx(ours[RESULTS], abs=0.005)


def test_two_models_become_one_dataset(tmp_path):
    found = script("merge_and_convert").main(NAMES, IMAGES, LABELS, LABELS, str(tmp_path))
    boxes = len(read(LABELS, names=NAMES, images=IMAGES).filter(min_score=0.25).collect().boxes)
    assert 0 < sum(found.values()) <= boxes
    assert all((tmp_path / part).is_dir() for part, count in found.items() if count)


def test_supervision_does_nearly_the_same(tmp_path):
    pytest.importorskip("supervision")
    ours = script("merge_and_convert").main(NAMES, IMAGES, LABELS, LABELS, str(tmp_path / "ours"))
    theirs = script("merge_and_convert_supervision").main(NAMES, IMAGES, LABELS, LABELS, str(tmp_path / "theirs"))
    assert sum(theirs.values()) >= sum(ours.values()) > 0

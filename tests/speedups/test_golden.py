"""What was written before there were compiled functions is written still, byte for byte, with and without them."""

import hashlib
import importlib.util
from pathlib import Path

import pytest

from boxferry.cli.app import run
from boxferry.parsing import compiled

SOURCE = Path(__file__).parents[2] / "benchmarks" / "inputs.py"
ARGUMENTS = {
    "coco": ["results.json", "--categories", "dataset.json"],
    "shuffled": ["results.json", "--categories", "dataset.json"],
    "yolo": ["labels", "--names", "data.yaml", "--images", "images"],
    "voc": ["."],
    "voctext": ["results", "--categories", "dataset.json"],
}
GOLDEN = {
    "coco": "75c7206f6f4b623c",
    "shuffled": "e1053a6f4483e853",
    "yolo": "90729e98ff8e8a56",
    "voc": "b79086876cf23512",
    "voctext": "5af2f06603789c45",
}  #: of packets of 30 images with 270 boxes, as the state before made them


def made(kind, folder):
    """The benchmark's own seeded input, small."""
    spec = importlib.util.spec_from_file_location("benchmark_inputs", SOURCE)
    inputs = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(inputs)
    if kind == "voctext":
        inputs.voc_text(folder, images=30, rows=270)
    elif kind in {"coco", "shuffled"}:
        inputs.coco(folder, images=30, each=9, shuffled=kind == "shuffled")
    else:
        getattr(inputs, kind)(folder, images=30, each=9)


@pytest.mark.parametrize("pure", [False, True], ids=["as installed", "pure"])
@pytest.mark.parametrize("kind", ARGUMENTS)
def test_packets_are_what_they_were(kind, pure, tmp_path, monkeypatch):
    """The bytes' digest, paths of this machine left out."""
    folder, output = tmp_path / kind, tmp_path / "out"
    made(kind, folder)
    if pure:
        monkeypatch.setattr(compiled, "speedups", None)
    arguments = [word if word.startswith("-") else str(folder / word) for word in ARGUMENTS[kind]]
    assert run(["convert", *arguments, "--model", "m", "--run", "r", "-o", str(output)]) == 0
    written = output.read_bytes().replace(str(tmp_path).encode(), b"")
    assert hashlib.sha256(written).hexdigest()[:16] == GOLDEN[kind]

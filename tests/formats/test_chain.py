"""From format to format: what goes in at one end comes out at the other."""

import re

import numpy as np
import pytest
from hypothesis import given, settings

from boxferry import read as read_source
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, assert_same, catalog_of, detections, read, rows_of


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
def test_coco_to_yolo_to_voc_to_coco_keeps_every_box_label_and_score(tmp_path_factory, chunk):
    """Within half a pixel, as asked for; in truth within a thousandth."""
    folder, catalog = tmp_path_factory.mktemp("chain"), catalog_of(chunk)
    names = dict(enumerate(chunk.labels))
    paths = {"coco": folder / "first.json", "yolo": folder / "yolo", "voc": folder / "voc"}
    sources = {"coco": paths["coco"], "yolo": paths["yolo"] / "labels", "voc": paths["voc"] / "Annotations"}
    FORMATS["coco"].write([chunk], paths["coco"], a_context("coco", names=names))
    for before, after in (("coco", "yolo"), ("yolo", "voc")):
        form = {"bbox_format": "xywh"} if before == "coco" else {}
        context = a_context(before, catalog=catalog, names=names, **form)
        chunks = FORMATS[before].read(source_of(sources[before]), context)
        FORMATS[after].write(chunks, paths[after], a_context(after, catalog=catalog, names=names))
    last = folder / "last.json"
    chunks = FORMATS["voc"].read(source_of(sources["voc"]), a_context("voc", catalog=catalog))
    FORMATS["coco"].write(chunks, last, a_context("coco", names=names))
    rows, tally = read("coco", last, bbox_format="xywh")
    assert_same(rows, rows_of([chunk]), tolerance=1e-3)
    assert tally.images == len(chunk.images)
    assert np.isfinite([row[2:6] for row in rows]).all()


@pytest.mark.parametrize("fmt", ["coco", "yolo", "voc"])
def test_boxes_of_a_video_are_not_put_on_one_image(tmp_path, fmt):
    """A format without frames refuses them, and writes nothing; packets and lines of JSON keep them."""
    (tmp_path / "clip.txt").write_text("1,7,10,5,20,15,0.9,-1,-1,-1\n3,7,12,5,20,15,0.8,-1,-1,-1\n")
    predictions = read_source(tmp_path / "clip.txt", size="64x48", options={"mot-label": "person"})
    with pytest.raises(InputError, match=f"clip: a video, but the format '{fmt}' has no frames"):
        predictions.write_as(FORMATS[fmt], tmp_path / "out", Tally(), a_context(fmt).options)
    assert not (tmp_path / "out").is_file()
    predictions.write_as(FORMATS["boxferry"], tmp_path / "x.ndjson", Tally(), a_context("boxferry").options)
    (chunk,) = read_source(tmp_path / "x.ndjson").chunks(Tally())
    assert chunk.frame.tolist() == [0, 2]


def test_yolo_to_coco_and_back_has_the_same_text_and_no_noise(tmp_path):
    """No coordinate has more than nine digits after the point, and each row comes back as it was written."""
    rows = "0 0.123456789 0.4 0.1 0.300000001 0.9971\n1 0.654321 0.333333333 0.2 0.4 0.5\n0 0.5 0.5 1 1 0.25\n"
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(rows)
    first = read_source(tmp_path / "labels", size="641x479", names=["cat", "dog"])
    first.write_as(FORMATS["coco"], tmp_path / "x.json", Tally(), {"coco-form": "dataset"})
    text = (tmp_path / "x.json").read_text()
    assert re.search(r"\.\d{10}", text) is None
    assert '"bbox":[0,0,641,479]' in text.replace(".0", "")
    read_source(tmp_path / "x.json").write_as(FORMATS["yolo"], tmp_path / "yolo", Tally(), {})
    assert (tmp_path / "yolo" / "labels" / "a.txt").read_text() == rows


@pytest.mark.parametrize("fmt", ["coco", "cvat", "labelme", "labelstudio", "voc", "yolo"])
def test_no_writer_of_text_leaves_the_noise_of_binary_arithmetic(tmp_path, fmt):
    """Neither in boxes nor in outlines: at most nine digits after the point, and each box comes back where it was."""
    noisy = [0.1 + 0.2, 1.1 + 2.2, 10.1 + 20.2, 40.1 + 0.2]
    ring = np.array([[noisy[0], noisy[1]], [noisy[2], noisy[1]], [noisy[2], noisy[3]]])
    polygons = None if fmt == "voc" else [None, [ring]]
    chunk = Detections.from_counts(
        [Image("a.jpg", 64, 48)], [2], [noisy] * 2, [0, 1], ["cat", "dog"], score=[0.5, 0.25], polygons=polygons
    )
    target = tmp_path / {"coco": "x.json", "cvat": "x.xml", "labelstudio": "x.json"}.get(fmt, "out")
    FORMATS[fmt].write([chunk], target, a_context(fmt, names={0: "cat", 1: "dog"}))
    files = [target] if target.is_file() else [path for path in target.rglob("*") if path.is_file()]
    assert not [found for path in files for found in re.findall(r"\d\.\d{10,}", path.read_text())]
    for found in read_source(target, format=fmt, size="64x48", names=["cat", "dog"]).chunks(Tally()):
        assert found.xyxy == pytest.approx(np.array([noisy] * 2), abs=1e-5)

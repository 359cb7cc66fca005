"""Parts of a source: together they are the whole, and each image is in one of them."""

import json
import shutil
import tempfile
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture

from boxferry import Tally, read
from boxferry.errors import UsageError
from processes import boxferry

NAMES = ("a", "a.b", "a.png", "b", "c", "d.0", "d.1", "é", unicodedata.normalize("NFD", "ü"), "frame 1", "x/a2", "x/b2")
BOXES = st.lists(st.tuples(st.integers(0, 1), st.integers(1, 8), st.integers(1, 8)), max_size=3)
SOURCES = st.dictionaries(st.sampled_from(NAMES), BOXES, min_size=1)


def yolo(folder, source):
    for name, boxes in source.items():
        path = folder / "labels" / f"{name}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(f"{label} 0.{x} 0.{y} 0.1 0.1 0.5\n" for label, x, y in boxes))
    return {"source": folder / "labels", "format": "yolo", "names": ["cat", "dog"]}


def coco(folder, source):
    images = [{"id": n, "file_name": f"{name}.jpg", "width": 100, "height": 80} for n, name in enumerate(source)]
    categories = [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}]
    (folder / "dataset.json").write_text(json.dumps({"images": images, "categories": categories, "annotations": []}))
    results = [
        {"image_id": n, "category_id": label, "bbox": [10 * x, 8 * y, 10, 10], "score": 0.5}
        for n, boxes in enumerate(source.values())
        for label, x, y in boxes
    ]
    (folder / "results.json").write_text(json.dumps(results))
    return {"source": folder / "results.json", "categories": folder / "dataset.json", "format": "coco"}


def lines(folder, source):
    head = [{"boxferry": 1, "image": {"key": f"{name}.jpg", "width": 100, "height": 80}} for name in source]
    text = [
        {
            **line,
            "xyxy": [[x, y, x + 9, y + 9] for _, x, y in boxes],
            "label": ["cat"] * len(boxes),
            "score": [0.5] * len(boxes),
        }
        for line, boxes in zip(head, source.values(), strict=True)
    ]
    (folder / "lines.ndjson").write_text("".join(json.dumps(line) + "\n" for line in text))
    return {"source": folder / "lines.ndjson", "format": "boxferry"}


def what_is_in(predictions):
    """Each image with its boxes, and the counts."""
    tally, found = Tally(), []
    for chunk in predictions.chunks(tally):
        for image, rows in chunk.each_image():
            labels = [chunk.labels[code] for code in chunk.label[rows]]
            found.append((image.key, list(zip(labels, map(tuple, chunk.xyxy[rows].tolist()), strict=True))))
    return found, tally


@pytest.mark.parametrize("written", [yolo, coco, lines])
@pytest.mark.parametrize("images", [False, True], ids=["sizes", "folder"])
@settings(max_examples=12, deadline=None)
@given(source=SOURCES, folder_only=st.sets(st.sampled_from(NAMES)), count=st.integers(1, 5))
def test_the_parts_together_are_the_whole(written, images, source, folder_only, count):
    """The same images with the same boxes, and the same counts; those of the images folder too."""
    folder = Path(tempfile.mkdtemp())
    try:
        options = written(folder, source)
        if images:
            for name in {*source, *folder_only}:
                path = folder / "images" / f"{name}.jpg"
                path.parent.mkdir(parents=True, exist_ok=True)
                Picture.new("RGB", (100, 80)).save(path)
            options["images"] = folder / "images"
        else:
            options["size"] = "100x80"
        predictions = read(options.pop("source"), **options)
        whole, counts = what_is_in(predictions)
        parts = [what_is_in(predictions.shard(index, count)) for index in range(count)]
        assert sorted(image for found, _ in parts for image in found) == sorted(whole)
        assert sum(tally.images for _, tally in parts) == counts.images
        assert sum(tally.read for _, tally in parts) == counts.read
    finally:
        shutil.rmtree(folder)


def test_the_parts_of_a_sample_are_those_of_the_whole_sample(tmp_path):
    """Each part of its own would be as large as the whole one."""
    options = yolo(tmp_path, {f"image {n}": [(0, 1, 1)] for n in range(40)})
    predictions = read(options.pop("source"), size="100x80", **options).sample(10)
    whole, _ = what_is_in(predictions)
    parts = [what_is_in(predictions.shard(index, 3))[0] for index in range(3)]
    assert sorted(image for found in parts for image in found) == sorted(whole)
    assert len(whole) == 10


def test_an_image_is_in_the_same_part_wherever_it_lies():
    """A known one, so that machines of other versions agree."""
    from boxferry.reading.shard import Shard

    parts = [Shard(index, 8) for index in range(8)]
    found = [[part.index for part in parts if part.takes(name)] for name in ("a.jpg", "x/y/a.png", "b.jpg", "c.txt")]
    assert found == [[3], [3], [1], [7]]


def test_label_files_of_other_parts_are_not_opened(tmp_path):
    """A file that cannot be read is an error of its own part alone."""
    options = yolo(tmp_path, {"a": [(0, 1, 1)], "b": [(0, 1, 1)]})
    (tmp_path / "labels" / "a.txt").write_bytes(b"0 0.5 0.5 0.1 x\n" * 3)
    predictions = read(options.pop("source"), size="100x80", **options)
    tallies = [what_is_in(predictions.shard(index, 8))[1] for index in (1, 3)]
    assert [tally.dropped.total() for tally in tallies] == [0, 3]


@pytest.mark.parametrize("part", [(2, 2), (-1, 2), (0, 0)], ids=str)
def test_a_part_that_there_is_not_is_an_error(tmp_path, part):
    options = yolo(tmp_path, {"a": []})
    with pytest.raises(UsageError, match="shard"):
        read(options.pop("source"), **options).shard(*part)


def test_the_commands_take_a_part(tmp_path):
    """The lines of all parts are those of the whole; wrong numbers are one line."""
    yolo(tmp_path, {name: [(0, 1, 1)] for name in "abcdef"})
    convert = ["convert", "labels", "--names", "cat", "--size", "100x80"]
    whole = boxferry(*convert, cwd=tmp_path).stdout.splitlines()
    parts = [boxferry(*convert, "--shards", "2", "--shard", n, cwd=tmp_path).stdout.splitlines() for n in (0, 1)]
    assert sorted(parts[0] + parts[1]) == sorted(whole)
    assert all(parts)
    checked = boxferry("validate", *convert[1:], "--shards", "2", "--shard", "0", "--json", cwd=tmp_path)
    assert json.loads(checked.stdout)["images"] == len(parts[0])
    for wrong in (("--shards", "2"), ("--shards", "2", "--shard", "2")):
        done = boxferry(*convert, *wrong, cwd=tmp_path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "--shard" in done.stderr

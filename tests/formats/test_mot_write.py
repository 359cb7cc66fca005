"""What is written as MOT is read the same again: frames, tracks, classes, a video's rate and length."""

import dataclasses

import numpy as np
import pytest
import yaml

from boxferry import read
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.labels import ClassTable
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import FORMATS, a_context

CLIP = Image("cams/clip.mp4", 100, 80, video=True, frames=30, frame_rate=12.5)
LABELS = ("cat", "dog")


def a_chunk(*, images=(CLIP,), counts=(3,), **columns):
    """Three boxes of a video on frames 0, 9 and 4."""
    corners = [[10, 20, 40, 60], [0, 0.5, 9.25, 9], [1, 2, 3, 4]]
    columns = {"frame": [0, 9, 4], "track": [7, -1, 8]} | columns
    return Detections.from_counts(images, counts, corners, [0, 1, 0], LABELS, **columns)


def written(folder, chunk, *, names=None):
    """The tally of writing; `names` are the class ids of the source."""
    context = a_context("mot")
    table = ClassTable()
    table.learn(names or {}, "test")
    context = dataclasses.replace(context, classes=table)
    FORMATS["mot"].write([chunk], folder, context)
    return context.tally


def read_again(folder, **options):
    (chunk,) = read(folder, format="mot", **options).chunks(Tally())
    return chunk


def rows_of(chunk):
    each = zip(chunk.frame.tolist(), chunk.track.tolist(), chunk.label.tolist(), chunk.xyxy.tolist(), strict=True)
    return sorted((frame, track, chunk.labels[code], corners) for frame, track, code, corners in each)


@pytest.mark.parametrize("scored", [False, True])
def test_a_video_comes_back_as_it_was(tmp_path, scored):
    """With its size, rate and length out of seqinfo.ini, and the names out of labels.txt."""
    chunk = a_chunk(**({"score": [0.5, 0.25, 1.0]} if scored else {}))
    tally = written(tmp_path / "out", chunk, names={0: "cat", 1: "dog"})
    back = read_again(tmp_path / "out", names=tmp_path / "out" / "labels.txt", options={"mot-origin": "1"})
    assert rows_of(back) == rows_of(chunk)
    assert (np.sort(back.score).tolist() == [0.25, 0.5, 1.0]) if scored else np.isnan(back.score).all()
    (image,) = back.images
    facts = (image.key, image.width, image.height, image.frames, image.frame_rate)
    assert facts == ("cams/clip", 100, 80, 30, 12.5)
    assert (tally.noted, tally.dropped) == ({}, {})
    text = (tmp_path / "out/cams/clip" / ("det/det.txt" if scored else "gt/gt.txt")).read_text()
    assert [line.split(",")[0] for line in text.splitlines()] == ["1", "5", "10"], "in the order of the frames"


@pytest.mark.parametrize(
    ("names", "file", "ids"),
    [
        ({0: "cat", 1: "dog", 2: "cow"}, "labels.txt", ["1", "1", "2"]),
        ({1: "cat", 2: "dog"}, "labels.txt", ["1", "1", "2"]),
        ({3: "dog", 9: "cat"}, "data.yaml", ["9", "9", "3"]),
        ({"x": "cat", "y": "dog"}, "labels.txt", ["1", "1", "2"]),
        ({}, "labels.txt", ["1", "1", "2"]),
    ],
    ids=["from 0", "from 1", "with gaps", "texts", "none"],
)
def test_classes_keep_their_ids(tmp_path, names, file, ids):
    """From 1 where they count from 0, as a list of names beside MOT rows is read."""
    written(tmp_path / "out", a_chunk(), names=names)
    lines = (tmp_path / "out/cams/clip/gt/gt.txt").read_text().splitlines()
    assert [line.split(",")[7] for line in lines] == ids
    back = read_again(tmp_path / "out", names=tmp_path / "out" / file, options={"mot-origin": "1"})
    assert rows_of(back) == rows_of(a_chunk())
    if file == "data.yaml":
        assert yaml.safe_load((tmp_path / "out" / file).read_text())["names"] == names


def test_still_images_are_left_out_and_counted(tmp_path):
    """The video is written."""
    chunk = a_chunk(images=[Image("a.jpg", 9, 9), CLIP], counts=[1, 2], frame=[0, 9, 4])
    tally = written(tmp_path / "out", chunk)
    tally.count(chunk)
    assert (tally.kept, tally.dropped) == (2, {"still-image": 1})
    assert len((tmp_path / "out/cams/clip/gt/gt.txt").read_text().splitlines()) == 2


def test_what_a_row_has_no_place_for_is_noted(tmp_path):
    """The visibility has one."""
    ring = np.array([[1, 2], [3, 2], [3, 4.0]])
    chunk = a_chunk(
        polygons=objects([(ring,), None, None]),
        attributes=objects([{"visibility": 0.5}, {"pose": "left", "visibility": "nothing"}, {"visibility": "0.25"}]),
    )
    tally = written(tmp_path / "out", chunk)
    assert tally.noted == {"no-outline": 1, "no-attributes": 1}
    lines = (tmp_path / "out/cams/clip/gt/gt.txt").read_text().splitlines()
    assert [line.split(",")[8] for line in lines] == ["0.5", "0.25", "1"]


def test_some_boxes_with_a_score_are_an_error(tmp_path):
    """Nothing is left behind."""
    with pytest.raises(InputError, match="some of its boxes have a score"):
        written(tmp_path / "out", a_chunk(score=[0.5, np.nan, 0.5]))
    assert list(tmp_path.iterdir()) == []


def test_a_video_without_boxes_is_an_empty_file(tmp_path):
    """It is known that there are none."""
    written(tmp_path / "out", Detections.from_counts([CLIP], [0], [], [], ()))
    assert (tmp_path / "out/cams/clip/gt/gt.txt").read_text() == ""

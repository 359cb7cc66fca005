"""COCO items that are no plain boxes: masks of another size, key points, crowds, tracks; files without detections."""

import dataclasses
import json

import numpy as np
import pytest
from pycocotools import mask as masks

from boxferry.boxes.detections import Image
from boxferry.errors import InputError
from boxferry.formats import Catalog
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, read, write_json, write_text

CATALOG = Catalog(names={1: "cat"}, images={1: Image("a.jpg", 640, 480)})
GIVEN = {"catalog": CATALOG, "names": CATALOG.names}


def item(**more):
    return {"image_id": 1, "category_id": 1, "score": 0.5} | more


def whole(**more):
    return item(bbox=[10, 20, 30, 40]) | more


def chunk_of(tmp_path, *items, polygons=False, **options):
    context = dataclasses.replace(a_context("coco", **{**GIVEN, **options}), polygons=polygons)
    (chunk,) = FORMATS["coco"].read(source_of(write_json(tmp_path / "x.json", list(items))), context)
    return chunk, context.tally


def mask(width, height, left, top, right, bottom, *, compressed=False):
    """A run-length mask of a box."""
    pixels = np.zeros((height, width), np.uint8, order="F")
    pixels[top:bottom, left:right] = 1
    found = masks.encode(pixels)
    if compressed:
        return {"size": found["size"], "counts": found["counts"].decode()}
    flat = np.concatenate(([0], pixels.reshape(-1, order="F"), [2])).astype(int)
    edges = np.flatnonzero(np.diff(flat))
    runs = np.diff(np.concatenate(([0], edges))).tolist()
    return {"size": [height, width], "counts": runs}


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize(("width", "height"), [(320, 240), (160, 120), (1280, 960)])
def test_c26_a_mask_of_another_size_and_the_same_shape_is_scaled_and_said(tmp_path, width, height, compressed):
    """Its box and its outline stand where the object is in the image."""
    by = 640 / width
    left, top, right, bottom = (round(side / by) for side in (200, 120, 280, 180))
    runs = mask(width, height, left, top, right, bottom, compressed=compressed)
    chunk, tally = chunk_of(tmp_path, item(segmentation=runs), whole(segmentation=runs), polygons=True)
    assert chunk.xyxy.tolist() == [[200, 120, 280, 180], [10, 20, 40, 60]]
    for (ring,) in chunk.polygons:
        assert sorted(map(tuple, ring.tolist())) == [(200, 120), (200, 180), (280, 120), (280, 180)]
    assert tally.noted == {"derived": 1, "scaled-masks": 1}


def test_c26_a_mask_whose_height_was_rounded_is_of_the_same_shape(tmp_path):
    """101 pixels wide, 76 high for 75.75."""
    chunk, _ = chunk_of(tmp_path, item(segmentation=mask(101, 76, 0, 0, 101, 76)))
    assert chunk.xyxy.tolist() == [[0, 0, 640, 480]]


@pytest.mark.parametrize("compressed", [False, True])
def test_c26_a_mask_of_another_shape_is_an_error_with_both_sizes(tmp_path, compressed):
    """Its box cannot be placed; beside a bbox only its outline is left out."""
    runs = mask(160, 160, 50, 40, 70, 60, compressed=compressed)
    chunk, tally = chunk_of(tmp_path, item(segmentation=runs), whole())
    assert chunk.xyxy.tolist() == [[10, 20, 40, 60]]
    assert tally.dropped == {"mask-size": 1}
    assert "[0]: segmentation: a mask of 160x160, the image is 640x480" in str(tally.examples["mask-size"][0])
    chunk, tally = chunk_of(tmp_path, whole(segmentation=runs), polygons=True)
    assert (chunk.xyxy.tolist(), chunk.polygons.tolist()) == ([[10, 20, 40, 60]], [None])
    assert (tally.dropped, tally.failed) == ({}, {"mask-size": 1})


def test_c27_key_points_without_a_bbox_give_the_box_of_those_that_are_labelled(tmp_path):
    """Flagged as derived; those with visibility 0 do not count."""
    points = [10, 10, 2, 20, 30, 2, 15, 18, 1, 0, 0, 0, 900, 900, 0]
    chunk, tally = chunk_of(tmp_path, item(keypoints=points), whole(keypoints=points))
    assert chunk.xyxy.tolist() == [[10, 10, 20, 30], [10, 20, 40, 60]]
    assert tally.noted == {"derived": 1}


@pytest.mark.parametrize("points", [[1, 2], [1, 2, 0], ["a", 1, 2], 7, [[1, 2, 2]]])
def test_c27_key_points_that_give_no_box_cost_only_their_item(tmp_path, points):
    """None is labelled, or they are no triples of numbers."""
    _, tally = chunk_of(tmp_path, item(keypoints=points), whole())
    assert tally.dropped == {"bad-box": 1}


def test_c27_as_pycocotools_does(tmp_path):
    """Its loadRes gives the same box, where all points are labelled."""
    from pycocotools.coco import COCO

    points = [10.5, 10, 2, 20, 30.25, 2, 15, 18, 1]
    gt = {"images": [{"id": 1}], "categories": [{"id": 1, "name": "cat", "keypoints": ["a"] * 3}], "annotations": []}
    peer = COCO(str(write_json(tmp_path / "gt.json", gt))).loadRes(
        str(write_json(tmp_path / "r.json", [item(keypoints=points)]))
    )
    x, y, width, height = peer.anns[1]["bbox"]
    chunk, _ = chunk_of(tmp_path, item(keypoints=points))
    assert chunk.xyxy.tolist() == [[x, y, x + width, y + height]]


NOTHING = {
    "scores-text": [whole(score="high"), whole(score="0.5")],
    "scores-nan": [whole(score=float("nan"))] * 3,
    "captions": [{"image_id": 1, "category_id": 1, "caption": "a cat"}],
    "not-objects": [1, 2],
    "boxes-null": [whole(bbox=None)],
}


@pytest.mark.parametrize("wrap", [list, lambda items: {"annotations": items}], ids=["list", "wrapped"])
@pytest.mark.parametrize("items", NOTHING.values(), ids=NOTHING)
def test_c31_a_file_in_which_nothing_is_a_detection_is_an_error(tmp_path, items, wrap):
    """With the first reason; one good item among them makes it a matter of items again."""
    path = write_text(tmp_path / "x.json", json.dumps(wrap(items)))
    with pytest.raises(InputError, match=r"\[0\]: .*; nothing in this file is a detection"):
        read("coco", path, **GIVEN)
    rows, tally = read("coco", write_text(path, json.dumps([*items, whole()])), **GIVEN)
    assert len(rows) == 1
    assert tally.dropped == {"bad-box": len(items)}


def crowds(*flags):
    images = [{"id": 1, "file_name": "a.jpg", "width": 640, "height": 480}]
    annotations = [whole(iscrowd=flag) for flag in flags]
    return {"images": images, "categories": [{"id": 1, "name": "cat"}], "annotations": annotations}


def test_c32_where_every_annotation_is_a_crowd_the_option_is_said(tmp_path):
    """And takes them; one crowd among others needs no word."""
    path = write_json(tmp_path / "x.json", crowds(1, 1))
    rows, tally = read("coco", path)
    assert (rows, tally.dropped) == ([], {"crowd": 2})
    assert "--crowd keep" in tally.examples["all-crowds"][0].message
    rows, tally = read("coco", path, crowd="keep")
    assert (len(rows), tally.dropped, tally.noted) == (2, {}, {})
    assert "all-crowds" not in read("coco", write_json(path, crowds(1, 0)))[1].noted


TRACKS = {
    "cvat": ({"attributes": {"track_id": 3, "occluded": False}}, 3),
    "own": ({"track_id": 4}, 4),
    "instance": ({"instance_id": 5}, 5),
    "zero": ({"track_id": 0}, 0),
    "text": ({"attributes": {"track_id": "7"}}, 7),
    "float": ({"track_id": 8.0}, 8),
    "null": ({"track_id": None}, -1),
    "nan": ({"track_id": float("nan")}, -1),
    "negative": ({"track_id": -1}, -1),
    "true": ({"track_id": True}, -1),
    "other-attributes": ({"attributes": {"occluded": True}}, -1),
    "attributes-list": ({"attributes": ["x"]}, -1),
}


@pytest.mark.parametrize("beside", [(), (5,)], ids=["typed", "checked"])
@pytest.mark.parametrize(("more", "track"), TRACKS.values(), ids=TRACKS)
def test_c35_a_track_is_read_wherever_tools_write_it(tmp_path, more, track, beside):
    """Also of still images, and where the first one comes late."""
    chunk, _ = chunk_of(tmp_path, *[whole(score=n / 50) for n in range(40)], whole(**more), *beside)
    assert (None if chunk.track is None else chunk.track.tolist()) == (None if track < 0 else [-1] * 40 + [track])

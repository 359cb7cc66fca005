"""The COCO adapter: results and datasets, in any order and size, and back."""

import contextlib
import dataclasses
import gzip
import io
import json
import re
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from msgspec.json import Decoder
from pycocotools import mask as masks

from boxferry.boxes.detections import Image
from boxferry.errors import InputError, UsageError
from boxferry.formats import Catalog
from boxferry.parsing import json_scan
from boxferry.reading.source import source_of
from boxferry_adapters.coco.items import Item
from boxferry_adapters.coco.read import read as read_chunks
from formats.reading import (
    FORMATS,
    a_context,
    assert_same,
    catalog_of,
    detections,
    images_of,
    read,
    rows_of,
    write_json,
    write_text,
)

CATALOG = Catalog(names={0: "cat", 7: "dog"}, images={1: Image("a.jpg", 100, 80), 2: Image("b.jpg", 60, 70)})
GIVEN = {"catalog": CATALOG, "names": CATALOG.names}


def a_result(image_id=1, category_id=0, bbox=(10, 20, 30, 40), **more):
    return {"image_id": image_id, "category_id": category_id, "bbox": list(bbox), "score": 0.5} | more


def a_dataset(*annotations, images=None, categories=None):
    return {
        "images": images or [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "annotations": list(annotations),
        "categories": categories or [{"id": 0, "name": "cat"}, {"id": 7, "name": "dog"}],
    }


def one(tmp_path, value, **options):
    return read("coco", write_json(tmp_path / "x.json", value), **options)


WHOLE = ("a.jpg", "cat", 10.0, 20.0, 40.0, 60.0, 0.5)


def test_c1_results_with_a_dataset_beside_them(tmp_path):
    """x, y, width, height become corners; the score is kept."""
    rows, _ = one(tmp_path, [a_result(), a_result(2, 7)], **GIVEN)
    assert rows == [WHOLE, ("b.jpg", "dog", *WHOLE[2:])]


@pytest.mark.parametrize("score", [0, 0.0])
def test_a_score_of_zero_is_a_score(tmp_path, score):
    """Not taken for none."""
    assert one(tmp_path, [a_result(score=score)], **GIVEN)[0] == [(*WHOLE[:6], 0.0)]


def test_c1_results_with_file_names_in_them(tmp_path):
    """As some tools write them; the images folder gives the sizes."""
    folder = images_of(tmp_path / "images", "a.jpg")
    rows, _ = one(tmp_path, [a_result(file_name="a.jpg")], folder=folder, names={0: "cat"})
    assert rows == [WHOLE]


def test_c1_results_alone_name_the_flag_to_add(tmp_path):
    """Numeric ids tell nothing."""
    with pytest.raises(InputError, match="--categories FILE"):
        one(tmp_path, [a_result()], names={0: "cat"})
    with pytest.raises(InputError, match="--names"):
        one(tmp_path, [a_result(file_name="a.jpg")], size=(9, 9))


@pytest.mark.parametrize("value", [[], a_dataset(), {"annotations": [], "images": [], "categories": []}])
def test_c2_nothing_is_a_success(tmp_path, value):
    """An empty list, or no annotations."""
    rows, tally = one(tmp_path, value, **GIVEN)
    assert rows == []
    assert not tally.failed


@pytest.mark.parametrize("key", ["predictions", "annotations"])
def test_c3_results_wrapped_or_compressed(tmp_path, key):
    """In an object, or gzipped."""
    assert one(tmp_path, {key: [a_result()]}, **GIVEN)[0] == [WHOLE]
    path = tmp_path / "y.json.gz"
    path.write_bytes(gzip.compress(json.dumps([a_result()]).encode()))
    assert read("coco", path, **GIVEN)[0] == [WHOLE]


def test_c4_c5_a_dataset_with_scores_and_a_category_0(tmp_path):
    """A score in an annotation is kept; 0 is an id as any other."""
    rows, _ = one(tmp_path, a_dataset(a_result(id=1), {k: v for k, v in a_result(1, 7).items() if k != "score"}))
    assert rows == [WHOLE, ("a.jpg", "dog", *WHOLE[2:6], None)]


def test_c7_unknown_categories_and_images_are_counted_once_each(tmp_path):
    """One record for each, with the number of its boxes."""
    rows, tally = one(tmp_path, [a_result(), a_result(9), a_result(9), a_result(1, 5), a_result(1, 5)], **GIVEN)
    assert rows == [WHOLE]
    assert tally.dropped == {"unknown-image": 2, "unknown-label": 2}
    assert len(tally.examples["unknown-image"]) == len(tally.examples["unknown-label"]) == 1


IDS = {"text": ("1", "0"), "float": (1.0, 0.0)}


@pytest.mark.parametrize(("image_id", "category_id"), IDS.values(), ids=IDS)
def test_c8_ids_are_compared_by_what_they_mean(tmp_path, image_id, category_id):
    """'1', 1.0 and 1 are one id."""
    rows, _ = one(tmp_path, [a_result(image_id, category_id), a_result()], **GIVEN)
    assert rows == [WHOLE, WHOLE]


def test_c8_a_stem_as_an_id_keeps_its_zeros(tmp_path):
    """'000123' is a name."""
    folder = images_of(tmp_path / "images", "000123.jpg", "123.jpg")
    rows, _ = one(tmp_path, [a_result("000123")], folder=folder, names={0: "cat"})
    assert rows[0][0] == "000123.jpg"


def test_c9_everything_but_the_box_is_optional(tmp_path):
    """No id, area, iscrowd, info, licenses or sizes."""
    dataset = a_dataset(a_result(), images=[{"id": 1, "file_name": "a.jpg"}])
    assert one(tmp_path, dataset)[0] == [WHOLE]


def test_c10_an_image_id_with_two_files_is_an_error(tmp_path):
    """Both are shown; the same file twice is none."""
    twice = [{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "a.jpg"}]
    assert len(one(tmp_path, a_dataset(a_result(), images=twice))[0]) == 1
    with pytest.raises(InputError, match=r"image id 1 is both 'a\.jpg' and 'b\.jpg'"):
        one(tmp_path, a_dataset(images=[{"id": 1, "file_name": "a.jpg"}, {"id": 1, "file_name": "b.jpg"}]))


def test_c11_backslashes_are_slashes(tmp_path):
    """A dataset made on Windows."""
    rows, _ = one(tmp_path, a_dataset(a_result(), images=[{"id": 1, "file_name": "x\\a.jpg"}]))
    assert rows[0][0] == "x/a.jpg"


BAD = {
    "C12-null": None,
    "C12-empty": [],
    "C12-three": [1, 2, 3],
    "C12-texts": ["1", "2", "3", "4"],
    "C12-object": {"x": 1},
    "C15-negative-width": [1, 2, -3, 4],
    "C15-negative-height": [1, 2, 3, -4],
    "true": [True, 1, 2, 3],
}


@pytest.mark.parametrize("bbox", BAD.values(), ids=BAD)
def test_c12_c15_an_item_that_is_no_box_costs_only_itself(tmp_path, bbox):
    """It is skipped with its index."""
    rows, tally = one(tmp_path, [a_result(), a_result() | {"bbox": bbox}, a_result()], **GIVEN)
    assert rows == [WHOLE, WHOLE]
    assert str(tally.examples["bad-box"][0]).startswith(f"{tmp_path / 'x.json'}[1]: bbox: ")


@pytest.mark.parametrize("change", [{"image_id": None}, {}])
def test_results_that_name_no_image_at_all_are_an_error(tmp_path, change):
    """As a library writes them that was not told; one such item among others is only skipped."""
    item = {name: value for name, value in a_result().items() if name != "image_id"} | change
    with pytest.raises(InputError, match="none of its 2 items says which image it is of"):
        one(tmp_path, [item, item], **GIVEN)
    assert one(tmp_path, [item, a_result()], **GIVEN)[1].dropped == {"bad-box": 1}


def test_c12_what_is_no_box_is_skipped(tmp_path):
    """And an item that is no object at all too."""
    bad = [7, a_result(score="high"), a_result(None), a_result(bbox=[]), a_result(image_id=[])]
    rows, tally = one(tmp_path, [*bad, a_result()], **GIVEN)
    assert rows == [WHOLE]
    assert tally.dropped == {"bad-box": 5}


@pytest.mark.parametrize("name", ["/", ".", "\\\\", " "])
def test_a_file_name_that_is_none_is_not_one(tmp_path, name):
    """The image id counts then, or nobody knows the image: the others go on."""
    rows, tally = one(tmp_path, [a_result(), a_result(9, file_name=name)], **GIVEN)
    assert (rows, tally.dropped) == ([WHOLE], {"unknown-image": 1})


MASK = {"size": [80, 100], "counts": [10 * 80 + 20, 40, *[40, 40] * 29, 60 * 80 + 20]}
PARTS = [[10, 20, 40, 20, 40, 30], [12, 50, 20, 60, 12, 60]]
SEGMENTATIONS = {
    "polygons": PARTS,
    "runs": MASK,
    "compressed": masks.frPyObjects(MASK, 80, 100) | {"counts": masks.frPyObjects(MASK, 80, 100)["counts"].decode()},
}


@pytest.mark.parametrize("segmentation", SEGMENTATIONS.values(), ids=SEGMENTATIONS)
@pytest.mark.parametrize("bbox", [{}, {"bbox": None}, {"bbox": []}])
def test_c13_the_bounds_of_a_segmentation_are_the_box_where_there_is_none(tmp_path, segmentation, bbox):
    """Flagged as derived; all parts count."""
    item = {"image_id": 1, "category_id": 0, "segmentation": segmentation, **bbox}
    rows, tally = one(tmp_path, [item, a_result()], **GIVEN)
    assert rows == [("a.jpg", "cat", 10.0, 20.0, 40.0, 60.0, None), WHOLE]
    assert tally.noted == {"derived": 1}


BROKEN = [
    [[1, 2, 3]], [5], [[1, 2, 3, 4, "x", 6]], 7, {"size": [80, 100], "counts": [1, 2]}, {"size": [8], "counts": "x"},
    {"size": [80, 100], "counts": "not runs"}, {"size": [10**9, 10**9], "counts": [10**18]},
    {"size": [80, 100], "counts": None}, {"size": [4, 4], "counts": [16]},
]  # fmt: skip


@pytest.mark.parametrize("segmentation", BROKEN)
def test_c13_a_broken_segmentation_costs_only_itself(tmp_path, segmentation):
    """Without a bbox it is no box; with one the bbox counts."""
    item = {"image_id": 1, "category_id": 0, "segmentation": segmentation}
    _, tally = one(tmp_path, [item, a_result()], **GIVEN)
    assert tally.dropped == {"bad-box": 1}
    assert one(tmp_path, [a_result(segmentation=segmentation)], **GIVEN)[0] == [WHOLE]


@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")
@given(arrays.arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_c13_the_length_of_compressed_runs_is_that_of_the_mask(mask):
    """It is checked before pycocotools, which would write past its memory."""
    from boxferry_adapters.coco.segments import _length

    assert _length(masks.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]) == mask.size


def chunk_of(tmp_path, value, *, polygons=False, attributes=(), **options):
    """The one chunk of a source, with what was asked for."""
    context = dataclasses.replace(a_context("coco", **options), polygons=polygons, attributes=attributes)
    (chunk,) = FORMATS["coco"].read(source_of(write_json(tmp_path / "x.json", value)), context)
    return chunk


def test_outlines_come_on_request_all_parts_of_them(tmp_path):
    """Polygons as they are, masks along the edges of their pixels; shuffled items keep their own."""
    items = [a_result(segmentation=PARTS), a_result(2), a_result(segmentation=MASK), a_result(segmentation=5)]
    chunk = chunk_of(tmp_path, items, polygons=True, **GIVEN)
    first, second, third = (chunk.polygons[chunk.row.tolist().index(row)] for row in (0, 2, 1))
    assert [ring.reshape(-1).tolist() for ring in first] == PARTS
    assert sorted(map(tuple, second[0].tolist())) == [(10, 20), (10, 60), (40, 20), (40, 60)]
    assert third is None
    assert chunk_of(tmp_path, items, **GIVEN).polygons is None


def test_further_fields_come_on_request(tmp_path):
    """From the item, or from its `attributes`, as some tools nest them."""
    items = [a_result(occluded=True, attributes={"colour": "red"}), a_result(2), a_result(2, 7, colour="blue")]
    chunk = chunk_of(tmp_path, items, attributes=("occluded", "colour"), **GIVEN)
    assert chunk.attributes.tolist() == [{"occluded": True, "colour": "red"}, None, {"colour": "blue"}]


@pytest.mark.parametrize(("ids", "shift"), [([0, 1], 1), ([2, 3], -1)])
def test_c6_ids_that_are_shifted_by_one_are_noted_with_the_option(tmp_path, ids, shift):
    """A model that counts from 0 beside a dataset that counts from 1, or the other way round."""
    names = {1: "cat", 2: "dog"}
    items = [a_result(1, i) for i in ids]
    _, tally = one(tmp_path, items, catalog=CATALOG, names=names)
    assert tally.dropped == {"unknown-label": 1}
    assert f"--category-offset {shift}" in tally.examples["shifted-categories"][0].message
    rows, tally = one(tmp_path, items, catalog=CATALOG, names=names, category_offset=str(shift))
    assert [row[1] for row in rows] == ["cat", "dog"]
    assert not tally.noted


FORMS = {
    "xyxy": [10, 20, 40, 60],
    "cxcywh": [25, 40, 30, 40],
    "xywhn": [0.1, 0.25, 0.3, 0.5],
    "xyxyn": [0.1, 0.25, 0.4, 0.75],
    "cxcywhn": [0.25, 0.5, 0.3, 0.5],
}


@pytest.mark.parametrize(("form", "bbox"), FORMS.items())
def test_other_forms_of_bbox_are_read_when_told(tmp_path, form, bbox):
    """The same box from each."""
    (row,) = one(tmp_path, [a_result(bbox=bbox)], bbox_format=form, **GIVEN)[0]
    assert row[2:6] == pytest.approx(WHOLE[2:6])


@pytest.mark.parametrize(
    ("bbox", "form"), [([40, 30, 90, 70], "xyxy"), ([0.25, 0.5, 0.3, 0.5], "xywhn")], ids=["C16", "C17"]
)
def test_c16_c17_another_form_is_an_error_that_names_the_option(tmp_path, bbox, form):
    """Where half of the boxes look like it; one of many is a box that reaches out."""
    with pytest.raises(InputError, match=f"1 of 2 bboxes look like .*--bbox-format {form} if so, or xywh"):
        one(tmp_path, [a_result(bbox=bbox), a_result()], **GIVEN)
    assert len(one(tmp_path, [a_result(bbox=bbox), a_result(), a_result(2)], **GIVEN)[0]) == 3
    assert len(one(tmp_path, [a_result(bbox=bbox)], bbox_format="xywh", **GIVEN)[0]) == 1


def test_c18_categories_of_one_name_are_one_label_with_a_note(tmp_path):
    """Two ids, one name."""
    value = a_dataset(a_result(), a_result(1, 7), categories=[{"id": 0, "name": "cat"}, {"id": 7, "name": "cat"}])
    rows, tally = one(tmp_path, value)
    assert [row[1] for row in rows] == ["cat", "cat"]
    assert tally.noted == {"merged-categories": 1}


@pytest.mark.parametrize(
    ("scale", "bbox"),
    [("50x40", [5, 10, 15, 20]), ("200x200,letterbox", [20, 60, 60, 80])],
    ids=["C22", "C22-letterbox"],
)
def test_c22_boxes_in_a_models_input_are_scaled_when_told(tmp_path, scale, bbox):
    """Stretched, or with borders above and below."""
    (row,) = one(tmp_path, [a_result(bbox=bbox)], scale_from=scale, **GIVEN)[0]
    assert row[2:6] == pytest.approx(WHOLE[2:6])


@pytest.mark.parametrize(
    ("option", "value"),
    [("scale_from", "640"), ("scale_from", "0x640"), ("scale_from", "640x640,crop"), ("category_offset", "one")],
)
def test_options_that_are_none_are_said(tmp_path, option, value):
    """With what was expected."""
    with pytest.raises(UsageError, match=f"--{option.replace('_', '-')}: '{value}', expected"):
        one(tmp_path, [a_result()], **GIVEN, **{option: value})


def test_a_form_that_needs_sizes_names_the_image_without_one(tmp_path):
    """And the options that give it."""
    catalog = Catalog(names=CATALOG.names, images={1: Image("a.jpg")})
    with pytest.raises(InputError, match=r"x\.json\[0\]: the size of image 'a.jpg' is not known; give --images"):
        one(tmp_path, [a_result()], catalog=catalog, names=CATALOG.names, bbox_format="xywhn")


def test_file_ids_come_from_a_key_of_the_images(tmp_path):
    """Whole numbers from 1; anything else is an error with its place."""
    image = {"id": 1, "file_name": "a.jpg", "width": 100, "height": 80, "diffgram_id": 77}
    chunk = chunk_of(tmp_path, a_dataset(a_result(), images=[image]), file_id_field="diffgram_id")
    assert chunk.images[0].file_id == 77
    with pytest.raises(InputError, match="image id 1: diffgram_id: expected a file id"):
        chunk_of(tmp_path, a_dataset(a_result(), images=[image | {"diffgram_id": "x"}]), file_id_field="diffgram_id")


def a_video_dataset(**changes):
    """Two frames of one video, the second before the first."""
    size = {"width": 100, "height": 80}
    frames = [{"id": n, "file_name": f"clip/{n}.jpg", "video_id": 5, "frame_id": n + 3, **size} for n in (2, 1)]
    videos = {"videos": [{"id": 5, "name": "clip.mp4"}]}
    return a_dataset(a_result(2, track_id=9), a_result(1), a_result(2, 7), images=frames) | videos | changes


@pytest.mark.parametrize("origin", ["0", "1"])
def test_images_of_a_video_are_its_frames_when_told(tmp_path, origin):
    """Grouped by video, whatever their order; tracks stay."""
    chunk = chunk_of(tmp_path, a_video_dataset(), coco_video=origin)
    (video,) = chunk.images
    assert (video.key, video.video, video.width, video.height) == ("clip.mp4", True, 100, 80)
    start = int(origin)
    assert chunk.frame.tolist() == [5 - start, 4 - start, 5 - start]
    assert chunk.track.tolist() == [9, -1, -1]
    assert len(chunk_of(tmp_path, a_video_dataset()).images) == 2


def test_a_frame_of_no_known_video_is_an_error(tmp_path):
    """With the image's id."""
    with pytest.raises(InputError, match="image id 2: its video_id is not among the videos"):
        chunk_of(tmp_path, a_video_dataset(videos=[]), coco_video="0")


def test_c14_a_crowd_is_dropped_in_a_dataset_and_kept_in_results(tmp_path):
    """A crowd region is not one object."""
    _, tally = one(tmp_path, a_dataset(a_result(iscrowd=1), a_result()))
    assert tally.dropped == {"crowd": 1}
    assert len(one(tmp_path, [a_result(iscrowd=1)], **GIVEN)[0]) == 1


def test_c15_nan_literals_cost_only_their_item(tmp_path):
    """They are not JSON, and written all the same."""
    text = json.dumps([a_result(), a_result(score=float("nan")), a_result(bbox=[float("inf"), 1, 2, 3])])
    rows, tally = read("coco", write_text(tmp_path / "x.json", text), **GIVEN)
    assert len(rows) + tally.dropped.total() == 3
    assert rows[0] == WHOLE


def test_c15_zero_sized_and_outside_boxes_are_left_to_the_fit(tmp_path):
    """The reader changes no number."""
    rows, _ = one(tmp_path, [a_result(bbox=[5, 5, 0, 0]), a_result(bbox=[900, -5, 10, 10])], **GIVEN)
    assert [r[2:6] for r in rows] == [(5.0, 5.0, 5.0, 5.0), (900.0, -5.0, 910.0, 5.0)]


def test_c18_two_categories_of_one_name_are_one_label(tmp_path):
    """Blanks around a name do not count."""
    categories = [{"id": 0, "name": "cat"}, {"id": 7, "name": " cat "}]
    rows, _ = one(tmp_path, a_dataset(a_result(), a_result(1, 7), categories=categories))
    assert {r[1] for r in rows} == {"cat"}


def test_c19_lvis_names_images_by_their_url(tmp_path):
    """The split's folder is kept."""
    images = [{"id": 1, "coco_url": "http://images.cocodataset.org/val2017/000000397133.jpg", "width": 9, "height": 9}]
    rows, _ = one(tmp_path, a_dataset(a_result(), images=images))
    assert rows[0][0] == "val2017/000000397133.jpg"


@pytest.mark.parametrize("beside", [False, True], ids=["own", "named"])
def test_c33_an_image_whose_size_the_file_contradicts_fails_and_the_others_go_on(tmp_path, beside):
    """With both sizes, and the option; whether or not it has boxes, in a dataset and beside results."""
    folder = images_of(images_of(tmp_path / "images", "a.jpg", size=(50, 40)), "b.jpg", "c.jpg")
    images_of(folder, "d.jpg", size=(50, 40))
    more = [{"id": n, "file_name": f"{name}.jpg", "width": 100, "height": 80} for n, name in enumerate("abcd", start=1)]
    dataset = a_dataset(a_result(1), a_result(2), a_result(1), images=more)
    if beside:
        catalog = FORMATS["coco"].catalog(source_of(write_json(tmp_path / "gt.json", dataset)))
        given = {"catalog": catalog, "names": catalog.names}
        rows, tally = one(tmp_path, dataset["annotations"], folder=folder, **given)
    else:
        rows, tally = one(tmp_path, dataset, folder=folder)
    assert [row[0] for row in rows] == ["b.jpg"]
    assert tally.dropped == {"size-mismatch": 2}
    assert tally.failed == {"size-mismatch": 1 if beside else 2}
    message = str(tally.examples["size-mismatch"][0])
    assert re.search(r"x\.json\[0\]: .*100x80.*the image (itself )?is 50x40.*--scale-from", message)


def test_c33_boxes_of_a_models_input_are_scaled_to_the_files_own_size(tmp_path):
    """The dataset's sizes are those of the input."""
    folder = images_of(tmp_path / "images", "a.jpg", size=(200, 160))
    (row,) = one(tmp_path, a_dataset(a_result()), folder=folder, scale_from="100x80")[0]
    assert row[2:6] == tuple(2 * side for side in WHOLE[2:6])


def test_names_that_contradict_the_dataset_are_an_error_with_both(tmp_path):
    """One of the two is of another model."""
    with pytest.raises(InputError, match="category id 0 is 'cat', but 'zebra'"):
        one(tmp_path, a_dataset(), names={0: "zebra"})


BROKEN = {
    "truncated": '[{"image_id": 1, "category_id": 0, "bb',
    "garbage": "[{]",
    "no-json": "hello",
    "wrong-object": '{"a": 1}',
    "empty": "",
    "image-without-name": '{"images": [{"id": 1}], "annotations": []}',
    "category-without-name": '{"images": [], "categories": [{"id": 1}]}',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_what_is_no_coco_file_is_one_clear_error(tmp_path, text):
    """With the source's name."""
    with pytest.raises(InputError, match=r"x\.json"):
        read("coco", write_text(tmp_path / "x.json", text), **GIVEN)


# Order and size


@st.composite
def result_lists(draw):
    """Results in any order, some of them unusable."""
    item = st.builds(
        a_result,
        st.sampled_from([1, 2, 9, "1", 2.0]),
        st.sampled_from([0, 7, 5]),
        st.tuples(*[st.integers(0, 50)] * 4),
        file_name=st.one_of(st.none(), st.text(max_size=5)),
        segmentation=st.sampled_from([None, [[1, 2, 3]], {"counts": '"},{"', "size": [1, 2]}]),
    )
    bad = st.sampled_from([a_result(bbox=[1, 2]), 5, {}, a_result(bbox=[0, 0, -1, 1]), a_result(score=None)])
    return draw(st.lists(st.one_of(item, item, item, bad), max_size=12))


@settings(deadline=None, max_examples=80)
@given(results=result_lists(), piece=st.integers(8, 400), chunk=st.integers(1, 5), wrapped=st.booleans())
def test_neither_piece_nor_chunk_nor_order_changes_what_is_read(tmp_path_factory, results, piece, chunk, wrapped):
    """However small the pieces are cut, and whether images are grouped or not."""
    folder, results = tmp_path_factory.mktemp("coco"), [a_result(), *results]
    given = {**GIVEN, "bbox_format": "xywh", "image_by": "id"}
    expected, tally = one(folder, {"info": {"a": ["]}"]}, "predictions": results} if wrapped else results, **given)
    make = json_scan.Scanner.__init__
    with patch.object(json_scan.Scanner, "__init__", lambda *a, **k: make(*a, **(k | {"piece_bytes": piece}))):
        context = a_context("coco", **given)
        chunks = list(read_chunks(source_of(folder / "x.json"), context, chunk_boxes=chunk))
    assert sorted(map(str, rows_of(chunks))) == sorted(map(str, expected))
    assert (context.tally.read, context.tally.dropped) == (tally.read, tally.dropped)
    grouped = sorted(results, key=lambda r: str(r.get("image_id")) if isinstance(r, dict) else "")
    rows, again = one(folder, grouped, **given)
    assert sorted(map(str, rows)) == sorted(map(str, expected))
    assert again.dropped == tally.dropped


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=8), st.sampled_from(['"}],{"', "\\", "é}"])),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=4), inner, max_size=3)),
    max_leaves=10,
)


@given(
    before=st.dictionaries(st.text(max_size=4).filter("x".__ne__), JSON, max_size=3),
    items=st.lists(st.dictionaries(st.text(max_size=4), JSON, max_size=3), max_size=6),
    piece=st.integers(1, 64),
    indent=st.sampled_from([None, 1]),
)
def test_the_scanner_finds_every_key_and_every_item_of_any_json(before, items, piece, indent):
    """Against json.dumps, cut into pieces of any size."""
    text = json.dumps(before | {"x": items}, indent=indent, ensure_ascii=False).encode("utf-8", "surrogatepass")
    scanner = json_scan.Scanner(io.BytesIO(text), "x", piece_bytes=piece)
    found = {}
    for key in scanner.object_keys():
        if key == "x":
            found[key] = [item for part, _ in scanner.items(Decoder(list[Item])) for item in part]
        else:
            found[key] = scanner.value()
    assert found == before | {"x": items}


# Writing


@settings(deadline=None, max_examples=60)
@given(chunk=detections(), form=st.sampled_from(["dataset", "results"]))
def test_what_is_written_reads_back(tmp_path_factory, chunk, form):
    """The same boxes, labels, scores and, in a dataset, empty images."""
    path, catalog = tmp_path_factory.mktemp("coco") / "x.json", catalog_of(chunk)
    names = dict(enumerate(chunk.labels))
    context = a_context("coco", catalog=catalog, names=names, coco_form=form)
    if form == "results" and np.isnan(chunk.score).any():
        with pytest.raises(InputError, match="without a score"):
            FORMATS["coco"].write([chunk], path, context)
        assert not path.exists()
        return
    FORMATS["coco"].write([chunk], path, context)
    assert list(path.parent.iterdir()) == [path]
    rows, tally = read("coco", path, catalog=catalog, names=names, bbox_format="xywh")
    assert_same(rows, rows_of([chunk]), tolerance=1e-9)
    assert form == "results" or tally.images == len(chunk.images)


def evaluated(truth, results):
    """The twelve numbers of COCOeval."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    with contextlib.redirect_stdout(io.StringIO()):
        gt = COCO(str(truth))
        evaluation = COCOeval(gt, gt.loadRes(str(results)), "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return evaluation.stats.tolist()


def test_pycocotools_takes_what_is_written_and_comes_to_the_same_numbers(tmp_path):
    """loadRes, and COCOeval's twelve numbers of the original and the round-tripped file, to the last digit."""
    rng = np.random.default_rng(7)
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in range(1, 9)]
    categories = [{"id": n, "name": f"c{n}"} for n in (3, 5, 90)]
    truth, results = [], []
    for number in range(120):
        x, y, w, h = (float(v) for v in rng.uniform((0, 0, 5, 5), (500, 380, 130, 90)))
        where = {"image_id": int(rng.integers(1, 9)), "category_id": int(rng.choice([3, 5, 90]))}
        truth.append(where | {"id": number + 1, "bbox": [x, y, w, h], "area": w * h, "iscrowd": 0})
        jitter = [float(v) for v in rng.normal(0, 6, 2)]
        results.append(where | {"bbox": [x + jitter[0], y + jitter[1], w, h], "score": float(rng.random())})
    dataset = write_json(tmp_path / "gt.json", {"images": images, "annotations": truth, "categories": categories})
    original = write_json(tmp_path / "results.json", results)
    catalog = FORMATS["coco"].catalog(source_of(dataset))
    context = a_context("coco", catalog=catalog, names=catalog.names, coco_form="results")
    written = tmp_path / "written.json"
    FORMATS["coco"].write(FORMATS["coco"].read(source_of(original), context), written, context)
    assert evaluated(dataset, written) == pytest.approx(evaluated(dataset, original), abs=0)
    assert 0.05 < evaluated(dataset, original)[0] < 0.95


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (json.dumps([a_result()]), True),
        (json.dumps(a_dataset()), True),
        ('{"info": {}, "licenses": [], "images": []}', True),
        ("[]", True),
        ('[{"a": 1}]', False),
        ('{"shapes": []}', False),
        ("0 0.5 0.5 0.2 0.2", False),
    ],
)
def test_it_recognises_its_files_and_no_others(tmp_path, text, expected):
    """By the keys at the beginning."""
    assert bool(FORMATS["coco"].sniff(source_of(write_text(tmp_path / "x.json", text)))) == expected


def test_c3_results_one_a_line(tmp_path):
    """NDJSON, blank lines and all; recognised by its content."""
    text = "\n\n".join(json.dumps(a_result(n)) for n in (1, 2, 1)) + "\n"
    path = write_text(tmp_path / "x.ndjson", text)
    assert FORMATS["coco"].sniff(source_of(path)) == "lines of JSON objects with image_id"
    rows, tally = read("coco", path, **GIVEN)
    assert sorted(r[0] for r in rows) == ["a.jpg", "a.jpg", "b.jpg"]
    assert tally.read == 3


TWO_LISTS = {
    "two-keys": '{"annotations": [%s], "predictions": []}',
    "one-key-twice": '{"predictions": [%s], "predictions": [%s]}',
}


@pytest.mark.parametrize("text", TWO_LISTS.values(), ids=TWO_LISTS)
def test_boxes_in_two_lists_are_an_error(tmp_path, text):
    """Neither list is passed over."""
    with pytest.raises(InputError, match="boxes stand under"):
        read("coco", write_text(tmp_path / "x.json", text.replace("%s", json.dumps(a_result()))), **GIVEN)


@pytest.mark.parametrize("more", [" xyz", "[]", "]", "{}"])
def test_text_after_the_json_is_an_error(tmp_path, more):
    """It may be boxes."""
    with pytest.raises(InputError, match="after the end of the JSON at byte"):
        read("coco", write_text(tmp_path / "x.json", json.dumps([a_result()]) + more), **GIVEN)


def test_the_place_of_a_fault_is_told(tmp_path):
    """In bytes from the beginning."""
    good = json.dumps([a_result()] * 3)
    text = good[:-1] + ", {oops}]"
    with pytest.raises(InputError, match=f"malformed JSON.* at byte {len(good) + 2}$"):
        read("coco", write_text(tmp_path / "x.json", text), **GIVEN)


HOSTILE = {
    "bad-utf8": b'[{"image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4], "file_name": "\xff.jpg"}]',
    "surrogate": b'[{"image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4], "file_name": "\\ud800.jpg"}]',
    "iscrowd-list": b'[{"image_id": 1, "category_id": 0, "bbox": [1, 2, 3, 4], "iscrowd": [1]}]',
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_odd_values_beside_a_good_box_do_no_harm(tmp_path, text):
    """The box is read."""
    rows, _ = read("coco", write_text(tmp_path / "x.json", text), **GIVEN)
    assert [r[2:6] for r in rows] == [(1.0, 2.0, 4.0, 6.0)]


def test_a_file_name_that_cannot_be_written_again_is_an_error(tmp_path):
    """Half a character."""
    text = json.dumps(a_dataset()).replace("a.jpg", "\\ud800.jpg")
    with pytest.raises(InputError, match="is not UTF-8"):
        read("coco", write_text(tmp_path / "x.json", text))


@pytest.mark.parametrize(
    "bbox", ["[NaN, 1, 2, 3]", "[1, Infinity, 2, 3]", "[1, 2, 3, 1e400]", "[1, 2, 3, %s]" % ("9" * 400)]
)
def test_c15_numbers_that_are_not_finite_are_no_box(tmp_path, bbox):
    """Skipped with their index."""
    text = json.dumps([a_result(), a_result()]).replace("[10, 20, 30, 40]", bbox, 1)
    rows, tally = read("coco", write_text(tmp_path / "x.json", text), **GIVEN)
    assert rows == [WHOLE]
    assert tally.dropped == {"bad-box": 1}


def test_deep_nesting_is_an_error_not_a_crash(tmp_path):
    """However deep."""
    with pytest.raises(InputError, match=r"x\.json"):
        read("coco", write_text(tmp_path / "x.json", "[" * 200_000), **GIVEN)

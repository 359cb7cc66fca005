"""Rows of tables into detections, a row for each image or for each box."""

import numpy as np
import pytest

from boxferry import Tally
from boxferry.errors import InputError, UsageError
from boxferry.integrations.table_rows import TableRows

CAT = {"boxes": [[1, 2, 30, 40]], "labels": ["cat"], "scores": [0.5]}


def read(rows, **options):
    """Image → its boxes as (corners, label, score), and the tally."""
    tally, found = Tally(), {}
    for chunk in TableRows(**options).detections(rows, tally):
        for image, of in chunk.each_image():
            labels = [chunk.labels[code] for code in chunk.label[of]]
            corners = map(tuple, chunk.xyxy[of].tolist())
            found[image.key] = list(zip(corners, labels, chunk.score[of].tolist(), strict=True))
    return found, tally


def test_a_row_is_an_image_where_there_is_a_column_of_boxes():
    found, tally = read([{"image": "a.png", **CAT}, {"image": "b.png", "boxes": [], "labels": [], "scores": []}])
    assert found == {"a.png": [((1, 2, 30, 40), "cat", 0.5)], "b.png": []}
    assert (tally.images, tally.read) == (2, 1)


def test_a_row_is_a_box_elsewhere_and_boxes_are_gathered_by_image():
    rows = [
        {"image": "a.png", "xmin": 1, "ymin": 2, "xmax": 30, "ymax": 40, "label": "cat", "score": 0.5},
        {"image": "b.png", "xmin": None, "ymin": None, "xmax": np.nan, "ymax": None, "label": None, "score": None},
        {"image": "a.png", "xmin": 5, "ymin": 2, "xmax": 30, "ymax": 40, "label": "dog", "score": 0.25},
    ]
    found, _ = read(rows)
    assert found == {"a.png": [((1, 2, 30, 40), "cat", 0.5), ((5, 2, 30, 40), "dog", 0.25)], "b.png": []}


def test_columns_have_other_names_and_hold_arrays_and_ids():
    rows = [{"path": "a.png", "bbox": np.array([[1.0, 2, 30, 40]]), "labels": np.array([1]), "conf": np.array([0.5])}]
    columns = {"image": "path", "boxes": "bbox", "scores": "conf"}
    found, _ = read(rows, columns=columns, names=["none", "cat"])
    assert found == {"a.png": [((1, 2, 30, 40), "cat", 0.5)]}


def test_boxes_without_scores_have_none():
    found, _ = read([{"image": "a.png", "boxes": [[1, 2, 30, 40]], "labels": ["cat"]}])
    assert np.isnan(found["a.png"][0][2])


@pytest.mark.parametrize("nothing", [None, np.nan, np.float32("nan")], ids=["None", "NaN", "float32"])
def test_an_image_whose_lists_are_missing_has_no_boxes(nothing):
    """As a table of pandas has it, where a column of lists holds NaN."""
    found, tally = read([{"image": "a.png", "boxes": nothing, "labels": nothing, "scores": nothing}])
    assert found == {"a.png": []}
    assert (tally.images, tally.read) == (1, 0)


def test_rows_may_change_their_columns():
    """As the union of two datasets does; the columns of each kind are checked."""
    box = {"xmin": 5, "ymin": 2, "xmax": 30, "ymax": 40, "label": "dog"}
    found, _ = read([{"image": "a.png", **CAT}, {"image": "b.png", **box}])
    assert {image: len(boxes) for image, boxes in found.items()} == {"a.png": 1, "b.png": 1}
    del box["label"]
    with pytest.raises(UsageError, match="no column for label=label"):
        read([{"image": "a.png", **CAT}, {"image": "b.png", **box}])


def test_sizes_are_read_where_their_columns_are_named():
    """Columns that are called so are often those of a box."""
    row = {"image": "a.png", **CAT, "width": 100, "height": 80}
    for columns, size in (({}, (0, 0)), ({"width": "width", "height": "height"}, (100, 80))):
        (chunk,) = TableRows(columns=columns).detections([row], Tally())
        assert [(image.width, image.height) for image in chunk.images] == [size]
    with pytest.raises(InputError, match=r"a\.png: width 'wide'"):
        read([row | {"width": "wide"}], columns={"width": "width", "height": "height"})


def test_a_file_of_names_is_read_once_for_all_tasks(tmp_path):
    (tmp_path / "classes.txt").write_text("none\ncat\n")
    rows = TableRows(names=str(tmp_path / "classes.txt"))
    (tmp_path / "classes.txt").unlink()
    assert rows.names == {0: "none", 1: "cat"}


def test_an_image_that_is_no_file_here_is_one_of_the_writer():
    (chunk,) = TableRows(paths=True).detections([{"image": "/there/a.png", **CAT}], Tally())
    assert [(image.key, image.media) for image in chunk.images] == [("a.png", "/there/a.png")]


def test_boxes_under_the_score_are_dropped_and_counted():
    found, tally = read([{"image": "a.png", **CAT}], min_score=0.6)
    assert found == {"a.png": []}
    assert tally.read == tally.dropped.total() == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"image": "a.png", "id": 1}, "no column for xmin=xmin, ymin=ymin, xmax=xmax, ymax=ymax, label=label"),
        ({"name": "a.png", **CAT}, "no column for image=image"),
        ({"image": None, **CAT}, "None, expected the name or path of an image"),
        ({"imge": "a.png", **CAT}, r"columns=\{'image': 'imge'\}"),
        ({"image": "a.png", "bboxes": [], "labels": []}, r"columns=\{'boxes': 'bboxes'\}"),
        ({"image": "a.png", "boxes": [], "label": []}, r"columns=\{'labels': 'label'\}"),
        ({"image": "a.png", **CAT, "labels": "cat"}, "a.png: labels: 'cat', expected a list"),
        ({"image": "a.png", **CAT, "labels": [None]}, "a.png: label None, expected a name or an id"),
        ({"image": "a.png", **CAT, "boxes": [1]}, "a.png: a box: 1, expected a list"),
        ({"image": "a.png", **CAT, "labels": []}, "a.png: 1 boxes, 0 labels, 1 scores"),
        ({"image": "a.png", **CAT, "boxes": [[1, 2, 3]]}, "a.png: a box of 3 numbers"),
        ({"image": "a.png", **CAT, "labels": [3]}, "class ids need names"),
    ],
    ids=[
        "no-boxes",
        "no-image",
        "no-name",
        "imge",
        "bboxes",
        "label",
        "text",
        "null",
        "flat",
        "unequal",
        "three",
        "ids",
    ],
)
def test_rows_that_cannot_be_used_are_one_line(row, message):
    with pytest.raises((InputError, UsageError), match=message):
        read([row])


@pytest.mark.parametrize(
    "options",
    [{"columns": {"bbox": "x"}}, {"columns": {"image": 1}}, {"rows": "row"}, {"min_score": 2.0}, {"names": 3}],
    ids=str,
)
def test_options_that_make_no_sense_are_an_error(options):
    with pytest.raises(UsageError, match=next(iter(options))):
        TableRows(**options)

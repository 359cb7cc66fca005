"""The format `ndjson`: Ultralytics' lines of JSON, whose rows are those of its label files."""

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, UnknownLabel
from formats.reading import read, write_text
from formats.samples import NDJSON, as_json

HEADER, IMAGE = NDJSON


def a_file(folder, *lines):
    return write_text(folder / "x.ndjson", b"\n".join(map(as_json, lines)))


def an_image(name="a.jpg", **annotations):
    return {**IMAGE, "file": name, "annotations": annotations}


@pytest.mark.parametrize(
    ("annotations", "corners"),
    [
        ({"boxes": [[1, 0.5, 0.5, 0.2, 0.5]]}, (40, 20, 60, 60)),
        ({"pose": [[1, 0.5, 0.5, 0.2, 0.5, 0.1, 0.1, 2, 0.2, 0.2, 0]]}, (40, 20, 60, 60)),
        ({"segments": [[1, 0.4, 0.25, 0.6, 0.25, 0.5, 0.75]]}, (40, 20, 60, 60)),
        ({"obb": [[1, 0.4, 0.5, 0.5, 0.25, 0.6, 0.5, 0.5, 0.75]]}, (40, 20, 60, 60)),
        ({"boxes": [], "segments": [[1, 0.4, 0.25, 0.6, 0.25, 0.5, 0.75]]}, (40, 20, 60, 60)),
    ],
)
def test_each_kind_of_row_is_a_box(tmp_path, annotations, corners):
    """The first key that has rows counts, as for Ultralytics."""
    rows, _ = read("ndjson", a_file(tmp_path, HEADER, an_image(**annotations)))
    assert [row[:2] for row in rows] == [("a.jpg", "dog")]
    assert rows[0][2:6] == pytest.approx(corners)


def test_outlines_are_kept_where_they_are_asked_for(tmp_path):
    """In pixels."""
    path = a_file(tmp_path, HEADER, an_image(segments=[[0, 0, 0, 1, 0, 0.5, 0.5]]), an_image("b.jpg", boxes=[]))
    (chunk,) = read_source(path, polygons=True).chunks(Tally())
    assert chunk.polygons[0][0].tolist() == [[0, 0], [100, 0], [50, 40]]
    assert [image.key for image in chunk.images] == ["a.jpg", "b.jpg"]


@pytest.mark.parametrize(
    "row", [[0, 0.5, 0.5, 0.2], [0, 0.5, 0.5, 0.2, 0.2, 0.9], [0.5, 0.5, 0.5, 0.2, 0.2], [0, "x", 0, 0, 0], 7, []]
)
def test_a_row_that_is_no_box_costs_itself_alone(tmp_path, row):
    """Six numbers are none: the format has no score."""
    rows, tally = read("ndjson", a_file(tmp_path, HEADER, an_image(boxes=[row, [0, 0.5, 0.5, 0.2, 0.2]])))
    assert len(rows) == 1
    assert tally.dropped == {"bad-box": 1}
    assert tally.examples["bad-box"][0].line == 2


def test_a_line_that_cannot_be_used_fails_with_its_number(tmp_path):
    """The others go on; a class without a name is counted."""
    lines = [as_json(HEADER), b'{"type": "image"', as_json([1]), as_json(an_image(boxes=[[7, 0.5, 0.5, 0.2, 0.2]]))]
    lines += [as_json(an_image("a.jpg", boxes=[])), as_json(an_image("c.jpg", classification=[0])), as_json(HEADER)]
    path = write_text(tmp_path / "x.ndjson", b"\n".join(lines))
    rows, tally = read("ndjson", path)
    assert rows == []
    assert tally.failed == {"bad-line": 3, "duplicate-image": 1, "no-boxes": 1}
    assert tally.dropped == {"unknown-label": 1}
    with pytest.raises(UnknownLabel, match="class 7 has no name"):
        list(read_source(path).chunks(Tally()))


def test_classes_need_names_and_only_one(tmp_path):
    """Those of the file, or those given where it has none."""
    path = a_file(tmp_path, {**HEADER, "class_names": {}}, an_image(boxes=[[1, 0.5, 0.5, 0.2, 0.5]]))
    with pytest.raises(InputError, match="give --names"):
        read("ndjson", path)
    assert read("ndjson", path, names={1: "wolf"})[0][0][1] == "wolf"
    with pytest.raises(InputError, match="class 1 is 'dog', but 'wolf'"):
        read("ndjson", a_file(tmp_path, *NDJSON), names={1: "wolf"})


def test_an_image_without_a_size_fails_unless_something_knows_it(tmp_path):
    """Its rows are shares of it."""
    image = {"type": "image", "file": "a.jpg", "annotations": {"boxes": [[0, 0.5, 0.5, 0.2, 0.5]]}}
    rows, tally = read("ndjson", a_file(tmp_path, HEADER, image))
    assert (rows, tally.failed, tally.dropped) == ([], {"no-size": 1}, {"no-size": 1})
    assert read("ndjson", a_file(tmp_path, HEADER, image), size=(100, 80))[0][0][2:6] == pytest.approx((40, 20, 60, 60))

"""What the Pascal VOC adapter takes of an object besides its box: fields, parts and outlines."""

import math

import numpy as np
import pytest

from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import write_text
from formats.voc_files import BOX, a_chunk, an_annotation, an_object, corners, one

FIELDS = ("difficult", "truncated", "occluded", "pose")
ALL_FIELDS = "<pose>Left</pose><truncated>1</truncated><occluded> 0 </occluded><difficult>1</difficult>"


# V7: difficult, truncated, occluded, pose


def test_v7_the_fields_that_are_asked_for_are_read(tmp_path):
    """Flags as true or false, the pose as its text; a box without any of them has none."""
    text = an_annotation(an_object(more=ALL_FIELDS), an_object(more="<truncated>0</truncated>"), an_object())
    chunk, tally = a_chunk(tmp_path, text, attributes=FIELDS)
    assert chunk.attributes.tolist() == [
        {"difficult": True, "truncated": True, "occluded": False, "pose": "Left"},
        {"truncated": False},
        None,
    ]
    assert not tally.noted


def test_v7_fields_that_are_not_asked_for_are_not_read(tmp_path):
    """One field named gives that one, also beside the option that looks at another; none named gives no column."""
    text = an_annotation(an_object(more=ALL_FIELDS.replace("<difficult>1", "<difficult>0")))
    chunk, _ = a_chunk(tmp_path, text, attributes=("pose",), skip_difficult="yes")
    assert chunk.attributes.tolist() == [{"pose": "Left"}]
    chunk, _ = a_chunk(tmp_path, text)
    assert chunk.attributes is None


def test_v7_a_flag_that_is_none_is_left_out_and_noted(tmp_path):
    """With its place and what was found; the box stays."""
    text = an_annotation(an_object(), an_object(more="<truncated>0.3</truncated><pose>Rear</pose>"))
    chunk, tally = a_chunk(tmp_path, text, attributes=FIELDS)
    assert chunk.attributes.tolist() == [None, {"pose": "Rear"}]
    (issue,) = tally.examples["bad-field"]
    assert str(issue) == f"{tmp_path / 'a.xml'}[1]: truncated: expected 0 or 1, found '0.3'; left out"


def test_v7_a_field_that_the_format_does_not_have_is_noted_once(tmp_path):
    """A typo in the name is not passed over."""
    chunk, tally = a_chunk(tmp_path, an_annotation(an_object(more=ALL_FIELDS)), attributes=("dificult", "pose"))
    assert chunk.attributes.tolist() == [{"pose": "Left"}]
    (issue,) = tally.examples["no-such-field"]
    assert "'dificult'" in issue.message
    assert "difficult, truncated, occluded, pose" in issue.message


def test_v7_difficult_boxes_are_dropped_with_the_reason_where_that_is_asked_for(tmp_path):
    """Read = kept + dropped, with their index; they are kept otherwise. A run that is strict may ask for it too."""
    hard, easy = (an_object(more=f"<difficult>{flag}</difficult>") for flag in "10")
    text = an_annotation(easy, hard, an_object(), hard)
    rows, _ = one(tmp_path, text)
    assert len(rows) == 4
    rows, tally = one(tmp_path, text, skip_difficult="yes", tally=Tally(strict=True))
    assert (len(rows), tally.read, tally.dropped) == (2, 4, {"difficult": 2})
    assert [issue.item for issue in tally.examples["difficult"]] == [1, 3]


# V8: parts, layout, actions


PART = f"<part><name>head</name>{corners(12, 22, 15, 25)}</part>"
PERSON = an_object(name="person", more=PART + PART.replace("head", "hand"))


def test_v8_parts_are_passed_over_and_the_run_says_so_once(tmp_path):
    """With their number, and the option that reads them."""
    write_text(tmp_path / "b.xml", an_annotation(PERSON, filename="b.jpg"))
    rows, tally = one(tmp_path, an_annotation(PERSON, an_object()))
    assert [r[1] for r in rows] == ["person", "cat", "person"]
    (issue,) = tally.examples["parts"]
    assert issue.message.startswith("4 parts")
    assert "--parts yes" in issue.message


def test_v8_parts_are_boxes_of_their_own_label_where_that_is_asked_for(tmp_path):
    """After their object, counted as boxes; nothing is left to note."""
    rows, tally = one(tmp_path, an_annotation(PERSON, an_object()), parts="yes")
    assert [r[1:6] for r in rows] == [
        ("person", 10.0, 20.0, 30.0, 40.0),
        ("head", 11.0, 21.0, 15.0, 25.0),
        ("hand", 11.0, 21.0, 15.0, 25.0),
        ("cat", 10.0, 20.0, 30.0, 40.0),
    ]
    assert not tally.noted


def test_v8_a_part_that_is_no_box_costs_only_itself(tmp_path):
    """It is told from its object, whose index it is listed with."""
    rows, tally = one(tmp_path, an_annotation(an_object(), an_object(more="<part><name>x</name></part>")), parts="yes")
    assert len(rows) == 2
    assert str(tally.examples["bad-box"][0]).startswith(f"{tmp_path / 'a.xml'}[1]: part: ")


def test_v8_v7_parts_of_a_difficult_object_go_with_it(tmp_path):
    """A head is no easier to see than its person."""
    text = an_annotation(PERSON.replace("<part>", "<difficult>1</difficult><part>", 1))
    rows, tally = one(tmp_path, text, parts="yes", skip_difficult="yes")
    assert (rows, tally.dropped) == ([], {"difficult": 3})


def test_v8_actions_and_points_change_nothing(tmp_path):
    """As the action and layout files of the devkit have them: only the object's own box counts."""
    more = "<actions><jumping>1</jumping></actions><point><x>20</x><y>30</y></point>"
    rows, _ = one(tmp_path, an_annotation(an_object(more=more)))
    assert [r[2:6] for r in rows] == [(10.0, 20.0, 30.0, 40.0)]


# V10: one pixel, reversed


def test_v10_a_reversed_box_is_put_in_order_and_listed(tmp_path):
    """Never silently."""
    rows, tally = one(tmp_path, an_annotation(an_object(), an_object(corners(30, 40, 11, 21))))
    assert [r[2:6] for r in rows] == [(10.0, 20.0, 30.0, 40.0)] * 2
    assert tally.noted == {"reordered": 1}
    assert str(tally.examples["reordered"][0]).startswith(f"{tmp_path / 'a.xml'}[1]: ")


def test_v10_one_pixel_is_a_box_from_1_and_has_no_width_from_0(tmp_path):
    """The maxima are inclusive only where the format's own definition holds."""
    rows, tally = one(tmp_path, an_annotation(an_object(corners(7, 9, 7, 9))))
    assert [r[2:6] for r in rows] == [(6.0, 8.0, 7.0, 9.0)]
    rows, _ = one(tmp_path, an_annotation(an_object(corners(7, 9, 7, 9))), voc_origin="0")
    assert [r[2:6] for r in rows] == [(7.0, 9.0, 7.0, 9.0)]
    assert not tally.noted


# V11: polygons and rotated boxes in place of a box


def a_polygon(*points):
    numbered = enumerate(points, start=1)
    return "<polygon>" + "".join(f"<x{n}>{x}</x{n}><y{n}>{y}</y{n}>" for n, (x, y) in numbered) + "</polygon>"


def a_rotated(cx, cy, w, h, angle):
    return f"<robndbox><cx>{cx}</cx><cy>{cy}</cy><w>{w}</w><h>{h}</h><angle>{angle}</angle></robndbox>"


POINTS = [(11, 40), (30, 33.5), (20, 21)]
POLYGON = a_polygon(*POINTS)
LABELME = "<polygon>" + "".join(f"<pt><x>{x}</x><y>{y}</y></pt>" for x, y in POINTS) + "</polygon>"
MANY = a_polygon(*[(11 + n, 21 + n) for n in range(12)], (30, 40))  # x10 comes after x9
BOUNDS = {
    "polygon": (POLYGON, (10, 20, 30, 40)),
    "labelme": (LABELME, (10, 20, 30, 40)),
    "two-rings": (a_polygon((11, 21), (12, 21), (12, 22)) + a_polygon((29, 39), (30, 39), (30, 40)), None),
    "upright": (a_rotated(20, 30, 20, 10, 0), (10, 25, 30, 35)),
    "quarter": (a_rotated(20, 30, 20, 10, math.pi / 2), (15, 20, 25, 40)),
    "turned": (a_rotated(50, 40, 20, 20, math.pi / 4), (50 - 200**0.5, 40 - 200**0.5, 50 + 200**0.5, None)),
}


@pytest.mark.parametrize(("outline", "expected"), BOUNDS.values(), ids=BOUNDS)
def test_v11_an_object_with_an_outline_alone_is_its_bounds_and_is_counted(tmp_path, outline, expected):
    """A polygon's points count as a box's corners do; roLabelImg's centre and sides are of the plane, from 0."""
    rows, tally = one(tmp_path, an_annotation(an_object(), an_object(outline)))
    wanted = [side if side is not None else 40 + 200**0.5 for side in expected or (10, 20, 30, 40)]
    assert rows[1][2:6] == pytest.approx(wanted)
    assert tally.noted == {"derived": 1}
    assert tally.examples["derived"][0].message.startswith("1 boxes are the bounds")


def test_v11_bounds_are_counted_over_all_files_in_one_note(tmp_path):
    """Boxes alone: what has a box, or is none, is not among them."""
    write_text(tmp_path / "b.xml", an_annotation(an_object(POLYGON), an_object(POLYGON + BOX), filename="b.jpg"))
    _, tally = one(tmp_path, an_annotation(an_object(LABELME), an_object(POLYGON, name="")))
    assert tally.noted == {"derived": 1}
    assert tally.examples["derived"][0].message.startswith("2 boxes are the bounds")


def test_v11_a_rotated_box_is_the_same_wherever_the_file_counts_from(tmp_path):
    """It may reach out of its image, which says nothing of the origin."""
    for origin in ("", "0", "1"):
        rows, _ = one(tmp_path, an_annotation(an_object(a_rotated(4, 5, 10, 10, 0))), voc_origin=origin)
        assert [r[2:6] for r in rows] == [(-1.0, 0.0, 9.0, 10.0)]


def test_v11_v1_a_polygon_that_counts_from_0_contradicts_the_format_too(tmp_path):
    """The same rule as for a box."""
    text = an_annotation(an_object(a_polygon((0, 5), (10, 5), (10, 9))))
    with pytest.raises(InputError, match=r"a\.xml\[0\]: a minimum of 0, .*--voc-origin 0"):
        one(tmp_path, text)
    rows, _ = one(tmp_path, text, voc_origin="0")
    assert [r[2:6] for r in rows] == [(0.0, 5.0, 10.0, 9.0)]


@pytest.mark.parametrize("outline", [POLYGON, LABELME], ids=["numbered", "labelme"])
@pytest.mark.parametrize("box", ["", BOX], ids=["alone", "with-a-box"])
def test_v11_outlines_are_read_where_they_are_asked_for(tmp_path, outline, box):
    """0-based, beside the box and in its place; an object without one has none."""
    chunk, _ = a_chunk(tmp_path, an_annotation(an_object(), an_object(outline + box)), polygons=True)
    bare, (ring,) = chunk.polygons
    assert bare is None
    assert ring.dtype == np.float64
    assert ring.tolist() == [[10.0, 39.0], [29.0, 32.5], [19.0, 20.0]]
    assert chunk.xyxy[1].tolist() == [10.0, 20.0, 30.0, 40.0]


def test_v11_points_come_in_the_order_of_their_numbers(tmp_path):
    """x10 after x9, and all rings."""
    chunk, _ = a_chunk(tmp_path, an_annotation(an_object(MANY + POLYGON)), polygons=True, voc_origin="0")
    many, few = chunk.polygons[0]
    assert many[:, 0].tolist() == [*range(11, 23), 30]
    assert few.shape == (3, 2)


def test_v11_the_outline_of_a_rotated_box_turns_clockwise(tmp_path):
    """As roLabelImg draws it: its long side, flat at first, leads down to the right."""
    chunk, _ = a_chunk(tmp_path, an_annotation(an_object(a_rotated(50, 40, 40, 2, 0.5))), polygons=True)
    (ring,) = chunk.polygons[0]
    along = (ring[1] + ring[2] - ring[0] - ring[3]) / 2
    assert along == pytest.approx([40 * math.cos(0.5), 40 * math.sin(0.5)])
    assert ring.mean(axis=0) == pytest.approx([50, 40])
    assert (ring[1] - ring[0]) @ (ring[3] - ring[0]) == pytest.approx(0)


def test_v11_no_outlines_are_read_unasked(tmp_path):
    """The column is not there."""
    chunk, _ = a_chunk(tmp_path, an_annotation(an_object(POLYGON)))
    assert chunk.polygons is None


BAD = {
    "two-points": (a_polygon((1, 2), (3, 4)), "three points or more"),
    "no-points": ("<polygon/>", "three points or more"),
    "a-y-missing": (POLYGON.replace("<y2>33.5</y2>", ""), "polygon/y: expected a number, found ''"),
    "a-word": (POLYGON.replace("33.5", "low"), "polygon/y: expected a number, found 'low'"),
    "no-angle": (a_rotated(20, 30, 20, 10, ""), "robndbox/angle: expected a number"),
    "nan": (a_rotated(20, 30, 20, 10, "nan"), "robndbox/angle: expected a number"),
    "negative": (a_rotated(20, 30, -20, 10, 0), "cannot be negative"),
    "none": ("", "no bndbox"),
}


@pytest.mark.parametrize(("outline", "message"), BAD.values(), ids=BAD)
def test_v11_an_outline_that_is_none_costs_only_its_object(tmp_path, outline, message):
    """It is skipped with its index and what is wrong."""
    rows, tally = one(tmp_path, an_annotation(an_object(outline), an_object()))
    assert (len(rows), tally.dropped) == (1, {"bad-box": 1})
    assert message in tally.examples["bad-box"][0].message


def test_v11_a_box_stays_where_only_its_outline_is_bad(tmp_path):
    """It is noted; without outlines asked for, nobody looks at it."""
    text = an_annotation(an_object(a_polygon((1, 2)) + BOX))
    chunk, tally = a_chunk(tmp_path, text, polygons=True)
    assert (len(chunk), chunk.polygons.tolist(), tally.noted) == (1, [None], {"bad-field": 1})
    _, tally = one(tmp_path, text)
    assert not tally.noted


def test_v11_what_labelme_has_deleted_is_dropped_with_the_reason(tmp_path):
    """Its files keep such objects."""
    rows, tally = one(tmp_path, an_annotation(an_object(LABELME, more="<deleted>1</deleted>")))
    assert (rows, tally.dropped) == ([], {"deleted": 1})

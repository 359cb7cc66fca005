"""The tally adds up, says where things stand, and keeps a few examples of each kind."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxes.chunks import a_chunk, counted
from boxferry.boxes.tally import Issue, Place, Tally
from boxferry.errors import InputError

BOX = [0, 0, 9, 9]


def rows(*flags):
    return np.array(flags, np.bool_)


@given(st.lists(st.sampled_from(["skip", "drop", "discard", "fail", "change", "note"]), max_size=20))
def test_read_is_kept_and_dropped_whatever_happens(happenings):
    chunk = a_chunk(*[BOX] * 50)
    tally, kept = counted(chunk), 50
    for happening in happenings:
        if happening in ("drop", "change"):
            getattr(tally, happening)("code", "why", chunk, rows(*[True] * 2, *[False] * 48))
        else:
            getattr(tally, happening)("code", "why", boxes=2)
        kept -= 2 if happening in ("drop", "discard", "fail") else 0
    assert tally.kept == kept
    assert tally.read == tally.kept + tally.dropped.total() == 50 + 2 * happenings.count("skip")


def test_chunks_and_their_images_are_counted():
    tally = counted(a_chunk(BOX, BOX, BOX, counts=[1, 0, 2]))
    tally.count(a_chunk(BOX))
    assert (tally.images, tally.read, tally.kept) == (4, 4, 4)


@pytest.mark.parametrize(
    ("place", "text"),
    [
        pytest.param(Place("a.txt", line=3), "a.txt:3", id="a line"),
        pytest.param(Place("a.json", item=0), "a.json[0]", id="an item"),
        pytest.param(Place("a.json"), "a.json", id="a file"),
        pytest.param(Place(), "", id="nowhere"),
    ],
)
def test_a_place_is_written_as_editors_read_it(place, text):
    assert str(place) == text


def test_an_issue_is_written_after_its_place_if_it_has_one():
    assert str(Issue(kind="note", code="c", message="what", source="a.txt", line=3)) == "a.txt:3: what"
    assert str(Issue(kind="note", code="c", message="what")) == "what"


@pytest.mark.parametrize(
    ("unit", "row", "text"),
    [
        pytest.param("line", [4, 7], "0.txt:7: why", id="a line"),
        pytest.param("item", [0, 1], "0.txt[1]: why", id="an item"),
        pytest.param("line", None, "0.txt: why", id="a file"),
    ],
)
def test_a_box_dropped_by_a_rule_is_placed_where_it_was_read(unit, row, text):
    chunk = a_chunk(BOX, BOX, row=row, row_unit=unit)
    tally = counted(chunk)
    tally.drop("code", "why", chunk, rows(False, True))
    assert [str(issue) for issue in tally.examples["code"]] == [text]


def test_examples_are_of_the_right_boxes_images():
    chunk = a_chunk(BOX, BOX, BOX, counts=[1, 0, 2], row=[1, 1, 2])
    tally = counted(chunk)
    tally.change("code", "why", chunk, rows(True, False, True))
    assert [(issue.source, issue.line) for issue in tally.examples["code"]] == [("0.txt", 1), ("2.txt", 2)]
    assert (tally.changed, tally.kept) == ({"code": 2}, 3)


def test_a_few_examples_of_each_code_are_kept_and_all_are_counted():
    chunk = a_chunk(*[BOX] * 5)
    tally = counted(chunk, keep=2)
    for _ in range(2):
        tally.change("code", "why", chunk, rows(*[True] * 5))
    tally.note("other", "that")
    assert (len(tally.examples["code"]), tally.changed["code"], len(tally.examples["other"])) == (2, 10, 1)


def test_a_listener_hears_of_each_issue_beyond_the_examples_too():
    heard = []
    chunk = a_chunk(*[BOX] * 5)
    tally = counted(chunk, keep=2, listener=heard.append)
    tally.drop("code", "why", chunk, rows(*[True] * 5))
    tally.fail("broken", "that", Place("a.xml"))
    assert [issue.code for issue in heard] == ["code"] * 5 + ["broken"]
    assert [issue.kind for issue in heard] == ["drop"] * 5 + ["error"]


@pytest.mark.parametrize("happening", ["skip", "fail"])
def test_a_strict_tally_ends_the_reading_at_what_a_reader_cannot_use(happening):
    with pytest.raises(InputError, match=r"^a\.txt:3: why$"):
        getattr(Tally(strict=True), happening)("code", "why", Place("a.txt", line=3))


@pytest.mark.parametrize("happening", ["note", "discard"])
def test_a_strict_tally_lets_other_things_pass(happening):
    getattr(Tally(strict=True), happening)("code", "why", boxes=1)


def test_failures_and_notes_are_counted_by_code():
    tally = Tally()
    tally.fail("broken", "that", Place("a.xml"))
    tally.fail("broken", "that", Place("b.xml"))
    tally.note("odd", "this")
    assert (tally.failed, tally.noted, tally.read, tally.kept) == ({"broken": 2}, {"odd": 1}, 0, 0)


def test_what_drops_nothing_is_not_counted():
    """No reason with a count of 0."""
    tally = Tally()
    chunk = a_chunk()
    tally.drop("too-small", "it is", chunk, np.zeros(len(chunk), bool))
    assert tally.dropped == {}
    assert list(tally.dropped) == []

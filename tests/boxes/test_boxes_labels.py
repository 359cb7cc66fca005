"""Ids are compared by their value, classes with one name are one label, and nameless classes are told once each."""

from math import inf

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxferry.boxes.labels import Vocabulary, id_key
from boxferry.boxes.tally import Place, Tally


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param(7, 7, id="int"),
        pytest.param(0, 0, id="zero"),
        pytest.param(-1, -1, id="negative int"),
        pytest.param(7.0, 7, id="integral float"),
        pytest.param("7", 7, id="digits"),
        pytest.param("0", 0, id="the digit zero"),
        pytest.param(np.int64(7), 7, id="numpy int"),
        pytest.param(np.float64(7), 7, id="numpy float"),
        pytest.param(np.float32(7), 7, id="numpy float of 32 bits"),
        pytest.param("000123", "000123", id="leading zeros"),
        pytest.param("7.5", "7.5", id="text"),
        pytest.param(7.5, "7.5", id="broken float"),
        pytest.param("", "", id="no text"),
        pytest.param("٣", "٣", id="digits beyond ASCII"),
        pytest.param("9" * 5000, "9" * 5000, id="more digits than an int holds"),
        pytest.param(inf, "inf", id="infinite"),
    ],
)
def test_an_id_is_an_int_where_it_is_one(value, expected):
    key = id_key(value)
    assert key == expected
    assert type(key) is type(expected)


@given(st.integers(0, 2**128 - 1))
def test_a_number_and_its_digits_are_the_same_id(number):
    assert id_key(str(number)) == id_key(number) == number


def in_a_file(row):
    """Row n stands on line n + 1."""
    return Place("a.txt", line=row + 1)


def test_codes_count_up_in_the_order_of_the_names():
    vocabulary = Vocabulary({1: "cat", 0: "dog"})
    assert vocabulary.labels == ("cat", "dog")
    assert (vocabulary.code(0), vocabulary.code(1)) == (1, 0)


def test_classes_with_one_name_are_one_label():
    vocabulary = Vocabulary({0: "cat", 1: "dog", 2: "cat"})
    assert vocabulary.codes(np.array([2, 1, 0, 2]), in_a_file).tolist() == [0, 1, 0, 0]
    assert vocabulary.labels == ("cat", "dog")


def test_a_name_can_be_added_and_is_added_once():
    vocabulary = Vocabulary({0: "cat"})
    assert (vocabulary.add("dog"), vocabulary.add("dog"), vocabulary.add("cat")) == (1, 1, 0)
    assert vocabulary.labels == ("cat", "dog")


def test_no_classes_have_no_codes():
    codes = Vocabulary({0: "cat"}).codes(np.array([], np.int64), in_a_file)
    assert (codes.shape, codes.dtype) == ((0,), np.int32)


def test_classes_without_a_name_are_reported_one_by_one_with_their_boxes():
    vocabulary, tally = Vocabulary({0: "cat"}), Tally()
    assert vocabulary.codes(np.array([0, 7, 7, 9]), in_a_file).tolist() == [0, -1, -1, -1]
    assert vocabulary.code(7, Place("b.txt", line=5)) == -1
    vocabulary.report(tally)
    assert (tally.read, tally.dropped) == (4, {"unknown-label": 4})
    assert [str(issue) for issue in tally.examples["unknown-label"]] == [
        "a.txt:2: class 7 has no name (3 boxes); the names given are for: 0",
        "a.txt:4: class 9 has no name (1 box); the names given are for: 0",
    ]


def test_what_was_reported_is_not_reported_again():
    vocabulary, tally = Vocabulary({}), Tally()
    vocabulary.code(7)
    vocabulary.report(tally)
    vocabulary.report(tally)
    assert tally.dropped == {"unknown-label": 1}
    assert tally.examples["unknown-label"][0].message == "class 7 has no name (1 box); the names given are for: none"


def test_asking_for_the_code_of_no_boxes_is_no_offence():
    vocabulary, tally = Vocabulary({}), Tally()
    assert vocabulary.code(7, boxes=0) == -1
    vocabulary.report(tally)
    assert not tally.dropped

"""When two observations are alike, and that the replay notices a sandbox that answers otherwise."""

import pytest

from boxferry.sandbox import access
from contract.recorded.likeness import comparable, differences, unlike, without_ids
from contract.recorded.test_recorded import found_unlike

DIFFERENT = {
    "value": ({"a": 1}, {"a": 2}, [".a: 2, recorded 1"]),
    "type": ({"a": 1}, {"a": "1"}, [".a: '1', recorded 1"]),
    "true is no number": ([1], [True], ["[]: True, recorded 1"]),
    "null": ({"a": None}, {"a": []}, [".a: [], recorded None"]),
    "missing": ({"a": {"b": 1}}, {"a": {}}, [".a.b is missing"]),
    "new": ({}, {"a": 1}, [".a is new"]),
    "length": ({"a": [1, 2]}, {"a": [1]}, [".a has 1 items, recorded 2"]),
    "order": ([1, 2], [2, 1], ["[]: 2, recorded 1", "[]: 1, recorded 2"]),
}


@pytest.mark.parametrize(("recorded", "found", "places"), DIFFERENT.values(), ids=DIFFERENT)
def test_each_difference_has_its_place(recorded, found, places):
    """Values, kinds, keys, lengths and order count."""
    assert list(differences(recorded, found)) == places
    assert list(differences(recorded, recorded)) == []


def test_numbers_are_equal_as_numbers():
    """100 and 100.0."""
    assert list(differences({"a": 100.0}, {"a": 100})) == []


def test_what_each_server_has_its_own_is_taken_out():
    """Ids, times, addresses, names of the project, and the way of a traceback."""
    found = {
        "id": 7,
        "file_id": 8,
        "created_time": "2026-11-26T17:00:00",
        "url_signed": "http://127.0.0.1:1/x",
        "text": "Existing ID is:33 in sandbox, at http://127.0.0.1:1/y",
        "trace": "Error: Traceback (most recent call last):\n  File x\nKeyError: 'type'\n",
        "width": 12,
    }
    words = {"host": "http://127.0.0.1:1", "project": "sandbox"}
    assert without_ids(found, words) == {
        "id": "<id>",
        "file_id": "<id>",
        "created_time": "<time>",
        "url_signed": "<url>",
        "text": "Existing ID is:<n> in <project>, at <host>/y",
        "trace": "Error: Traceback … KeyError: 'type'",
        "width": 12,
    }


def test_boxes_are_numbered_by_their_first_place():
    """So that an earlier difference does not show again; who a box comes from does."""
    one = comparable([{"row": "box#7", "root": "box#3", "previous": "box#3"}, {"row": "box#3", "root": None}])
    other = comparable([{"row": "box#70", "root": "box#30", "previous": "box#30"}, {"row": "box#30", "root": "box#30"}])
    assert one == other
    assert one != comparable([{"row": "box#7", "root": "box#7", "previous": "box#3"}, {"row": "box#3", "root": None}])


def test_only_the_keys_that_are_named_may_be_missing():
    """By the key and the one above it."""
    recorded, found = {"rows": [{"a": 1, "b": 2}]}, {"rows": [{"b": 2}]}
    assert unlike(recorded, found, ["rows.a"]) == []
    assert unlike(recorded, found, ["other.a"]) == [".rows[].a is missing"]


def test_a_sandbox_that_answers_otherwise_is_noticed(tmp_path, monkeypatch):
    """A role more, and a viewer's calls differ."""
    monkeypatch.setitem(access.ROLES, "/model-runs/list", access.VIEWERS)
    assert "access viewer /model-runs/list" in found_unlike("access", tmp_path)

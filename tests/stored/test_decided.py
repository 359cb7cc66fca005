"""What people decided, out of the boxes of a file: odd ones, and such as can be taken for each other."""

import math

import msgspec
import pytest

from boxferry.diffgram.inputs import InputRecord
from boxferry.packets.rows import Row
from boxferry.stored.decided import HAVE, REJECTED, Decided, Names, Spot, approved_until, decided, verdicts
from boxferry.stored.deleted import deleted
from boxferry.stored.removals import CHANGED, TAKES_AWAY

NAMES = Names({1: "cat", 2: "dog"})
REFERENCE = "boxferry:0123456789abcdef:0,0,10,10:cat"


def a_row(**changes):
    """An untouched prediction 'cat' at 0, 0, 10, 10."""
    corners = {"x_min": 0, "y_min": 0, "x_max": 10, "y_max": 10}
    plain = {"id": 1, "type": "box", "label_file_id": 1, "machine_made": True, "creation_ref_id": REFERENCE}
    return Row(plain | corners | changes)


ODD = [None, "x", 1.5, [], {}, [1, None], True, math.inf, -1]


@pytest.mark.parametrize("key", sorted(a_row(points=1, created_time=1, version=1, frame_number=1, previous_id=1)))
def test_odd_rows_spoil_nothing(key):
    """A row with something else in the place of a value is some row; the others count as they are."""
    for odd in ODD:
        rows = [a_row(**{key: odd}), a_row(label_file_id=2, machine_made=False)]
        found = decided(rows, NAMES, video=True, until=approved_until(rows, [9.0]))
        assert Spot("dog", None, (0, 0, 10, 10)) in found.have


@pytest.mark.parametrize(
    ("completed", "rows", "until"),
    [
        ([], [10.0], -math.inf),
        ([100.0], [10.0], 100.0),
        ([11.9], [10.0], -math.inf),
        ([100.0, 200.0], [10.0, 201.0], 100.0),
        ([200.0], [10.0, 201.0], -math.inf),
    ],
    ids=["not completed", "completed later", "just when it came", "before a packet", "only known after a packet"],
)
def test_what_counts_as_the_moment_of_a_completion(completed, rows, until):
    """A change of a completed file that no packet explains."""
    listed = [a_row(created_time=f"1970-01-01T00:{at // 60:02.0f}:{at % 60:06.3f}") for at in rows]
    assert approved_until(listed, completed) == until


CASES = {
    "covered": (Decided(have=[Spot("cat", None, (0, 0, 10, 10))]), [], {0: HAVE}, set()),
    "another label": (Decided(have=[Spot("dog", None, (0, 0, 10, 10))]), [], {}, {0}),
    "another frame": (Decided(have=[Spot("cat", 3, (0, 0, 10, 10))]), [], {}, {0}),
    "just the bound": (Decided(have=[Spot("cat", None, (0, 0, 10, 7))]), [], {0: HAVE}, set()),
    "under it": (Decided(have=[Spot("cat", None, (0, 0, 10, 6.99))]), [], {}, {0}),
    "turned down": (Decided(turned_down=[Spot("cat", None, (0, 0, 10, 9))]), [], {0: REJECTED}, set()),
    "deleted": (Decided(), [Spot("cat", None, (0, 0, 10, 9))], {0: REJECTED}, set()),
    "open": (Decided(open=[Spot("cat", None, (0, 0, 10, 9))]), [Spot("cat", None, (0, 0, 10, 10))], {}, set()),
    "open, and people have one as near": (
        Decided(have=[Spot("cat", None, (0, 0, 10, 9))], open=[Spot("cat", None, (0, 0, 9, 10))]),
        [],
        {0: HAVE},
        set(),
    ),
    "both": (
        Decided(have=[Spot("cat", None, (0, 0, 10, 8))], turned_down=[Spot("cat", None, (0, 0, 10, 10))]),
        [],
        {0: HAVE},
        set(),
    ),
}


@pytest.mark.parametrize(("there", "gone", "codes", "unknown"), CASES.values(), ids=CASES)
def test_what_is_said_of_a_prediction(there, gone, codes, unknown):
    """A cat at 0, 0, 10, 10."""
    assert verdicts({0: Spot("cat", None, (0, 0, 10, 10))}, there, gone, iou=0.7) == (codes, unknown)


def test_an_open_box_stands_for_one_prediction():
    """The one that fits it best; the other may be one that people deleted."""
    predicted = {"best": Spot("cat", None, (0, 0, 10, 10)), "other": Spot("cat", None, (0, 0, 10, 9))}
    there = Decided(open=[Spot("cat", None, (0, 0, 10, 10))])
    assert verdicts(predicted, there, (), iou=0.7) == ({}, {"other"})
    assert verdicts(predicted, there, [Spot("cat", None, (0, 0, 10, 9))], iou=0.7)[0] == {"other": REJECTED}


def an_input(number, boxes, **changes):
    """A packet that was applied."""
    facts = {"id": number, "status": "success", "update_log": {"error": {}}, "instance_list": {"list": boxes}} | changes
    return msgspec.json.decode(msgspec.json.encode(facts), type=InputRecord)


def sent(label="cat", *, run="0", **changes):
    """A box as it was sent."""
    number = {"cat": 1, "dog": 2}[label]
    return {
        "type": "box",
        "label_file_id": number,
        "creation_ref_id": f"boxferry:{run * 16}:0,0,10,10:{label}",
    } | changes


REPLACES = {"mode": "update_with_existing"}
AT = {"created_time": "2027-01-15T07:58:59", "time_updated": "2027-01-15T07:59:59"}  # in the second up to 1,800,000,000
TOLD = {TAKES_AWAY: ["boxferry:0000000000000000:0,0,10,10:cat"]}
INPUTS = {
    "sent and gone": ([an_input(1, [sent()])], ["cat"]),
    "refused": ([an_input(1, [sent()], status="failed")], []),
    "not ended": ([an_input(1, [sent()], status="processing")], []),
    "of another program": ([an_input(1, [sent(creation_ref_id="x"), {"creation_ref_id": []}, 5, None])], []),
    "replaced by a packet that says so": (
        [an_input(1, [sent()]), an_input(2, [sent("dog") | TOLD], **REPLACES)],
        ["dog"],
    ),
    "gone before such a packet": ([an_input(1, [sent()]), an_input(2, [{TAKES_AWAY: []}], **REPLACES)], ["cat"]),
    "gone before its file was read for it": (
        [an_input(1, [sent()], **AT), an_input(2, [{TAKES_AWAY: [], CHANGED: 1_800_000_000.0}], **REPLACES)],
        ["cat"],
    ),
    "came after its file was read for it": (
        [an_input(1, [sent()], **AT), an_input(2, [{TAKES_AWAY: [], CHANGED: 1_799_999_999.0}], **REPLACES)],
        [],
    ),
    "not in the list of one that does not say": ([an_input(1, [sent()]), an_input(2, [{"id": 3}], **REPLACES)], []),
    "kept by such a packet": ([an_input(1, [sent()]), an_input(2, [sent(id=3)], **REPLACES)], ["cat"]),
    "replaced, and sent again": (
        [an_input(1, [sent()]), an_input(2, [{"id": 3} | TOLD], **REPLACES), an_input(3, [sent(run="1")])],
        ["cat"],
    ),
    "relabelled, as the packet that kept it had it": (
        [an_input(1, [sent()]), an_input(2, [sent(id=3, label_file_id=2)], **REPLACES)],
        ["cat"],
    ),
}


@pytest.mark.parametrize(("inputs", "labels"), INPUTS.values(), ids=INPUTS)
def test_what_people_deleted_is_told_by_the_inputs(inputs, labels):
    """What was applied, no push took away, and is not there."""
    assert [spot.label for spot in deleted(inputs, [], NAMES)] == labels
    there = [Row(creation_ref_id=sent(label, run="2")["creation_ref_id"]) for label in ("cat", "dog")]
    assert deleted(inputs, there, NAMES) == [], "an equal box of another run stands for it"
    assert deleted(inputs, [], NAMES, lost={1, 2, 3}) == []

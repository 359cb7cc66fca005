"""What an appending packet comes beside stands in it: else a save's merging and a deletion leave the same rows."""

import json

from boxferry.packets.rows import Row
from boxferry.stored.before import told_beside
from boxferry.stored.beside import beside
from boxferry.stored.removals import as_sent
from sending.pushing import predictions, push
from stored.test_before import boxes_by_name, ours, row

NEW = row(None, reference=ours("0000000000000002:0,0,5,5:cat"))
EQUAL = row(1, reference=ours("0000000000000001:0,0,5,5:cat"))
CHANGED = row(4, x=9, reference=ours("0000000000000003:0,0,5,5:cat"), version=2, previous_id=2)
OTHER = row(5, x=20, reference=ours("0000000000000001:20,0,25,5:cat"))


def test_equal_boxes_and_those_that_people_changed_are_told_apart():
    """By what was sent, not by where the box is now."""
    found = told_beside(listed := beside([NEW], [EQUAL, CHANGED, OTHER]))
    assert (found.beside, found.touched, found.kept) == ([EQUAL.reference], [CHANGED.reference], None)
    assert as_sent(listed[0]) == NEW


def test_a_packet_that_comes_beside_nothing_stays_as_it_is():
    """It costs no byte."""
    assert beside([NEW], [OTHER, row(6, reference="drawn")]) == [NEW]
    assert told_beside([NEW]) is None


def test_the_server_keeps_it_with_the_packet(sandbox, diffgram, folder):
    """A second run that appends the same boxes says which were there."""
    push(diffgram, predictions(folder))
    first = sorted(box["creation_ref_id"] for box in boxes_by_name(sandbox)["a.jpg"])
    push(diffgram, predictions(folder), run="next", existing=True, ask_again=True)
    sent = sandbox._store.rows("SELECT instance_list FROM input WHERE mode = 'update'")
    told = [told_beside(map(Row, json.loads(each["instance_list"])["list"])) for each in sent]
    assert first in [each.beside for each in told if each]

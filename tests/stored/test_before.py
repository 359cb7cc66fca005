"""What is kept of a file from just before a packet: enough to tell later what went by the packet and what by people."""

import pytest

from boxferry.outbox.outcome import Outcome, State
from boxferry.packets.rows import Row
from boxferry.stored.before import Before, decoded, encoded, replaced, told
from boxferry.stored.removals import TAKES_AWAY, as_sent, noted
from sending.pushing import ROWS, predictions, push

AT = 2_000_000_000.0


def row(number, *, x=0, reference="", **more):
    box = {
        "id": number,
        "type": "box",
        "label_file_id": 1,
        "machine_made": True,
        "version": 1,
        "action_type": "created",
    }
    corners = {"x_min": x, "y_min": 0, "x_max": x + 5, "y_max": 5}
    return Row(box | corners | {"creation_ref_id": reference} | more)


def ours(name):
    return f"boxferry:{name}"


def test_what_is_not_sent_back_goes():
    """And what of it people had changed is told apart."""
    rows = [row(1, reference=ours("a")), row(2, x=9, reference=ours("b"), version=2), row(3, x=20, root_id=1)]
    found = replaced(rows, rows[2:], [])
    assert (found.kept, found.took, found.edited) == (["#1"], [ours("a"), ours("b")], [ours("b")])


def test_of_equal_boxes_the_newest_stays():
    """The others, and a new box that is equal to one that is there, have it as their twin."""
    rows = [row(1, reference=ours("a")), row(2, reference=ours("b"))]
    found = replaced(rows, rows, [row(None, reference=ours("c"))])
    assert (found.kept, found.took) == ([ours("b")], [ours("a")])
    assert found.twins == {ours("a"): ours("b"), ours("c"): ours("b")}


def test_what_a_save_left_of_two_equal_boxes_has_a_name_of_its_own():
    """Both have one reference: the edited one is found by it, the other by its number; a packet notes that it goes."""
    rows = [row(2, reference=ours("b")), row(5, x=9, reference=ours("b"), version=2, root_id=2)]
    stays = replaced(rows, rows, [row(None, reference=ours("c"))])
    assert (stays.kept, stays.took, stays.halves) == (["#2", ours("b")], [], {"#2": ours("b")})
    assert stays.twins == {ours("c"): "#2"}
    goes = replaced(rows, rows[1:], [])
    assert (goes.kept, goes.took, goes.halves) == ([ours("b")], ["#2"], {"#2": ours("b")})
    packet = told(noted(rows[1:], rows, changed=AT))
    assert (packet.kept, packet.halves, packet.changed) == ([ours("b")], {f"#{ours('b')}": ours("b")}, AT)
    assert packet.took == [*packet.halves]
    assert as_sent(noted(rows[1:], rows, changed=AT)[0]) == rows[1]


def test_a_packet_tells_itself_what_it_takes_away():
    """One of another program does not, and other boxes may have gone by it."""
    there, new = row(1, reference=ours("a")), row(None, x=9, reference=ours("b"))
    found = told([Row(there | {TAKES_AWAY: [ours("c")]}), new])
    assert (found.kept, found.took, found.partly, found.read) == ([ours("a")], [ours("c")], False, False)
    assert (told([there, new]).took, told([there, new]).partly) == ([], True)
    merged = told([there, row(2, reference=ours("d"))])
    assert (merged.took, merged.twins) == ([ours("a")], {ours("a"): ours("d")})


def test_a_second_try_adds_to_the_first():
    """What the first took is not there any more when the second looks; how people had left the file it knows."""
    first = Before(complete=True, changed=AT, kept=[], took=["a"], twins={"b": "c"})
    second = Before(kept=["c"], took=["d"])
    merged = Before(complete=True, changed=AT, kept=["c"], took=["a", "d"], tried=["a"], twins={"b": "c"})
    assert second.after(first) == merged
    assert second.after(None) == second.after(Before(complete=True)) == second


@pytest.mark.parametrize("before", [None, Before(), Before(complete=True, changed=AT, kept=[], took=["a"])])
def test_the_outbox_keeps_it_as_text(before):
    """Nothing known is no text."""
    assert decoded(encoded(before)) == before
    assert bool(encoded(before)) == (before is not None)


def boxes_by_name(sandbox):
    return {f["original_filename"]: sandbox._store.instances(f["id"]) for f in sandbox.files()}


def test_a_push_keeps_what_it_takes_away(sandbox, diffgram, folder):
    """And when the file had last been changed, before and after, by the server's clock."""
    push(diffgram, predictions(folder))
    first = [box["creation_ref_id"] for box in boxes_by_name(sandbox)["a.jpg"]]
    (folder / "labels" / "a.txt").write_text(ROWS.splitlines()[0] + "\n")
    push(diffgram, predictions(folder), existing=True, on_existing="replace-own", allow_removals=9)
    new, second = [e for e in diffgram.outbox.entries(1) if e.file_name == "a.jpg"]
    before, planned = decoded(second.before), decoded(new.before).planned
    assert decoded(new.before) == Before(complete=False, kept=[], took=[], read=True, planned=planned)
    assert 0 < planned < new.stood
    assert planned <= before.planned < second.stood
    assert (before.kept, before.took, before.complete) == (first[:1], first[1:], False)
    assert 0 < new.stood == before.changed < second.stood
    file = next(f for f in sandbox.files() if f["original_filename"] == "a.jpg")
    assert second.stood == pytest.approx(file["time_last_updated"], abs=1e-5)


def test_a_file_that_was_completed_meanwhile_is_spared(sandbox, diffgram, folder, monkeypatch):
    """A packet that waited, and was planned before, does not go out."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "a.txt").write_text("0 0.8 0.8 0.1 0.1 0.7\n" * 2)
    file = next(f for f in sandbox.files() if f["original_filename"] == "a.jpg")

    def broken(_body):
        raise KeyboardInterrupt

    send = diffgram._client.send_packet
    monkeypatch.setattr(diffgram._client, "send_packet", broken)
    with pytest.raises(KeyboardInterrupt):
        push(diffgram, predictions(folder), run="next", existing=True, on_existing="replace-own")
    monkeypatch.setattr(diffgram._client, "send_packet", send)
    sandbox._store.update("file", file["id"], {"ann_is_complete": 1})
    for entry in diffgram.outbox.entries(2):
        diffgram.outbox.settle(entry.id, Outcome(State.QUEUED))
    (refused,) = diffgram.resume("next").failed
    assert (refused.state, refused.file_name) == ("refused", "a.jpg")
    assert "the file was completed after" in refused.reason
    assert len(boxes_by_name(sandbox)["a.jpg"]) == 2

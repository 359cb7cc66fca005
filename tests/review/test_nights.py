"""What later pushes do to a run's report: nothing. Each line of a team's weeks on a real server is a test here."""

import pytest

from boxferry import Diffgram, read
from boxferry.boxes.tally import Tally
from boxferry.review.judged import PEOPLES
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from clocked import Clock
from sending.pushing import predictions, push, server_of

FOUR = "0 0.1 0.1 0.1 0.1 0.9\n0 0.4 0.4 0.1 0.1 0.8\n1 0.7 0.7 0.1 0.1 0.7\n1 0.9 0.9 0.1 0.1 0.6\n"
AGAIN = {"existing": True, "on_existing": "replace-own", "replace_completed": True, "allow_removals": 9}


@pytest.fixture
def sandbox(tmp_path):
    with Sandbox(tmp_path / "sandbox", clock=Clock()) as running:
        yield running


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def night(sandbox, diffgram, folder):
    """Run n01 with four boxes on a.jpg and one on b.png; a minute has passed."""
    (folder / "labels" / "a.txt").write_text(FOUR)
    push(diffgram, predictions(folder), run="n01")
    a_minute_later(sandbox)
    return folder


def a_minute_later(sandbox):
    sandbox._store.now.ahead += 60


def rows(sandbox, name="a.jpg"):
    file = next(f for f in sandbox.files() if f["original_filename"] == name)
    return file, sorted(sandbox._store.instances(file["id"]), key=lambda row: row["x_min"])


def reviewed(sandbox, *, done=False):
    """People move a.jpg's first box, relabel its second, delete its third, and draw one."""
    file, (first, second, _, fourth) = rows(sandbox)
    drawn = {"type": "box", "label_file_id": first["label_file_id"], "machine_made": False}
    drawn |= {"x_min": 60, "y_min": 5, "x_max": 80, "y_max": 15}
    changed = second | {"label_file_id": fourth["label_file_id"]}
    save(sandbox._store, file, [first | {"x_max": first["x_max"] + 3}, changed, fourth, drawn])
    if done:
        complete(sandbox)
    a_minute_later(sandbox)


def complete(sandbox, name="a.jpg"):
    file, _ = rows(sandbox, name)
    sandbox._store.update("file", file["id"], {"ann_is_complete": 1, "time_last_updated": sandbox._store.now()})


def fates(diffgram, run):
    return dict(diffgram.pull(run).summary().fates)


EDITS = {"moved": 1, "relabelled": 1, "deleted": 1, "added": 1, "kept": 1, "unreviewed": 1}


def test_a_file_that_was_completed_before_is_no_ground_truth(sandbox, diffgram, folder):
    """Nobody has seen the predictions; completed once more, it is reviewed."""
    push(diffgram, read(folder / "images"), run="raw")
    for name in ("a.jpg", "b.png"):
        complete(sandbox, name)
    a_minute_later(sandbox)
    push(diffgram, predictions(folder), run="n01", existing=True)
    a_minute_later(sandbox)
    review = diffgram.pull("n01")
    assert (review.reviewed, review.summary().corrected_share) == ([], None)
    assert fates(diffgram, "n01") == {"unreviewed": 3}
    complete(sandbox)
    review = diffgram.pull("n01")
    assert [file.file_name for file in review.reviewed] == ["a.jpg"]
    assert fates(diffgram, "n01") == {"kept": 2, "unreviewed": 1}


def test_approved_boxes_that_a_push_removes_were_not_deleted_by_people(sandbox, diffgram, night):
    """They were kept; and the file, which holds other boxes now, is not handed over as what people left."""
    for name in ("a.jpg", "b.png"):
        complete(sandbox, name)
    a_minute_later(sandbox)
    for name in ("a", "b"):
        (night / "labels" / f"{name}.txt").write_text("0 0.55 0.55 0.1 0.1 0.7\n")
    push(diffgram, predictions(night), run="n02", **AGAIN)
    assert fates(diffgram, "n01") == {"kept": 5}
    assert fates(diffgram, "n02") == {"unreviewed": 2}
    assert diffgram.pull("n01").reviewed == []


def test_a_second_night_is_not_reviewed_before_anyone_has_looked(sandbox, diffgram, night):
    """What people did to the first night's boxes, or drew then, is nothing of the second's."""
    reviewed(sandbox)
    push(diffgram, predictions(night), run="n02", **AGAIN, ask_again=True)
    review = diffgram.pull("n02")
    assert (set(review.summary().fates), review.summary().corrected_share) == ({"unreviewed"}, None)
    assert fates(diffgram, "n01") == EDITS


@pytest.mark.parametrize("rest", [FOUR[:22], ""], ids=["fewer", "none"])
def test_a_later_push_changes_no_count_of_an_earlier_run(sandbox, diffgram, night, rest):
    """Nine deletions of the first day are not 32 after the second; an empty push makes no zeros."""
    reviewed(sandbox, done=True)
    assert fates(diffgram, "n01") == EDITS
    (night / "labels" / "a.txt").write_text(rest)
    for run in ("n02", "n01"):
        push(diffgram, predictions(night), run=run, **AGAIN, ask_again=True)
        a_minute_later(sandbox)
        after = fates(diffgram, "n01")
        assert {fate: after.get(fate) for fate in PEOPLES} == {fate: EDITS[fate] for fate in PEOPLES}


def test_boxes_that_came_later_are_no_truth(sandbox, diffgram, night):
    """People have looked at four objects; another night appends four more, and pull gives four."""
    reviewed(sandbox, done=True)
    (night / "labels" / "a.txt").write_text(FOUR.replace("0.1 0.1 0.", "0.2 0.2 0."))
    push(diffgram, predictions(night), run="n02", existing=True, on_existing="append", ask_again=True)
    tally = Tally()
    (chunk,) = diffgram.pull("n01").corrected_chunks(tally=tally)
    assert (len(chunk), tally.kept, tally.dropped) == (4, 4, {"unreviewed": 4})
    assert tally.read == 8


def test_an_equal_box_that_came_later_does_not_make_a_deletion_look_kept(sandbox, diffgram, night):
    """It is another run's prediction."""
    reviewed(sandbox)
    push(diffgram, predictions(night), model="other", run="n02", existing=True, on_existing="append", ask_again=True)
    assert fates(diffgram, "n01") == EDITS
    assert len(rows(sandbox)[1]) == 8


def test_another_machines_push_is_told_from_people(sandbox, diffgram, night, tmp_path):
    """Its outbox is not here: the server's inputs tell what it took; and it reports its own run as unreviewed."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        (night / "labels" / "a.txt").write_text(FOUR[:22])
        push(other, predictions(night), run="n02", **AGAIN)
        assert fates(diffgram, "n01") == {"replaced": 3, "unreviewed": 2}
        assert fates(other, "n02") == {"unreviewed": 1}  # an equal box is on b.png already
    assert diffgram.pull("n01").reviewed == []


def test_what_is_retired_was_not_deleted_by_people(sandbox, diffgram, night):
    """It replaces boxes too, outside of any run's packets; the server's inputs tell."""
    diffgram.retire("n01", remove=True)
    assert rows(sandbox)[1] == []
    assert fates(diffgram, "n01") == {"replaced": 5}

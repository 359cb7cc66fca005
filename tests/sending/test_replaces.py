"""A newer model's push takes an older model's untouched boxes off the files that it comes to, in the same packet."""

import json
import sqlite3
from contextlib import closing
from itertools import chain, repeat
from unittest.mock import patch

import pytest

from boxferry import Diffgram, PushOptions
from boxferry.deliver import blockers
from boxferry.deliver.reconcile import Reconciler
from boxferry.diffgram.client import Client
from boxferry.errors import Unreachable, Unsure, UsageError
from boxferry.plan.patience import Patience
from boxferry.plan.plan_file import read_plan
from boxferry.sandbox import annotating
from boxferry.sandbox.annotating import save
from collector.collecting import OPTIONS
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push, server_of

NEW = "1 0.7 0.7 0.1 0.1 0.9\n"
NEW_BOX = (65, 52, 75, 60)
FIRST, SECOND = ROWS.splitlines()


@pytest.fixture
def pushed(diffgram, folder):
    """The old model's boxes on a.jpg and b.png; then the newer model's predictions lie in the folder, for a.jpg."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "b.txt").unlink()
    (folder / "labels" / "a.txt").write_text(NEW)
    return diffgram


def newer(diffgram, folder, *, model="n", run="newer", replaces=("m",), **options):
    given = {"existing": True, "replaces": replaces, "on_existing": "error", "allow_removals": 9, "create_empty": False}
    return push(diffgram, predictions(folder), model=model, run=run, **(given | options))


def file_of(sandbox, name):
    return next(file for file in sandbox.files() if file["original_filename"] == name)


def edit(sandbox, name, change):
    file = file_of(sandbox, name)
    save(sandbox._store, file, change(sandbox._store.instances(file["id"])))


def test_the_older_models_boxes_go_and_the_newer_ones_come_in_one_packet(sandbox, pushed, folder):
    """Counted before in the dry run; files that the push does not come to stay as they are."""
    planned = newer(pushed, folder, dry_run=True)
    assert [(file.file_name, file.boxes, file.removes) for file in planned.planned] == [("a.jpg", 1, 2)]
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    sent = len(sandbox.inputs())
    assert newer(pushed, folder).exit_code == 0
    assert (boxes_in(sandbox, "a.jpg"), len(boxes_in(sandbox, "b.png"))) == ([NEW_BOX], 1)
    assert len(sandbox.inputs()) == sent + 1
    again = newer(pushed, folder)
    assert (again.exit_code, again.tally.dropped, len(sandbox.inputs())) == (0, {"already-sent": 1}, sent + 1)


def test_uploads_of_pictures_that_are_there_replace_too(sandbox, pushed, folder):
    """As a nightly job sends them: with the images, not knowing which are there."""
    assert newer(pushed, folder, existing=False).exit_code == 0
    assert (boxes_in(sandbox, "a.jpg"), len(sandbox.files())) == ([NEW_BOX], 3)


def test_what_people_made_or_changed_and_a_third_models_boxes_stay(sandbox, pushed, folder):
    """Row by row."""
    (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n")
    push(pushed, predictions(folder), model="third", run="t", existing=True)
    edit(sandbox, "a.jpg", lambda rows: [r | {"x_max": 68} if r["x_min"] == 40 else r for r in rows])
    stays = [box for box in sandbox.boxes("a.jpg") if box["x_min"] != 20]
    (folder / "labels" / "a.txt").write_text(NEW)
    assert newer(pushed, folder).exit_code == 0
    left = sandbox.boxes("a.jpg")
    assert sorted(b["x_min"] for b in left) == [15, 40, 65]
    assert [box for box in left if box["x_min"] != 65] == stays


def test_a_completed_file_is_left_alone(sandbox, pushed, folder):
    """As with every replacing way; the newer boxes do not come either."""
    sandbox._store.update("file", file_of(sandbox, "a.jpg")["id"], {"ann_is_complete": 1})
    report = newer(pushed, folder)
    assert (report.exit_code, report.tally.dropped, boxes_in(sandbox, "a.jpg")) == (0, {"completed": 1}, A_BOXES)


def test_several_models_and_the_models_own_earlier_run_go(sandbox, pushed, folder):
    """Named in any order."""
    (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n")
    push(pushed, predictions(folder), model="third", run="t", existing=True)
    (folder / "labels" / "a.txt").write_text("0 0.9 0.2 0.1 0.1 0.9\n")
    push(pushed, predictions(folder), model="n", run="n1", existing=True)
    (folder / "labels" / "a.txt").write_text(NEW)
    assert newer(pushed, folder, replaces=("third", "m")).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]


def test_a_box_that_both_models_predict_is_the_newer_ones_afterwards(sandbox, pushed, folder):
    """The server keeps the older row: neither retiring the older model nor a third one's push is misled by that."""
    (folder / "labels" / "a.txt").write_text(f"{FIRST}\n{NEW}")
    assert newer(pushed, folder).exit_code == 0
    assert pushed.retire("m", directories=["Default"]).count("removed") == 1, "that of b.png"
    pushed.retire("m", remove=True)
    assert boxes_in(sandbox, "a.jpg") == [A_BOXES[1], NEW_BOX]
    (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n")
    assert newer(pushed, folder, model="third", run="t", replaces=("n",)).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [(15, 52, 25, 60)]


def test_equal_predictions_are_sent_once_so_that_the_server_knows_whose_they_are(sandbox, pushed, folder):
    """All of the newer model's boxes are there already, under the older one's references."""
    (folder / "labels" / "a.txt").write_text(ROWS)
    assert newer(pushed, folder).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    sent = len(sandbox.inputs())
    assert newer(pushed, folder).exit_code == 0
    assert len(sandbox.inputs()) == sent
    assert {file.file_name: file.removed for file in pushed.retire("m").files if file.removed} == {"b.png": 1}


def test_a_picture_on_which_the_newer_model_finds_nothing_is_cleared(sandbox, pushed, folder):
    """A result that is present and empty."""
    (folder / "labels" / "a.txt").write_text("")
    report = newer(pushed, folder)
    assert (report.exit_code, boxes_in(sandbox, "a.jpg"), len(boxes_in(sandbox, "b.png"))) == (0, [], 1)
    assert newer(pushed, folder).exit_code == 0


def test_it_is_known_after_a_stop(sandbox, pushed, folder, monkeypatch):
    """The packet in the outbox names the models."""

    def gone(_body):
        raise Unreachable("gone")

    monkeypatch.setattr(pushed._client, "send_packet", gone)
    assert newer(pushed, folder, patience=Patience(failures=1, first_pause_s=0.01)).exit_code == 4
    monkeypatch.undo()
    assert pushed.resume("newer").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]


def test_it_is_known_from_a_plan(sandbox, pushed, folder, tmp_path):
    """Which another machine carries out."""
    plan = tmp_path / "plan.json"
    newer(pushed, folder, plan=plan)
    assert [file["replaces"] for file in json.loads(plan.read_text())["files"]] == [["m"]]
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        assert other.carry_out(read_plan(plan), options=OPTIONS).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]


def test_what_people_do_after_the_plan_stays(sandbox, pushed, folder, tmp_path):
    """The file is read again just before."""
    plan = tmp_path / "plan.json"
    newer(pushed, folder, plan=plan)
    edit(sandbox, "a.jpg", lambda rows: [r | {"x_max": 68} if r["x_min"] == 40 else r for r in rows])
    pushed.carry_out(read_plan(plan), options=OPTIONS)
    assert boxes_in(sandbox, "a.jpg") == [(40, 30, 68, 50), NEW_BOX]


def test_people_are_not_charged_with_what_a_newer_model_replaced(pushed, folder, tmp_path, sandbox):
    """On this machine, and on another one that takes the run up."""
    newer(pushed, folder)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        other.adopt("r", directory="Default")
        for each in (pushed, other):
            fates = each.pull("r").summary().fates
            assert (fates["replaced"], fates["deleted"]) == (2, 0)


def test_while_another_senders_packet_is_on_its_way_nothing_is_replaced(sandbox, pushed, folder, monkeypatch):
    """It would be taken away: waited for, and then refused; a later push does it."""
    monkeypatch.setattr(blockers, "PAUSES_S", (0.01,))
    store, file = sandbox._store, file_of(sandbox, "a.jpg")
    facts = {"project": sandbox.project, "directory_id": 1, "file_id": file["id"], "mode": "update"}
    coming = store.insert("input", {**facts, "status": "processing", "due": 1e12, "created_time": store.now()})
    report = newer(pushed, folder)
    assert "still being applied" in report.failed[0].reason
    assert (report.exit_code, boxes_in(sandbox, "a.jpg")) == (1, A_BOXES)
    store.update("input", coming, {"status": "success"})
    assert newer(pushed, folder).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]


@pytest.mark.parametrize(("later", "exit_code"), [("ended", 0), ("nothing", 1)])
def test_what_another_sender_left_with_a_dead_worker_holds_nothing_up(
    sandbox, pushed, folder, monkeypatch, later, exit_code
):
    """It never comes: told by later inputs that end while it stands still; while nothing ends, it may come yet."""
    monkeypatch.setattr(blockers, "PAUSES_S", (0.01,))
    store, file = sandbox._store, file_of(sandbox, "a.jpg")
    facts = {"project": sandbox.project, "directory_id": 1, "mode": "update", "due": 1e12}
    old = store.now() - 3600
    store.insert("input", {**facts, "file_id": file["id"], "status": "processing", "created_time": old})
    if later == "ended":
        store.insert("input", {**facts, "status": "success", "created_time": old})
    report = newer(pushed, folder, patience=Patience(wait_s=5.0, settle_s=0.2, stuck_s=0.3))
    assert report.exit_code == exit_code, report.summary()
    assert boxes_in(sandbox, "a.jpg") == ([NEW_BOX] if exit_code == 0 else A_BOXES)


@pytest.mark.parametrize("on_existing", ["append", "replace-own"])
@pytest.mark.parametrize("newest", [False, True], ids=["nothing newer", "a newer model"])
def test_what_waited_does_not_bring_an_older_models_boxes_back(
    sandbox, clock, pushed, folder, tmp_path, monkeypatch, on_existing, newest
):
    """Packets that another machine stored and never sent are refused where a newer push has taken their place."""

    def gone(_body):
        raise Unreachable("gone")

    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        monkeypatch.setattr(other._client, "send_packet", gone)
        (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n")
        waiting = {"on_existing": on_existing, "existing": True, "patience": Patience(failures=1, first_pause_s=0.01)}
        assert push(other, predictions(folder), run="late", **waiting).exit_code == 4
        monkeypatch.undo()
        clock.pass_(2)  # what two machines plan within one second cannot be ordered
        (folder / "labels" / "a.txt").write_text(NEW)
        if newest:
            assert newer(pushed, folder).exit_code == 0
        report = other.resume("late")
        if newest:
            assert "a newer push has replaced these boxes" in report.failed[0].reason
            assert (report.exit_code, boxes_in(sandbox, "a.jpg")) == (1, [NEW_BOX])
        else:
            assert (report.exit_code, (15, 52, 25, 60) in boxes_in(sandbox, "a.jpg")) == (0, True)


def another_copy(copy, outbox):
    with closing(sqlite3.connect(outbox)) as one, closing(sqlite3.connect(copy)) as two:
        one.backup(two)
    return copy


@pytest.mark.parametrize("copied", [False, True], ids=["never sent", "sent from a copy of the outbox"])
@pytest.mark.parametrize("rows", ["0 0.2 0.7 0.1 0.1 0.9\n", FIRST + "\n", ""], ids=["another", "an equal", "none"])
def test_what_waited_takes_no_newer_boxes_of_its_model(
    sandbox, clock, pushed, folder, tmp_path, monkeypatch, rows, copied
):
    """Equal boxes of a newer push bear the references of those that waited, and a packet without boxes has none.

    The newer push is planned two seconds later: what two machines plan within one cannot be ordered.
    """

    def gone(_body):
        raise Unreachable("gone")

    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        monkeypatch.setattr(other._client, "send_packet", gone)
        (folder / "labels" / "a.txt").write_text(rows)
        again = {"on_existing": "replace-own", "allow_removals": 9, "create_empty": False}
        waiting = {"existing": True, "patience": Patience(failures=1, first_pause_s=0.01)}
        assert push(other, predictions(folder), run="late", **again, **waiting).exit_code == 4
        monkeypatch.undo()
        if copied:
            copy = another_copy(tmp_path / "copy.sqlite", other.outbox_path)
            with Diffgram(server_of(sandbox), outbox=copy) as machine:
                assert machine.resume("late").exit_code == 0
            sent = len(sandbox.inputs())
            with Diffgram(
                server_of(sandbox), outbox=another_copy(tmp_path / "third.sqlite", other.outbox_path)
            ) as machine:
                assert machine.resume("late").exit_code == 0
            assert len(sandbox.inputs()) == sent or not rows
        clock.pass_(2)
        (folder / "labels" / "a.txt").write_text(f"{FIRST}\n{NEW}")
        assert push(pushed, predictions(folder), run="newest", **again).exit_code == 0
        newest = boxes_in(sandbox, "a.jpg")
        assert NEW_BOX in newest
        report = other.resume("late")
        assert boxes_in(sandbox, "a.jpg") == newest
        assert report.exit_code == (0 if copied or not rows else 1)


def test_what_a_copy_of_the_outbox_has_sent_comes_not_again_where_people_deleted_some(
    sandbox, pushed, folder, tmp_path, monkeypatch
):
    """A packet that waited here, and that another machine sent since, is done whatever is left of it."""

    def gone(_body):
        raise Unreachable("gone")

    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        monkeypatch.setattr(other._client, "send_packet", gone)
        (folder / "labels" / "a.txt").write_text(f"{NEW}\n0 0.2 0.7 0.1 0.1 0.9\n")
        waits = {"existing": True, "on_existing": "replace-own", "allow_removals": 9}
        waits |= {"patience": Patience(failures=1, first_pause_s=0.01)}
        assert push(other, predictions(folder), run="late", **waits).exit_code == 4
        monkeypatch.undo()
        with Diffgram(server_of(sandbox), outbox=another_copy(tmp_path / "copy.sqlite", other.outbox_path)) as machine:
            assert machine.resume("late").exit_code == 0
        file = next(each for each in sandbox.files() if each["original_filename"] == "a.jpg")
        first, *others = sandbox._store.instances(file["id"])
        annotating.save(sandbox._store, file, [first | {"soft_delete": True}, *others])
        left = boxes_in(sandbox, "a.jpg")
        assert other.resume("late").exit_code == 0
        assert boxes_in(sandbox, "a.jpg") == left


def test_boxes_that_were_to_go_and_are_there_are_said(sandbox, pushed, folder, monkeypatch):
    """A server that says success and has taken nothing away."""
    monkeypatch.setattr(annotating.Change, "left_over", lambda _: [])
    report = newer(pushed, folder)
    assert report.exit_code == 1
    (doubtful,) = report.doubtful
    assert "2 boxes that should have been removed are still there" in doubtful.reason


def test_a_model_of_which_nothing_is_there_is_noted(pushed, folder):
    """It may be misspelt; nothing goes then."""
    report = newer(pushed, folder, replaces=("mm",))
    assert "no unchanged box of model 'mm'" in str(report.tally.examples["nothing-replaced"][0])
    assert report.exit_code == 0


@pytest.mark.parametrize(
    "options",
    [
        {"on_existing": "append"},
        {"on_existing": "replace-all"},
        {"annotations": True},
        {"replaces": 7},
        {"replaces": [""]},
    ],
)
def test_options_that_do_not_go_together_are_said(options):
    """Before anything is asked."""
    with pytest.raises(UsageError, match="replaces"):
        PushOptions(**({"replaces": ["m"]} | options))


def test_one_model_is_named_by_its_name():
    """As on the command line; `tuple("m1")` would be two models."""
    assert PushOptions(replaces="m1").replaces == ("m1",)
    assert PushOptions(replaces="").replaces == ()


def test_the_empty_name_of_a_model_is_said():
    """As a shell's unset variable gives it."""
    with pytest.raises(UsageError, match="replaces: the name of a model is empty"):
        PushOptions(replaces=["m", ""])


def test_an_upload_of_unknown_outcome_brings_nothing_back_that_a_newer_push_took(sandbox, diffgram, folder, tmp_path):
    """Its answer was lost; another machine's newer model has taken its boxes away before it is looked up."""
    real = Client.upload

    def lost(self, *arguments):
        real(self, *arguments)
        sandbox.wait_idle()
        raise Unsure("lost on the way")

    (folder / "images" / "b.png").unlink()
    (folder / "labels" / "b.txt").unlink()
    none_known = patch.object(Reconciler, "reconcile", side_effect=chain([None], repeat(Unreachable("down"))))
    with patch.object(Client, "upload", lost), none_known:
        report = push(diffgram, predictions(folder), patience=Patience(wait_s=1, settle_s=0.1, first_pause_s=0.01))
    assert (report.exit_code, boxes_in(sandbox, "a.jpg")) == (4, A_BOXES)
    (folder / "labels" / "a.txt").write_text(NEW)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        assert newer(other, folder).exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]
    assert diffgram.resume("r").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == [NEW_BOX]

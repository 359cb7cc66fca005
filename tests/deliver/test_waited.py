"""What one machine has stored and never sent, another one has sent by then: what people deleted does not come back."""

import pytest

from boxferry import Diffgram
from boxferry.errors import OutboxError, Unreachable
from boxferry.plan.patience import Patience
from boxferry.sandbox.annotating import save
from sending.pushing import boxes_in, predictions, push, server_of


def ended(*_, **__):
    """Stands for the end of a process before a packet goes out."""
    raise OutboxError("ended")


@pytest.mark.parametrize("existing", [False, True], ids=["new files", "files that are there"])
@pytest.mark.parametrize("deleted", [0, 1, 2])
def test_what_people_deleted_meanwhile_stays_deleted(
    sandbox, diffgram, folder, tmp_path, monkeypatch, existing, deleted
):
    """Both machines push the same; the rest of the file is as it was, and the run is done on both."""
    if existing:
        push(diffgram, predictions(folder), run="before")
        (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n0 0.9 0.7 0.1 0.1 0.9\n")
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        monkeypatch.setattr(other.outbox, "claim", ended)
        push(other, predictions(folder), existing=existing)
        monkeypatch.undo()
        push(diffgram, predictions(folder), existing=existing)
        file = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
        rows = sandbox._store.instances(file["id"])
        own = [row for row in rows if row["model_run_id"] == rows[-1]["model_run_id"]][:deleted]
        left = [row for row in rows if row not in own]
        save(sandbox._store, file, left) if left else sandbox._store.delete_instances([row["id"] for row in own])
        there = boxes_in(sandbox, "a.jpg")
        assert other.resume("r").exit_code == 0
        assert boxes_in(sandbox, "a.jpg") == there
        assert len(there) == len(rows) - deleted


def unreachable(*_, **__):
    """Stands for a server that lets nothing through."""
    raise Unreachable("away")


@pytest.mark.parametrize("tried", [ended, unreachable], ids=["its process died", "the server was away"])
@pytest.mark.parametrize("deleted", [1, 2])
def test_what_was_tried_once_and_has_not_arrived_does_not_bring_it_back_either(
    sandbox, diffgram, folder, tmp_path, monkeypatch, tried, deleted
):
    """The first attempt left no trace; by the second one the other machine's have come, and people have deleted."""
    push(diffgram, predictions(folder), run="before")
    (folder / "labels" / "a.txt").write_text("0 0.2 0.7 0.1 0.1 0.9\n0 0.9 0.7 0.1 0.1 0.9\n")
    patience = Patience(wait_s=20.0, settle_s=0.0, failures=1, first_pause_s=0.0)
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
        monkeypatch.setattr(other._client, "send_packet", tried)
        push(other, predictions(folder), existing=True, patience=patience)
        monkeypatch.undo()
        push(diffgram, predictions(folder), existing=True)
        file = next(file for file in sandbox.files() if file["original_filename"] == "a.jpg")
        rows = sandbox._store.instances(file["id"])
        own = [row for row in rows if row["model_run_id"] == rows[-1]["model_run_id"]][:deleted]
        save(sandbox._store, file, [row for row in rows if row not in own])
        there = boxes_in(sandbox, "a.jpg")
        assert other.resume("r", patience=patience).exit_code == 0
        assert boxes_in(sandbox, "a.jpg") == there
        assert len(there) == len(rows) - deleted

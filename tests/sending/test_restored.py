"""Servers that were restored, wiped or exchanged: nothing is doubled or misplaced, and what is gone is said."""

import json

import pytest
from PIL import Image as Picture

from boxferry import Diffgram
from boxferry.cli.app import run as boxferry
from boxferry.packets.contents import references_in
from boxferry.sandbox.annotating import save
from boxferry.sandbox.server import Sandbox
from counting import counted
from review.test_pull import sent_run
from sending.pushing import A_BOXES, ROWS, boxes_in, predictions, push, server_of


def file_of(sandbox, name):
    return next(file for file in sandbox.files() if file["original_filename"] == name)


def locked(call):
    """The answer to a packet whose sender may not send."""
    return 401 if call.endswith("/input/packet") else None


@pytest.fixture
def waiting(sandbox, diffgram, folder, tmp_path):
    """An outbox with packets for the files that are there, none of which has gone out."""
    push(diffgram, folder / "images", model="raw", run="raw")
    path = tmp_path / "waiting.sqlite"
    with counted(sandbox.host, instead=locked) as (host, _), Diffgram(server_of(sandbox), outbox=path) as stopped:
        direct, stopped.workspace.client = (
            stopped._client,
            Diffgram(server_of(sandbox, host=host), connections=1)._client,
        )
        assert push(stopped, predictions(folder), existing=True).exit_code == 3
        stopped.workspace.client = direct
        assert stopped.outbox.counts(1) == {"queued": (2, 3)}
        yield stopped


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"original_filename": "other.jpg"}, "it is called 'other.jpg' now, not 'a.jpg'"),
        ({"width": 90, "height": 70}, "its boxes were made for 100x80, the file on the server is 90x70"),
        ({"state": "removed"}, "it is not on the server any more"),
    ],
    ids=["name", "size", "removed"],
)
@pytest.mark.parametrize("way", ["resume", "push"])
def test_a_file_id_that_is_another_files_now_is_never_written_to(sandbox, waiting, folder, change, reason, way):
    """Packets that waited for it are refused with the reason; the others go out."""
    file = file_of(sandbox, "a.jpg")
    sandbox._store.update("file", file["id"], change)
    if way == "resume":
        report = waiting.resume("r")
    else:
        (folder / "labels" / "a.txt").unlink()
        report = push(waiting, predictions(folder), existing=True)
    assert report.exit_code == 1
    (failed,) = report.failed
    assert (failed.file_name, failed.state) == ("a.jpg", "refused")
    assert f"file {file['id']} is not what the boxes were made for: {reason}" in failed.reason
    assert sandbox._store.instances(file["id"]) == []
    assert len(boxes_in(sandbox, "b.png")) == 1


def test_files_that_are_as_they_were_get_what_waited(sandbox, waiting):
    """By one list more."""
    assert waiting.resume("r").exit_code == 0
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def more(folder, name, rows=ROWS):
    Picture.new("RGB", (100, 80), "grey").save(folder / "images" / name)
    (folder / "labels" / name).with_suffix(".txt").write_text(rows)


@pytest.fixture
def restored(sandbox, diffgram, folder, tmp_path):
    """A server went back to a backup: d.jpg is gone, and a box of a.jpg; a person had deleted one of b.png."""
    (folder / "labels" / "b.txt").write_text(ROWS)
    (folder / "labels" / "a.txt").write_text(ROWS.splitlines()[0] + "\n")
    push(diffgram, predictions(folder))
    file = file_of(sandbox, "b.png")
    save(sandbox._store, file, sandbox._store.instances(file["id"])[:1])
    sandbox.backup(tmp_path / "backup")
    (folder / "labels" / "a.txt").write_text(ROWS)
    more(folder, "d.jpg")
    assert push(diffgram, predictions(folder), on_existing="append").exit_code == 0
    sandbox.restore(tmp_path / "backup")
    return diffgram


def counts(checked):
    return {(amiss.file_name, amiss.problem, amiss.boxes) for each in checked for amiss in each.amiss}


def test_a_check_says_what_is_gone_and_who_took_it(restored):
    """What people deleted is counted, and is not amiss."""
    (checked,) = restored.check()
    assert counts([checked]) == {("a.jpg", "lost-boxes", 1), ("d.jpg", "gone-file", 2)}
    assert (checked.exit_code, checked.files, checked.boxes, checked.deleted) == (1, 4, 6, 1)


def test_nothing_is_doubled_or_sent_unasked_after_a_restore(sandbox, restored, folder):
    """The same push again says what is gone; resume sends nothing."""
    before = len(sandbox.inputs())
    assert restored.resume("r").exit_code == 0
    report = push(restored, predictions(folder), on_existing="append")
    assert report.exit_code == 1
    assert report.tally.failed == {"gone": 2}
    assert len(sandbox.inputs()) == before


@pytest.mark.parametrize("way", ["resume", "push"])
def test_resend_missing_makes_it_right(sandbox, restored, folder, way):
    """Every box once, those that people deleted stay deleted; then nothing is amiss, and nothing more is sent."""
    for _ in range(2):
        if way == "resume":
            report = restored.resume("r", resend_missing=True, verify=True)
        else:
            report = push(restored, predictions(folder), on_existing="append", resend_missing=True)
        assert report.exit_code == 0, report.failed
        assert {name: len(boxes_in(sandbox, name)) for name in ("a.jpg", "b.png", "c.jpg", "d.jpg")} == {
            "a.jpg": 2, "b.png": 1, "c.jpg": 0, "d.jpg": 2,
        }  # fmt: skip
        inputs = len(sandbox.inputs())
        assert counts(restored.check()) == set()
    assert len(sandbox.inputs()) == inputs


def test_what_is_sent_again_is_counted_once(restored):
    """In the outbox too."""
    report = restored.resume("r", resend_missing=True)
    assert (report.tally.read, report.tally.kept) == (3, 3)
    assert restored.outbox.counts(1)["applied"][1] == 6
    files = {file.file_name: len(file.predicted) for file in restored.pull("r").files}
    assert files == {"a.jpg": 2, "b.png": 2, "c.jpg": 0, "d.jpg": 2}


def test_a_picture_that_is_not_as_it_was_is_not_uploaded_again(sandbox, restored, folder):
    """It is said, with the boxes that are not sent."""
    Picture.new("RGB", (100, 80), "red").save(folder / "images" / "d.jpg")
    report = restored.resume("r", resend_missing=True)
    assert report.exit_code == 1
    assert report.tally.failed == {"gone": 1}
    assert report.tally.dropped == {"gone": 2}
    (issue,) = report.tally.examples["gone"]
    assert "changed since its boxes were planned" in str(issue)
    assert len(boxes_in(sandbox, "a.jpg")) == 2
    assert counts(restored.check()) == {("d.jpg", "gone-file", 2)}


@pytest.fixture
def wiped(sandbox, diffgram, folder, tmp_path):
    """A run was pushed; then there is another, empty server at the same address, with other ids of labels."""
    push(diffgram, predictions(folder))
    port = int(sandbox.host.rpartition(":")[2])
    sandbox.stop()
    with Sandbox(tmp_path / "fresh", port=port, race_s=0.3) as fresh:
        yield fresh, diffgram


def test_a_wiped_server_is_noticed_and_filled_again(wiped):
    """Labels have other ids there: boxes get those of their names. The run is new to it: one packet goes first."""
    fresh, diffgram = wiped
    assert counts(diffgram.check()) == {
        ("a.jpg", "gone-file", 2), ("b.png", "gone-file", 1), ("c.jpg", "gone-file", 0),
    }  # fmt: skip
    report = diffgram.resume("r", resend_missing=True)
    assert report.tally.failed == {"gone": 2}  # c.jpg has no boxes, and needs no label
    assert "the server has no label" in str(report.tally.examples["gone"][0])
    schema = diffgram._client.schemas()[0].id
    for name in ("bird", "dog", "cat"):
        diffgram._client.create_label(name, schema_id=schema)
    report = diffgram.resume("r", resend_missing=True, verify=True)
    assert report.exit_code == 0, report.failed
    assert boxes_in(fresh, "a.jpg") == A_BOXES
    names = {number: name for name, number in diffgram.labels().items()}
    assert {names[box["label_file_id"]] for box in fresh.boxes("a.jpg")} == {"cat", "dog"}
    assert counts(diffgram.check()) == set()
    assert {e.state for e in diffgram.outbox.entries(1)} == {"applied"}


def test_a_push_fills_a_wiped_server_too(wiped, folder):
    """With the labels made."""
    fresh, diffgram = wiped
    assert push(diffgram, predictions(folder)).exit_code == 1
    report = push(diffgram, predictions(folder), resend_missing=True)
    assert report.exit_code == 0, report.failed
    assert boxes_in(fresh, "a.jpg") == A_BOXES
    assert counts(diffgram.check()) == set()
    pulled = diffgram.pull("r")
    assert (len(pulled.files), pulled.gone, diffgram.outbox.counts(1)) == (3, [], {"applied": (3, 3)})


def test_a_reused_file_id_is_noticed_and_left_alone(sandbox, diffgram, folder):
    """The id of a file that the outbox calls applied is another picture's now."""
    push(diffgram, predictions(folder))
    file = file_of(sandbox, "a.jpg")
    sandbox._store.rows("DELETE FROM instance WHERE file_id = ?", file["id"])
    sandbox._store.update("file", file["id"], {"original_filename": "z.jpg", "width": 50, "height": 40})
    (checked,) = diffgram.check("r")
    assert counts([checked]) == {("a.jpg", "other-file", 2)}
    assert "it is called 'z.jpg' now, not 'a.jpg'" in checked.amiss[0].detail
    report = diffgram.resume("r", resend_missing=True)
    assert report.exit_code == 0, report.failed
    assert sandbox._store.instances(file["id"]) == []
    assert boxes_in(sandbox, "a.jpg") == A_BOXES
    assert file_of(sandbox, "a.jpg")["id"] != file["id"]


def test_a_file_that_people_renamed_or_removed_is_not_sent_again(sandbox, diffgram, folder):
    """Its boxes are there; what people removed is counted."""
    push(diffgram, predictions(folder))
    sandbox._store.update("file", file_of(sandbox, "a.jpg")["id"], {"original_filename": "z.jpg"})
    sandbox.remove_file(file_of(sandbox, "b.png")["id"])
    (checked,) = diffgram.check()
    assert counts([checked]) == {("a.jpg", "other-file", 0)}
    assert checked.removed == 1
    files = len(sandbox.files())
    diffgram.resume("r", resend_missing=True)
    assert len(sandbox.files()) == files


def test_a_thousand_files_are_checked_in_a_few_calls(sandbox, tmp_path):
    """Also where people have deleted boxes on many of them."""
    path = tmp_path / "many.sqlite"
    ids = sent_run(sandbox, path, 1000)
    sandbox._store.rows("DELETE FROM instance WHERE id % 7 = 0")
    with counted(sandbox.host) as (host, calls), Diffgram(server_of(sandbox), outbox=path) as diffgram:
        diffgram.workspace.client = Diffgram(server_of(sandbox, host=host))._client
        (checked,) = diffgram.check()
    assert (checked.files, len(checked.amiss)) == (1000, sum(amiss.problem == "lost-boxes" for amiss in checked.amiss))
    assert len(ids) == 1000
    assert checked.amiss
    assert len(calls) < 10, calls.counted()


def test_the_command_lists_it_with_the_remedy(sandbox, restored, monkeypatch, capsys):
    """Exit code 1; 0 once it is right."""
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host, "DIFFGRAM_PROJECT": sandbox.project, "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret, "BOXFERRY_OUTBOX": str(restored.outbox_path),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert boxferry(["status", "r", "--check"]) == 1
    out, err = capsys.readouterr()
    assert "gone-file" in out
    assert "the server does not have it any more" in out
    assert "1 of 2 boxes are missing" in out
    assert "boxferry resume 1 --resend-missing" in err
    assert boxferry(["status", "--check", "--json"]) == 1
    (facts,) = json.loads(capsys.readouterr().out)["runs"]
    assert [amiss["problem"] for amiss in facts["amiss"]] == ["lost-boxes", "gone-file"]
    assert boxferry(["status", "--check", "--ndjson"]) == 1
    assert len(capsys.readouterr().out.splitlines()) == 3
    assert boxferry(["resume"]) == 0
    assert boxferry(["status", "--check"]) == 1
    assert boxferry(["resume", "--resend-missing"]) == 0
    assert boxferry(["status", "--check"]) == 0
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(restored.outbox_path.with_name("none.sqlite")))
    assert boxferry(["status", "--check"]) == 0
    assert "nothing was pushed from here yet" in "".join(capsys.readouterr())


def test_a_push_does_not_upload_again_what_a_person_removed(sandbox, diffgram, folder, tmp_path):
    """As resume does not; what the server lost beside it is sent."""
    push(diffgram, predictions(folder))
    removed, lost = file_of(sandbox, "a.jpg")["id"], file_of(sandbox, "b.png")["id"]
    sandbox.remove_file(removed)
    sandbox._store.rows("DELETE FROM instance WHERE file_id = ?", lost)
    sandbox._store.rows("DELETE FROM input WHERE file_id = ?", lost)
    sandbox._store.rows("DELETE FROM file WHERE id = ?", lost)
    report = push(diffgram, predictions(folder), resend_missing=True)
    assert (report.exit_code, report.tally.dropped["removed-by-people"]) == (0, 2), report.as_dict()
    assert [file["original_filename"] for file in sandbox.files() if file["state"] != "removed"] == ["c.jpg", "b.png"]
    assert boxes_in(sandbox, "b.png") == A_BOXES[1:]


def test_boxes_that_a_push_sends_again_stand_in_one_packet(sandbox, diffgram, folder):
    """`status` counts them once: what is left of the packet that brought them first stays in it."""
    push(diffgram, predictions(folder))
    file_id = file_of(sandbox, "a.jpg")["id"]
    first, _ = sandbox.boxes("a.jpg")
    sandbox._store.rows("DELETE FROM instance WHERE id = ?", first["id"])
    sandbox._store.rows("DELETE FROM input WHERE file_id = ?", file_id)
    report = push(diffgram, predictions(folder), resend_missing=True)
    assert (report.exit_code, report.states) == (0, {"applied": (4, 3)}), report.as_dict()
    (run,) = diffgram.outbox.runs()
    bodies = [diffgram.outbox.body(entry.id) for entry in diffgram.outbox.entries(run.id)]
    references = [reference for body in bodies for reference in references_in(body)]
    assert len(references) == len(set(references)) == 3
    sandbox._store.rows("DELETE FROM instance WHERE file_id = ?", file_id)
    sandbox._store.rows("DELETE FROM input WHERE file_id = ?", file_id)
    report = push(diffgram, predictions(folder), resend_missing=True)
    assert (report.exit_code, report.states) == (0, {"applied": (3, 3)}), "a packet of which nothing is left goes"
    assert boxes_in(sandbox, "a.jpg") == A_BOXES

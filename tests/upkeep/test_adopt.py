"""A run that another outbox pushed is taken up from the server alone."""

import dataclasses
import json
import time

import msgspec
import pytest

from boxferry import Diffgram
from boxferry.cli.app import run as boxferry
from boxferry.errors import NotFound, OutboxError, UsageError
from boxferry.outbox.outcome import State
from boxferry.outbox.source_image import UNKNOWN
from boxferry.packets.contents import references_in
from boxferry.sandbox.annotating import save
from boxferry.stored import file_inputs
from boxferry.stored.file_inputs import FileInputs
from counting import counted
from sending.pushing import ROWS, predictions, push, server_of
from sending.test_video import on_frames
from videos import a_video


@pytest.fixture
def other(sandbox, tmp_path):
    """Another machine: the same server, an outbox of its own."""
    with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as opened:
        yield opened


def edit(sandbox, name, change):
    """Save a file's boxes as a reviewer does; `change` gets the rows and gives those that are to be there."""
    file = next(file for file in sandbox.files() if file["original_filename"] == name)
    save(sandbox._store, file, change(sandbox._store.instances(file["id"])))


def drawn(row):
    box = {"type": "box", "label_file_id": row["label_file_id"], "machine_made": False}
    return box | {"x_min": 70, "y_min": 60, "x_max": 90, "y_max": 75}


def without_media(review):
    """What a pull found of files with predictions, but the media and the source's names: one machine knows them."""
    files = [dataclasses.replace(file, media="", image=UNKNOWN) for file in review.files if file.predicted]
    for file in files:
        file.sent.sort(key=lambda box: box.reference)
        file.predicted.sort(key=lambda box: box.reference)
        file.judged.sort(key=lambda box: (box.predicted or box.stored).reference)
    return sorted(files, key=lambda file: file.file_id)


@pytest.fixture
def reviewed(sandbox, diffgram, folder):
    """A run of four boxes on two files, pushed by two pushes, of which people have kept, moved and deleted some."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "b.txt").write_text(ROWS + "0 0.7 0.7 0.2 0.2 0.6\n")
    push(diffgram, predictions(folder))
    labels = diffgram.labels()
    edit(sandbox, "a.jpg", lambda rows: [rows[0] | {"x_max": rows[0]["x_max"] + 5}, drawn(rows[0])])
    edit(sandbox, "b.png", lambda rows: [rows[0], rows[1] | {"label_file_id": labels["cat"]}, rows[2]])
    return diffgram


def test_an_adopted_run_is_pulled_and_reported_as_on_the_first_machine(reviewed, other):
    """Kept, moved, relabelled, deleted, drawn."""
    adoption = other.adopt("r", directory="Default")
    assert (adoption.run.model, adoption.files, adoption.boxes, adoption.deleted) == ("m", 2, 5, 1)
    first, second = reviewed.pull("r"), other.pull("r")
    assert without_media(second) == without_media(first)
    fates = first.summary().fates
    assert fates == {"kept": 2, "moved": 1, "relabelled": 1, "deleted": 1, "added": 1}
    told, again = first.summary().as_dict(), second.summary().as_dict()
    assert told.pop("files") == again.pop("files") + 1  # c.jpg was sent without boxes: nothing there tells the run
    for each in (told, again):
        each["images"].sort(key=lambda image: image["file_id"])
    assert again == told


def test_the_end_of_each_packet_is_by_the_servers_clock(sandbox, diffgram, other, folder):
    """It is when the boxes came, as the first outbox has it to within the seconds of one push."""
    push(diffgram, predictions(folder))
    other.adopt("r", directory="Default")
    ended = [{e.file_name: e.ended for e in each.outbox.entries(1) if e.boxes} for each in (diffgram, other)]
    assert ended[0].keys() == ended[1].keys()
    assert all(abs(ended[0][name] - ended[1][name]) < 5 for name in ended[0])


def test_nothing_is_sent_by_adopting_and_by_going_on(sandbox, reviewed, other, folder):
    """Neither by `resume` nor by the same push again."""
    before = len(sandbox.inputs()), len(sandbox.files())
    other.adopt("r", directory="Default")
    assert other.resume("r", verify=True).exit_code == 0
    report = push(other, predictions(folder), create_empty=False)
    assert report.exit_code == 0
    assert report.tally.dropped == {"already-sent": 5}
    assert (len(sandbox.inputs()), len(sandbox.files())) == before


def test_adopting_twice_adds_nothing(reviewed, other):
    """Files that the outbox has are counted as known."""
    other.adopt("r", directory="Default")
    entries = other.outbox.entries(1)
    again = other.adopt("r", directory="Default")
    assert (again.files, again.boxes, again.known) == (0, 0, 2)
    assert other.outbox.entries(1) == entries
    own = reviewed.adopt("r", directory="Default")
    assert (own.files, own.known) == (0, 2)


def test_what_others_push_later_comes_with_the_next_adopt(diffgram, other, folder):
    """Only what is missing is added."""
    push(diffgram, predictions(folder))
    other.adopt("r", directory="Default")
    (folder / "labels" / "b.txt").write_text(ROWS)
    (folder / "labels" / "c.txt").write_text(ROWS)
    push(diffgram, predictions(folder), on_existing="append")
    more = other.adopt("r", directory="Default")
    assert (more.files, more.boxes, more.known) == (2, 3, 1)
    assert without_media(other.pull("r")) == without_media(diffgram.pull("r"))


def test_a_run_that_this_outbox_has_partly_is_completed(diffgram, other, folder):
    """Two machines pushed one file each."""
    push(other, predictions(folder).filter(min_score=0.5), skip_empty=True, create_empty=False)
    (folder / "labels" / "b.txt").unlink()
    push(diffgram, predictions(folder), on_existing="append", create_empty=False)
    (folder / "labels" / "c.txt").write_text(ROWS)
    push(diffgram, predictions(folder), create_empty=False)
    assert sorted((f.file_name, len(f.predicted)) for f in other.pull("r").files) == [("a.jpg", 1), ("b.png", 1)]
    adoption = other.adopt("r", directory="Default")
    assert (adoption.files, adoption.boxes, adoption.known) == (2, 3, 1)
    found = sorted((f.file_name, len(f.predicted)) for f in other.pull("r").files)
    assert found == [("a.jpg", 2), ("b.png", 1), ("c.jpg", 2)]


def test_replaced_boxes_are_not_predictions_any_more(diffgram, other, folder):
    """As on the first machine: the last push of the file counts."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "a.txt").write_text("0 0.7 0.7 0.2 0.2 0.6\n")
    push(diffgram, predictions(folder), existing=True, on_existing="replace-own")
    other.adopt("r", directory="Default")
    assert without_media(other.pull("r")) == without_media(diffgram.pull("r"))
    assert len(other.pull("r").files[0].predicted) == 1


def test_without_inputs_the_rows_and_references_tell(sandbox, diffgram, other, folder):
    """What was deleted is then unknown; corners, labels and scores of the rest are those that were sent."""
    push(diffgram, predictions(folder))
    edit(sandbox, "a.jpg", lambda rows: [rows[0] | {"x_max": rows[0]["x_max"] + 5}, rows[1]])
    sandbox._store.rows("DELETE FROM input")
    with pytest.raises(UsageError, match=r"run 'r', and the name of the model .* is missing \(tried: '', 'r'\)"):
        other.adopt("r", directory="Default")
    adoption = other.adopt("r", directory="Default", model="m")
    assert (adoption.files, adoption.boxes, adoption.deleted) == (2, 3, 0)
    assert without_media(other.pull("r")) == without_media(diffgram.pull("r"))


def test_a_rebuilt_packet_is_the_one_that_was_sent(sandbox, diffgram, other, folder):
    """Box by box, so that it can be sent again."""
    push(diffgram, predictions(folder))
    sandbox._store.rows("DELETE FROM input")
    other.adopt("r", directory="Default", model="m")
    sent, rebuilt = (
        {entry.file_name: boxes_of(each, entry) for entry in each.outbox.entries(1) if entry.boxes}
        for each in (diffgram, other)
    )
    assert rebuilt == sent


def boxes_of(diffgram, entry):
    boxes = msgspec.json.decode(diffgram.outbox.body(entry.id))["instance_list"]
    return sorted(boxes, key=lambda box: box["creation_ref_id"])


def test_annotations_are_adopted_without_a_model(diffgram, other, folder):
    """They bear none."""
    push(diffgram, predictions(folder), annotations=True)
    adoption = other.adopt("r", directory="Default")
    assert (adoption.run.model, adoption.files, adoption.boxes) == ("", 2, 3)


def test_several_models_with_a_run_of_one_name_are_to_be_told_apart(diffgram, other, folder):
    """The error lists them."""
    for model in ("m", "n"):
        push(diffgram, predictions(folder), model=model, on_existing="append")
    with pytest.raises(UsageError, match=r"of several models: m, n; name one with --model"):
        other.adopt("r", directory="Default")
    assert other.adopt("r", directory="Default", model="n").boxes == 3
    with pytest.raises(NotFound, match=r"no box of run 'r' of model 'x'; it has of: m, n"):
        other.adopt("r", directory="Default", model="x")


def test_a_run_that_is_not_there_is_an_error_that_lists_the_runs(diffgram, other, folder):
    """The outbox gets no run of that name."""
    push(diffgram, predictions(folder))
    with pytest.raises(NotFound, match=r"directory 'Default' has no box of run 'x'; the project's runs are: r"):
        other.adopt("x", directory="Default")
    assert other.outbox.runs() == []


def test_an_unknown_run_offers_to_adopt_it(other):
    """In the one line of the error."""
    for call in (other.pull, other.resume):
        with pytest.raises(OutboxError, match=r"no run 'my run'; .*: boxferry adopt 'my run' --directory NAME$"):
            call("my run")


def test_what_is_under_way_is_said_and_comes_later(tmp_path, folder, serve):
    """The server has accepted it, and has not applied it yet."""
    from boxferry.plan.patience import Patience
    from boxferry.sandbox.server import Sandbox

    with Sandbox(tmp_path / "slow", delay_s=0.0) as sandbox:
        with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as diffgram:
            push(diffgram, predictions(folder))
            sandbox.busy = True
            (folder / "labels" / "b.txt").write_text(ROWS)
            push(diffgram, predictions(folder), patience=Patience(wait_s=0))
        with Diffgram(server_of(sandbox), outbox=tmp_path / "other.sqlite") as other:
            assert other.adopt("r", directory="Default").under_way == 1
            sandbox.busy = False
            assert sandbox.wait_idle()
            assert (other.adopt("r", directory="Default").boxes, other.outbox.counts(1)) == (1, {"applied": (3, 4)})


def test_a_video_is_adopted_frame_by_frame(sandbox, diffgram, other, tmp_path):
    """With its tracks; whether inputs tell of it or only its rows."""
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "clip.mp4").write_bytes(a_video())
    push(diffgram, on_frames(tmp_path / "clips", [0, 5, 5, 29], tracks=[7, 7, 8, -1]))
    assert other.adopt("r", directory="Default").boxes == 4
    assert without_media(other.pull("r")) == without_media(diffgram.pull("r"))
    sandbox._store.rows("DELETE FROM input")
    with Diffgram(server_of(sandbox), outbox=tmp_path / "third.sqlite") as third:
        assert third.adopt("r", directory="Default", model="m").boxes == 4
        assert without_media(third.pull("r")) == without_media(diffgram.pull("r"))


def test_many_files_cost_few_calls(sandbox, diffgram, other, folder):
    """Thirty files cost no call each."""
    from PIL import Image as Picture

    for number in range(30):
        Picture.new("RGB", (100, 80), "grey").save(folder / "images" / f"n{number}.png")
        (folder / "labels" / f"n{number}.txt").write_text(ROWS)
    push(diffgram, predictions(folder))
    with counted(sandbox.host) as (host, calls):
        proxied = Diffgram(server_of(sandbox, host=host), outbox=other.outbox_path)
        assert proxied.adopt("r", directory="Default").files == 32
        assert sum(calls.counted().values()) < 12


def test_the_command_says_what_was_taken_up(sandbox, reviewed, tmp_path, monkeypatch, capsys):
    """And `pull` then knows the run."""
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host, "DIFFGRAM_PROJECT": sandbox.project, "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret, "BOXFERRY_OUTBOX": str(tmp_path / "third.sqlite"),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert boxferry(["report", "r"]) == 1
    assert "boxferry adopt r --directory NAME" in capsys.readouterr().err
    assert boxferry(["adopt", "r", "--directory", "Default"]) == 0
    said = capsys.readouterr().err
    assert "run 'r' of model 'm': added 2 files with 5 boxes, 1 of them deleted since" in said
    assert "the server does not keep class ids" in said
    assert "--names" in said
    assert boxferry(["report", "r", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["fates"]["deleted"] == 1
    assert boxferry(["adopt", "r", "--directory", "Default", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["known"] == 2


def test_a_part_that_a_failed_packet_left_is_adopted(sandbox, diffgram, other, folder):
    """Of a packet that ended badly those boxes count that are stored."""
    push(diffgram, predictions(folder))
    store = sandbox._store
    record = next(row for row in sandbox.inputs() if row["original_filename"] == "a.jpg")
    store.update("input", record["id"], {"status": "failed", "status_text": "one bad box"})
    edit(sandbox, "a.jpg", lambda rows: rows[:1])
    adoption = other.adopt("r", directory="Default")
    assert (adoption.boxes, adoption.deleted) == (2, 0)
    assert {State(e.state) for e in other.outbox.entries(1)} == {State.APPLIED}
    assert all(references_in(other.outbox.body(e.id)) for e in other.outbox.entries(1))


@pytest.mark.parametrize(
    ("begun", "held", "asked"),
    [(True, 10**9, 1 + 3), (False, 10**9, 1 + 4), (True, 10, 1 + 2 + 4)],
    ids=["by days", "singly", "singly, since days are too much for the memory"],
)
def test_inputs_beyond_one_list_are_read_by_days_or_singly(sandbox, diffgram, folder, monkeypatch, begun, held, asked):
    """Where more are there than one list shows: whole days where the beginning is known, else file by file."""
    monkeypatch.setattr(file_inputs, "MOST_HELD", held)
    push(diffgram, predictions(folder))
    monkeypatch.setattr(file_inputs, "LIST_LIMIT", 2)
    ids = [file["id"] for file in sandbox.files()]
    with counted(sandbox.host) as (host, calls):
        client = Diffgram(server_of(sandbox, host=host))._client
        since = lambda: time.time() if begun else None  # noqa: E731
        found = FileInputs(client, sandbox.directory_id, since=since, singly=1).of([*ids, 4711])
    assert {file_id: len(records) for file_id, records in found.items()} == dict.fromkeys(ids, 1)
    assert len(calls) == asked

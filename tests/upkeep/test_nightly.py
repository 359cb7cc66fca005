"""One command for a night: earlier runs are gone on with, tonight's is pushed, whatever the others came to."""

import json
import threading
from dataclasses import replace

import pytest

from boxferry.cli.app import run as boxferry
from boxferry.collector.disk_queue import keep
from boxferry.collector.disk_queue_format import DiskQueueHead, disk_queue_folder, write_head
from boxferry.errors import InputError, OutboxBusy, Unreachable
from boxferry.upkeep.nightly import alone
from collector.collecting import OPTIONS
from sending.pushing import A_BOXES, boxes_in, predictions, push


def tonight(diffgram, folder, **more):
    given = {"directory": "Default", "model": "m", "run": "tonight", "options": OPTIONS} | more
    return diffgram.nightly(lambda: predictions(folder), **given)


def command(folder, *more, source="labels"):
    """The arguments of `boxferry nightly` for a folder."""
    options = ["--names", "cat,dog", "--images", str(folder / "images"), "--directory", "Default", "--labels", "create"]
    return ["nightly", str(folder / source), *options, "--model", "m", "--run", "tonight", "--json", *more]


def broken_off(diffgram, folder, monkeypatch, *, run="earlier"):
    """A run whose packets were stored and not sent, since the server went away."""

    def gone(*_):
        raise Unreachable("gone")

    with monkeypatch.context() as patched:
        patched.setattr(diffgram._client, "upload", gone)
        assert push(diffgram, predictions(folder), run=run).exit_code == 4


def test_earlier_runs_are_gone_on_with_before_tonights(sandbox, diffgram, folder, monkeypatch):
    """Both are applied, each under its own run; the pictures of the earlier one are not sent twice."""
    broken_off(diffgram, folder, monkeypatch)
    (folder / "labels" / "a.txt").write_text("1 0.7 0.7 0.1 0.1 0.9\n")
    report = diffgram.nightly(
        lambda: predictions(folder),
        directory="Default",
        model="n",
        run="tonight",
        options=replace(OPTIONS, on_existing="append"),
    )
    assert (report.exit_code, report.quiet) == (0, "")
    assert [step.report.run.name for step in (*report.earlier, report.tonight)] == ["earlier", "tonight"]
    assert boxes_in(sandbox, "a.jpg") == sorted([*A_BOXES, (65, 52, 75, 60)])
    assert len(sandbox.files()) == 3


def test_a_dry_run_names_the_earlier_runs_and_plans_tonights(sandbox, diffgram, folder, monkeypatch, settings, capsys):
    """Nothing is sent and nothing is resumed, even while another night is under way; then the same is done."""
    broken_off(diffgram, folder, monkeypatch)
    arguments = command(folder, "--dry-run")
    with alone(diffgram.outbox_path):
        assert boxferry(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(step["run"], step["report"], step["error"]) for step in told["earlier"]] == [("1", None, None)]
    assert [planned["file_name"] for planned in told["tonight"]["report"]["planned"]] == ["a.jpg", "b.png"]
    assert (sandbox.inputs(), sandbox.files(), diffgram.unfinished()) == ([], [], ["1"])
    arguments.remove("--json")
    assert boxferry(arguments) == 0
    shown = capsys.readouterr().err
    assert "earlier run 1 would be resumed\n" in shown
    assert shown.splitlines()[-1].startswith("next: boxferry nightly ")
    assert "--dry-run" not in shown.splitlines()[-1]
    assert boxferry([*command(folder), "--on-existing", "append"]) == 0
    assert len(sandbox.files()) == 3


def test_trouble_with_an_earlier_run_does_not_keep_tonights_from_being_pushed(sandbox, diffgram, folder, monkeypatch):
    """It shows in the exit code; here the earlier run's picture is another one by now."""
    broken_off(diffgram, folder, monkeypatch)
    for name in ("a.jpg", "b.png", "c.jpg"):
        (folder / "images" / name).rename(folder / "images" / f"new-{name}")
    for name in ("a.txt", "b.txt"):
        (folder / "labels" / name).rename(folder / "labels" / f"new-{name}")
    report = tonight(diffgram, folder)
    assert (report.earlier[0].exit_code, report.tonight.exit_code, report.exit_code) == (1, 0, 1)
    assert boxes_in(sandbox, "new-a.jpg") == A_BOXES


def test_a_source_that_cannot_be_read_holds_no_earlier_run_up(sandbox, diffgram, folder, monkeypatch):
    """The exit code is the source's."""
    broken_off(diffgram, folder, monkeypatch)

    def unreadable():
        raise InputError("no such file")

    report = diffgram.nightly(unreadable, directory="Default", model="m", run="tonight", options=OPTIONS)
    assert (report.earlier[0].exit_code, report.exit_code, str(report.tonight.error)) == (0, 2, "no such file")
    assert boxes_in(sandbox, "a.jpg") == A_BOXES


def test_where_the_server_lets_nothing_through_the_other_runs_are_not_tried(diffgram, folder, monkeypatch):
    """Each says why, tonight's is tried all the same."""
    broken_off(diffgram, folder, monkeypatch)
    broken_off(diffgram, folder, monkeypatch, run="other")
    tried = []

    def gone(*arguments):
        tried.append(arguments)
        raise Unreachable("gone")

    monkeypatch.setattr(diffgram._client, "upload", gone)
    report = tonight(diffgram, folder)
    assert [step.exit_code for step in (*report.earlier, report.tonight)] == [4, 4, 4]
    assert [step.report is None for step in report.earlier] == [False, True]


def test_what_a_collector_left_on_disk_is_sent(sandbox, diffgram, folder):
    """Though no outbox knows its run."""
    place = (diffgram.server.host, diffgram.server.project)
    spool = disk_queue_folder(diffgram.outbox_path, *place, "Default", "m", "loop")
    options = {"labels": "create"}
    images = str(folder / "images")
    head = DiskQueueHead(
        host=place[0], project=place[1], directory="Default", model="m", run="loop", images=images, options=options
    )
    image = {"key": "a.jpg", "width": 100, "height": 80}
    line = {"boxferry": 1, "image": image, "xyxy": [[1.0, 1.0, 9.0, 9.0]], "label": ["cat"], "score": [0.5]}
    keep(spool, [json.dumps(line).encode() + b"\n"])
    write_head(spool, head)
    report = diffgram.nightly(
        lambda: None, directory="Default", model="m", run="tonight", options=OPTIONS, quiet="quiet"
    )
    assert [(step.run, step.exit_code) for step in report.earlier] == [("m/loop", 0)]
    assert (boxes_in(sandbox, "a.jpg"), diffgram.waiting()) == ([(1, 1, 9, 9)], [])


def test_a_stuck_packet_of_an_earlier_run_is_looked_at_and_shows(diffgram, folder):
    """Though nothing else of the run is left to do."""
    push(diffgram, predictions(folder), run="earlier")
    diffgram.outbox._db.execute("UPDATE packet SET state = 'stuck', batch_id = NULL WHERE id = 1")
    report = diffgram.nightly(
        lambda: None, directory="Default", model="m", run="tonight", options=OPTIONS, quiet="quiet"
    )
    assert [step.run for step in report.earlier] == ["1"]


@pytest.mark.parametrize("rows", ["no-folder", "empty-folder", "empty-files"])
def test_a_quiet_night_is_a_success_that_says_so(folder, settings, capsys, rows):
    """An empty folder, and files without a row; a folder that is not there is a mistake."""
    (folder / "quiet").mkdir()
    if rows == "empty-files":
        (folder / "quiet" / "a.txt").write_text("")
    if rows == "no-folder":
        (folder / "quiet").rmdir()
    code = boxferry(command(folder, source="quiet"))
    told = json.loads(capsys.readouterr().out)
    if rows == "no-folder":
        assert (code, told["quiet"], told["tonight"]["exit_code"]) == (2, "", 2)
    else:
        assert (code, told["exit_code"]) == (0, 0)
        assert told["quiet"].startswith("nothing predicted")
        assert told["tonight"] is None


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("DIFFGRAM_CLIENT_SECRET", "wrong", 3),
        ("viewer", "", 3),
        ("DIFFGRAM_HOST", "http://127.0.0.1:9", 4),
        ("directory", "elsewhere", 2),
    ],
)
def test_a_quiet_night_notices_that_nothing_could_have_been_pushed(
    sandbox, folder, settings, monkeypatch, capsys, name, value, code
):
    """A wrong key, one that may not write, a server that is gone, no such directory; the quiet is told too."""
    (folder / "quiet").mkdir()
    arguments = command(folder, source="quiet")
    if name == "viewer":
        monkeypatch.setenv("DIFFGRAM_CLIENT_ID", sandbox.viewer_id)
        monkeypatch.setenv("DIFFGRAM_CLIENT_SECRET", sandbox.viewer_secret)
    elif name == "directory":
        arguments[arguments.index("Default")] = value
    else:
        monkeypatch.setenv(name, value)
    assert boxferry(arguments) == code
    told = json.loads(capsys.readouterr().out)
    assert (told["exit_code"], told["tonight"]["exit_code"], told["tonight"]["report"]) == (code, code, None)
    assert told["quiet"].startswith("nothing predicted")


@pytest.mark.parametrize("suffix", ["txt", "csv", "jsonl", "json", "parquet"])
def test_an_empty_file_of_lines_is_a_quiet_night_and_any_other_one_is_broken(folder, settings, capsys, suffix):
    """A detector that opened its file and found nothing; and one that was killed while it wrote."""
    (folder / f"results.{suffix}").touch()
    code = boxferry(command(folder, source=f"results.{suffix}"))
    told = json.loads(capsys.readouterr().out)
    quiet = suffix in {"txt", "csv", "jsonl"}
    assert (code, bool(told["quiet"])) == (0 if quiet else 2, quiet), told


def test_an_error_of_two_lines_is_two_lines(folder, settings, capsys):
    """As every other command prints it."""
    (folder / "results.json").touch()
    arguments = command(folder, source="results.json")
    arguments.remove("--json")
    assert boxferry(arguments) == 2
    lines = capsys.readouterr().err.splitlines()
    assert any(line.startswith("boxferry: ") and line.endswith("it is empty") for line in lines), lines


def test_an_empty_coco_file_is_a_quiet_night_too(folder, settings, capsys):
    """A detector that found nothing writes []."""
    (folder / "results.json").write_text("[]")
    categories = folder / "categories.json"
    categories.write_text(json.dumps({"images": [], "annotations": [], "categories": [{"id": 0, "name": "cat"}]}))
    code = boxferry(command(folder, "--format", "coco", "--categories", str(categories), source="results.json"))
    told = json.loads(capsys.readouterr().out)
    assert (code, told["quiet"]) == (0, "nothing predicted: no images"), told


def test_the_command_pushes_and_the_same_again_sends_nothing(sandbox, folder, settings, capsys):
    """One JSON with both; a table of words without --json."""
    assert boxferry(command(folder)) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["earlier"], told["tonight"]["report"]["states"]["applied"]["boxes"]) == ([], 3)
    sent = len(sandbox.inputs())
    arguments = command(folder)
    arguments.remove("--json")
    assert boxferry(arguments) == 0
    assert "tonight's run tonight" in capsys.readouterr().err
    assert (boxes_in(sandbox, "a.jpg"), len(sandbox.inputs())) == (A_BOXES, sent)


def test_two_nights_at_once_are_one(diffgram, folder, settings):
    """The second ends with exit code 4 and does nothing."""
    held, over = threading.Event(), threading.Event()

    def hold():
        with alone(diffgram.outbox_path):
            held.set()
            over.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(5)
    with pytest.raises(OutboxBusy, match="another nightly run"):
        tonight(diffgram, folder)
    assert boxferry(command(folder)) == 4
    over.set()
    thread.join()
    assert tonight(diffgram, folder).exit_code == 0

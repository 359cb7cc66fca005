"""Runs that are over: hidden when retired, and forgotten when that is asked for."""

import json

import pytest

from boxferry.cli.app import run as boxferry
from boxferry.errors import OutboxError, UsageError
from sending.conftest import diffgram, folder  # noqa: F401 # fixtures
from sending.pushing import predictions, push


@pytest.fixture
def outbox(diffgram, folder):  # noqa: F811 # the fixtures
    """The options for the outbox of a machine that pushed two runs and retired the first."""
    push(diffgram, predictions(folder))
    (folder / "labels" / "a.txt").write_text("1 0.7 0.7 0.1 0.1 0.9\n")
    push(diffgram, predictions(folder), run="second", existing=True)
    diffgram.retire("r", remove=True)
    return ["--outbox", str(diffgram.outbox_path)]


def test_retired_runs_are_hidden_unless_all_are_asked_for(outbox, capsys):
    """In the table, as JSON and as records; and that they are is said."""
    for options in ([], ["--json"], ["--ndjson"]):
        assert boxferry(["status", *outbox, *options]) == 0
        told = capsys.readouterr()
        assert "second" in told.out
        assert "1 retired run is not listed" in told.err
    assert boxferry(["status", *outbox, "--all", "--json"]) == 0
    told = capsys.readouterr()
    assert [run["name"] for run in json.loads(told.out)["runs"]] == ["r", "second"]
    assert "not listed" not in told.err
    assert boxferry(["status", "r", *outbox]) == 0, "named, it is shown"


def test_a_run_is_forgotten_and_the_server_stays_as_it_is(sandbox, diffgram, outbox, capsys):  # noqa: F811
    """What was kept of its pulls goes too; `adopt` brings it back."""
    diffgram.pull("second")
    kept = list(diffgram.outbox_path.with_name(f"{diffgram.outbox_path.name}.pull").glob("run-*"))
    boxes = sandbox.boxes("a.jpg")
    assert boxferry(["status", "--forget", "second", *outbox]) == 0
    assert "nothing was removed from the server" in capsys.readouterr().err
    assert [run.name for run in diffgram.outbox.runs()] == ["r"]
    assert (sandbox.boxes("a.jpg"), [path.exists() for path in kept]) == (boxes, [False])
    with pytest.raises(OutboxError, match="no run 'second'"):
        diffgram.forget("second")
    diffgram.adopt("second", directory="Default")
    assert diffgram.pull("second").files


def test_what_has_not_ended_is_forgotten_only_by_name(diffgram, outbox, capsys):  # noqa: F811
    """The message says how many packets, and both ways on."""
    diffgram.outbox._db.execute("UPDATE packet SET state = 'queued' WHERE run_id = 2")
    with pytest.raises(UsageError, match="2 packets are not finished: resume it"):
        diffgram.forget("second")
    assert boxferry(["status", "--forget", "second", *outbox]) == 2
    assert boxferry(["status", "--forget", "second", "--unfinished", "--json", *outbox]) == 0
    assert json.loads(capsys.readouterr().out)["forgotten"]["name"] == "second"


@pytest.mark.parametrize("options", [["--unfinished"], ["--forget", "r", "--check"], ["r", "--forget", "r"]])
def test_options_that_do_not_go_together_are_said(outbox, options):
    """Exit code 2."""
    assert boxferry(["status", *options, *outbox]) == 2


def test_results_that_wait_on_disk_are_not_forgotten(sandbox, diffgram, folder):  # noqa: F811
    """They are counted, and stay on disk where the run is forgotten all the same."""
    from boxferry.collector.disk_queue import keep
    from boxferry.collector.disk_queue_format import DiskQueueHead, disk_queue_folder, write_head

    push(diffgram, predictions(folder))
    place = (diffgram.server.host, diffgram.server.project)
    spool = disk_queue_folder(diffgram.outbox_path, *place, "Default", "m", "r")
    head = DiskQueueHead(host=place[0], project=place[1], directory="Default", model="m", run="r")
    keep(spool, [b'{"image":{"key":"z.jpg"},"xyxy":[],"label":[]}\n'])
    write_head(spool, head)
    with pytest.raises(UsageError, match="0 packets are not finished and 1 images wait on disk"):
        diffgram.forget("r")
    assert diffgram.forget("r", unfinished=True).waiting == 1
    assert [each.images for each in diffgram.waiting()] == [1]

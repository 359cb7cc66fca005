"""The metrics file: in Prometheus's format, whole or not at all, with the numbers of the result, on failure too."""

import math
import os
import stat

import pytest

from boxferry import AuthError
from boxferry.cli.app import run as boxferry
from boxferry.observing import events
from boxferry.observing.metrics_file import ENDING, Counts, metrics_file, text
from boxferry.observing.names import Metric
from boxferry.stopping import Terminated
from sending.pushing import predictions, push

parser = pytest.importorskip("prometheus_client.parser")


def parsed(content):
    """Name of the series → labels without those that all have → value."""
    found = {}
    for family in parser.text_string_to_metric_families(content):
        assert (family.type, bool(family.documentation)) == ("gauge", True)
        for sample in family.samples:
            labels = {k: v for k, v in sample.labels.items() if k not in {"batch", "command"}}
            found.setdefault(sample.name, {})["".join(labels.values())] = sample.value
    return found


def command(folder, *more):
    options = ["--names", "cat,dog", "--images", str(folder / "images"), "--directory", "Default", "--labels", "create"]
    return ["push", str(folder / "labels"), *options, "--run", "r", "--min-score", "0.5", *more]


def test_a_push_leaves_the_numbers_of_its_result(sandbox, settings, diffgram, folder, capsys):
    """Read as a parser of Prometheus reads it; anybody may read the file."""
    import json

    path = folder / "cars.prom"
    assert boxferry(command(folder, "--create-empty", "--json", "--metrics-file", str(path))) == 0
    result, found = json.loads(capsys.readouterr().out), parsed(path.read_text())
    assert found["boxferry_boxes_read"] == {"": result["boxes"]["read"]}
    assert found["boxferry_boxes_dropped"] == result["boxes"]["dropped"] == {"below-threshold": 1}
    assert found["boxferry_run_packets"] == {state: each["packets"] for state, each in result["states"].items()}
    assert found["boxferry_run_boxes"] == {state: each["boxes"] for state, each in result["states"].items()}
    assert found["boxferry_exit_code"] == {"": 0}
    assert found["boxferry_stage_duration_seconds"]["push"] <= found["boxferry_duration_seconds"][""]
    assert 'boxferry_exit_code{batch="cars",command="push"} 0' in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [each.name for each in folder.glob("*cars.prom*")] == ["cars.prom"]


@pytest.mark.parametrize(
    ("change", "code"),
    [(["--run", ""], None), (["--directorx", "x"], 2), (["--directory", "none"], 2)],
    ids=["run", "option", "directory"],
)
def test_a_command_that_fails_leaves_its_exit_code(sandbox, settings, folder, change, code, monkeypatch):
    """Also where its arguments are wrong, so that a cron line that never worked is seen."""
    monkeypatch.setenv("BOXFERRY_METRICS_FILE", str(folder / "m.prom"))
    ended = boxferry(command(folder, *change))
    assert ended == (ended if code is None else code)
    found = parsed((folder / "m.prom").read_text())
    assert found["boxferry_exit_code"] == {"": ended}
    assert found["boxferry_end_timestamp_seconds"][""] > 1.7e9


def test_a_folder_that_is_not_there_ends_the_command_before_it_sends(sandbox, settings, folder, capsys):
    """Exit code 2, and one line."""
    assert boxferry(command(folder, "--metrics-file", str(folder / "none" / "m.prom"))) == 2
    assert capsys.readouterr().err == f"boxferry: {folder}/none: there is no such folder for the metrics file\n"
    assert not sandbox.files()


def test_a_path_that_is_a_folder_ends_the_command_before_it_sends(sandbox, settings, folder, capsys):
    """It would be known only after the push that no file can take its place."""
    assert boxferry(command(folder, "--metrics-file", str(folder))) == 2
    assert capsys.readouterr().err == f"boxferry: {folder}: the metrics file is a folder\n"
    assert not sandbox.files()


@pytest.mark.parametrize("more", [[], ["--directory", "none"]], ids=["done", "failed"])
def test_a_folder_that_goes_away_meanwhile_changes_no_exit_code(sandbox, settings, folder, more, capsys, monkeypatch):
    """What was sent is sent, and what a retry would mend is to be retried: it is a warning."""
    (folder / "text").mkdir()
    monkeypatch.setattr("boxferry.observing.metrics_file.text", lambda *_: (folder / "text").rmdir() or "")
    assert boxferry(command(folder, *more, "--metrics-file", str(folder / "text" / "m.prom"))) == (2 if more else 0)
    assert "the metrics file was not written: No such file or directory" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["formats"], ["push", "--help"], ["push", "-h"], ["push", "--dry-run"]])
def test_a_command_that_does_nothing_of_the_kind_leaves_the_file_alone(arguments, monkeypatch, tmp_path, capsys):
    """Although the environment names it: a look at the help is no night that went well."""
    monkeypatch.setenv("BOXFERRY_METRICS_FILE", str(tmp_path / "m.prom"))
    boxferry(arguments)
    assert not (tmp_path / "m.prom").exists()


def test_from_python_an_error_sets_the_exit_code(tmp_path):
    """And is raised on."""
    with pytest.raises(AuthError), metrics_file(tmp_path / "m.prom", command="nightly"):
        raise AuthError("no")
    assert parsed((tmp_path / "m.prom").read_text())["boxferry_exit_code"] == {"": 3}


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (Terminated(), 143), (SystemExit(4), 4), (SystemExit(), 0)]
)
def test_from_python_what_ends_the_program_sets_the_exit_code_that_it_has_then(tmp_path, error, code):
    """Ctrl-C, SIGTERM and `sys.exit`."""
    with pytest.raises(type(error)), metrics_file(tmp_path / "m.prom", command="nightly"):
        raise error
    assert parsed((tmp_path / "m.prom").read_text())["boxferry_exit_code"] == {"": code}


def test_from_python_a_folder_that_is_not_there_is_known_before_anything_is_done(tmp_path):
    """Not after the push, whose result would be lost with it."""
    with pytest.raises(FileNotFoundError), metrics_file(tmp_path / "none" / "m.prom", command="push"):
        pytest.fail("it has begun")


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    """Nor is anything else left in the folder."""
    path = tmp_path / "m.prom"
    path.write_text("old")
    monkeypatch.setattr(os, "fdopen", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError), metrics_file(path, command="push"):
        pass
    assert (path.read_text(), [each.name for each in tmp_path.iterdir()]) == ("old", ["m.prom"])


def test_labels_are_escaped(tmp_path):
    """A plugin may have any name, and a file any, too."""
    odd = 'a"b\\c\nd é \udcff'
    counts = Counts()
    with events.observed(counts):
        events.count(Metric.DROPPED, 2, odd)
    found = parsed(text(counts, dict.fromkeys(ENDING, 0.0), {"batch": odd}))
    assert found["boxferry_boxes_dropped"] == {'a"b\\c\nd é \\udcff': 2}


def test_several_runs_are_added_up_each_as_it_stands_last(tmp_path):
    """A run that is resumed and then pushed again in one night counts once."""
    counts = Counts()
    with events.observed(counts):
        events.stands(1, {"queued": (2, 4)})
        events.stands(2, {"applied": (1, 1)})
        events.stands(1, {"applied": (2, 4)})
    assert counts.values[Metric.RUN_PACKETS] == {"applied": 3}
    assert math.isclose(counts.values[Metric.RUN_BOXES]["applied"], 5)


def test_a_nightly_counts_all_of_its_runs(sandbox, diffgram, folder, tmp_path):
    """In Python, by the same file."""
    with metrics_file(tmp_path / "night.prom", command="nightly") as recording:
        report = diffgram.nightly(
            lambda: predictions(folder), directory="Default", model="m", run="r", labels="create", create_empty=True
        )
        recording.exit_code = report.exit_code
    found = parsed((tmp_path / "night.prom").read_text())
    assert found["boxferry_boxes_read"] == {"": report.tonight.report.tally.read}
    assert found["boxferry_packets"]["applied"] == 3
    assert push(diffgram, predictions(folder)).exit_code == 0

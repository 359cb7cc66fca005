"""`--log-format json`: each line on standard error is one JSON object; standard output is as ever."""

import json
import logging

import pytest

from boxferry.cli.app import run as boxferry
from boxferry.cli.logs import LINE, JsonFormatter, draws
from boxferry.cli.progress import progress
from boxferry.observing.names import Fact

KNOWN = {*LINE, *(fact.value for fact in Fact)}


@pytest.fixture(autouse=True)
def text_again():
    """The log of the process, as other tests expect it."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:], root.level = handlers, level


def records(capsys):
    """The lines of standard error, each with no field that is not in the docs."""
    found = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert not {key for record in found for key in record} - KNOWN
    return found


def command(folder, *more):
    options = ["--names", "cat,dog", "--images", str(folder / "images"), "--directory", "Default", "--labels", "create"]
    return ["push", str(folder / "labels"), *options, "--run", "r", "--model", "m", *more]


def test_of_a_push_each_line_has_its_command_and_run(sandbox, settings, folder, capsys):
    """With -v the packets too; the table on standard output is the same."""
    (folder / "labels" / "b.txt").write_text("7 0.5 x 0.2 0.25 0.9\n0 0.5 0.5 0.2 0.2 0.9\n")
    assert boxferry(["--log-format", "json", *command(folder, "-v")]) == 0
    out = capsys.readouterr()
    lines = [json.loads(line) for line in out.err.splitlines()]
    assert out.out.splitlines()[0].split() == ["state", "packets", "boxes"]
    assert not {key for line in lines for key in line} - KNOWN
    assert {line["command"] for line in lines} == {"push"}
    packets = [line for line in lines if line["message"].startswith("applied ")]
    assert {(line["file"], line["run"], line["state"]) for line in packets} == {
        ("a.jpg", "r", "applied"),
        ("b.png", "r", "applied"),
    }
    (dropped,) = [line for line in lines if line.get("code")]
    assert (dropped["code"], dropped["line"], dropped["level"]) == ("bad-row", 1, "info")
    assert dropped["file"].endswith("b.txt")
    (ended,) = [line for line in lines if line["message"].startswith("push ended")]
    assert (ended["exit_code"], ended["stage"], ended["model"]) == (0, "push", "m")
    assert ended["seconds"] > 0
    assert ended["time"].endswith("Z")


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--log-format", "json", "push", "x", "--directorx"], "no option --directorx"),
        (["push", "--log-format=json", "x"], "--directory"),
        (["convert", "none", "-o", "x", "--log-format", "json"], "none"),
        (["--log-format", "json", "pusch"], "no command"),
    ],
    ids=["option", "missing", "source", "command"],
)
def test_a_mistake_is_one_object_with_its_exit_code(arguments, word, capsys):
    assert boxferry(arguments) == 2
    (line,) = records(capsys)
    assert (line["level"], line["exit_code"]) == ("error", 2)
    assert word in line["message"]


def test_it_comes_from_the_environment_or_the_file(tmp_path, monkeypatch, capsys):
    """The option counts before the environment, that before the file."""
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(tmp_path / "config.toml"))
    wrong = ["convert", "none", "-o", "x"]
    (tmp_path / "config.toml").write_text('[observability]\nlog_format = "json"\n')
    assert boxferry(wrong) == 2
    assert records(capsys)
    monkeypatch.setenv("BOXFERRY_LOG_FORMAT", "text")
    assert boxferry(wrong) == 2
    assert capsys.readouterr().err.startswith("boxferry: ")
    assert boxferry([*wrong, "--log-format", "json"]) == 2
    assert records(capsys)
    assert boxferry(["--log-format", "text", *wrong, "--log-format=json"]) == 2
    assert records(capsys)


@pytest.mark.parametrize(
    ("variable", "file", "words"),
    [
        ("yaml", "", "BOXFERRY_LOG_FORMAT: 'yaml', expected one of text, json"),
        ("", 'log_format = "yaml"', "log_format: 'yaml', expected one of text, json"),
        ("", "log_formats = 1", "expected texts under [observability]: log_format, metrics_file"),
    ],
)
def test_a_format_that_there_is_not_is_one_line(variable, file, words, tmp_path, monkeypatch, capsys):
    """Exit code 2, wherever it was named."""
    (tmp_path / "config.toml").write_text(f"[observability]\n{file}\n")
    monkeypatch.setenv("DIFFGRAM_CONFIG", str(tmp_path / "config.toml"))
    monkeypatch.setenv("BOXFERRY_LOG_FORMAT", variable)
    assert boxferry(["formats"]) == 2
    assert capsys.readouterr().err.rstrip().endswith(words)


def test_a_wrong_option_is_one_line(capsys):
    """With the words that it takes."""
    assert boxferry(["formats", "--log-format", "xml"]) == 2
    assert capsys.readouterr().err == "boxferry: --log-format: 'xml' is not one of text, json\n"


def test_a_line_is_ascii_and_one_line(monkeypatch):
    """Whatever a server, a file or a plugin is called; a traceback is a field."""
    error = ValueError("x\n\u202ey\x1b[2J")
    record = logging.LogRecord("a", logging.ERROR, "", 0, "%s", (error,), (ValueError, error, None))
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["message"] == "x\n\u202ey\x1b[2J"
    assert "ValueError" in json.loads(line)["traceback"]


def test_a_line_whose_arguments_do_not_fit_is_a_line():
    """Of a library; logging would write its own complaint, and a traceback."""
    record = logging.LogRecord("a", logging.ERROR, "", 0, "%d boxes", ("x",), None)
    assert json.loads(JsonFormatter().format(record))["message"] == "'%d boxes' ('x',)"


def test_no_bar_is_drawn(monkeypatch):
    """On a terminal either."""
    from boxferry.cli.logs import log_to_stderr

    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    log_to_stderr(0, "text")
    assert draws()
    log_to_stderr(0, "json")
    assert not draws()
    with progress() as listener:
        assert type(listener).__name__ == "Lines"

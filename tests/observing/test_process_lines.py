"""What Python itself writes on standard error is a log line too, and a signal that ends a command ends it with one."""

import contextlib
import json
import signal
import subprocess
import time

import pytest

from processes import COMMAND_LINE, Process, run

#: what a plugin, or a library below it, may do
STRANGE = """
import gc, sys, threading, warnings
import boxferry.cli.app as app

class Left:
    def __del__(self):
        raise ValueError("left behind")

def run(arguments):
    app.log_to_stderr(0, "json")
    warnings.warn("old\\nways", stacklevel=1)
    thread = threading.Thread(target=lambda: 1 / 0)
    thread.start()
    thread.join()
    Left()
    gc.collect()
    raise LookupError("at last")

app.run = run
from boxferry.cli.main import main
main()
"""


def test_warnings_and_errors_that_nothing_catches_are_objects():
    """A warning, an error in a thread, one of a destructor, and one that ends the program."""
    done = run(STRANGE)
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["level"] for line in lines] == ["warning", "error", "error", "error"]
    words = ("UserWarning: old ways", "ZeroDivisionError", "left behind", "at last")
    assert all(word in line["message"] for line, word in zip(lines, words, strict=True))
    assert all("Traceback" in line["traceback"] for line in lines[1:])
    assert done.returncode == 1


def test_as_text_they_are_pythons_own():
    done = run(STRANGE.replace('"json"', '"text"'))
    assert "UserWarning: old" in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") == 3


def test_without_a_standard_error_a_command_does_what_it_does(tmp_path):
    """As cron lines that end with `2>&-` have it."""
    (tmp_path / "a.txt").write_text("0 0.5 0.5 0.2 0.2\n")
    command = f"import os, sys; os.close(2); sys.stderr = None; {COMMAND_LINE}"
    done = run(command, "convert", "a.txt", "--names", "cat", "--size", "10x10", "-o", "b.json", cwd=tmp_path)
    assert done.returncode == 0
    assert (tmp_path / "b.json").stat().st_size


@pytest.fixture
def waiting(tmp_path):
    """A sandbox as a process that runs until it is ended; called with a signal, its code and its lines."""

    @contextlib.contextmanager
    def started():
        arguments = ["sandbox", "--port", "0", "--log-format", "json"]
        with (tmp_path / "err").open("w+b") as err, contextlib.ExitStack() as stack:
            process = stack.enter_context(Process(COMMAND_LINE, *arguments, stdout=subprocess.PIPE, stderr=err))
            stack.callback(process.kill)
            while not (tmp_path / "err").stat().st_size:
                time.sleep(0.002)
            yield process

    def ended(number):
        with started() as process:
            process.send_signal(number)
            code = process.wait(20)
        return code, [json.loads(line) for line in (tmp_path / "err").read_text().splitlines()]

    return ended


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_command_with_its_line_and_code(waiting, number, code):
    """SIGTERM as Ctrl-C does: process 1 of a container would not be ended by it at all."""
    found, lines = waiting(number)
    assert found == code
    assert (lines[-1]["message"], lines[-1]["exit_code"]) == ("boxferry: interrupted", code)

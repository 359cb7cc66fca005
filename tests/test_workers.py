"""Other processes: the same results in the same order, whatever becomes of the processes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from boxferry.errors import BoxferryError, InputError, UsageError
from boxferry.workers import Workers


def boxferry(*arguments):
    """A whole process."""
    command = [sys.executable, "-c", "from boxferry.cli.main import main; main()", *map(str, arguments)]
    return subprocess.run(command, check=False, capture_output=True, text=True)


def square(number):
    return number * number


def fail_at_seven(number):
    if number == 7:
        raise InputError("seven: not wanted")
    return number


def end_at_seven(number):
    if number == 7:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def a_lambda(number):
    return lambda: number


@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize(("count", "batch"), [(0, 1), (1, 4), (9, 1), (100, 7)])
def test_results_come_in_order(jobs, count, batch):
    """However many there are, and however they are dealt out."""
    assert list(Workers(jobs).map(square, range(count), batch)) == [n * n for n in range(count)]


@pytest.mark.parametrize("jobs", [1, 3])
def test_an_error_is_raised_where_its_item_would_have_come(jobs):
    """As with one process, results before it come first."""
    results = Workers(jobs).map(fail_at_seven, range(20))
    assert [next(results) for _ in range(7)] == list(range(7))
    with pytest.raises(InputError, match=r"^seven: not wanted$"):
        next(results)


def test_a_process_that_is_ended_is_said_in_one_line():
    """And nobody waits for it."""
    with pytest.raises(BoxferryError, match=r"a worker process was killed.*--jobs 1"):
        list(Workers(2).map(end_at_seven, range(20)))


def test_what_cannot_be_sent_back_is_an_error():
    """Not a process that hangs."""
    with pytest.raises(BoxferryError, match="lambda"):
        list(Workers(2).map(a_lambda, range(3)))


def test_large_results_do_not_lock_up():
    """A pipe holds little: both sides could wait for the other."""
    items = [b"x" * 2_000_000] * 9
    assert [len(each) for each in Workers(2).map(bytes, items)] == [2_000_000] * 9


def test_what_is_left_undone_leaves_no_process():
    """A map that is not gone through to its end."""
    results = Workers(3).map(process_of, range(50))
    processes = {next(results) for _ in range(9)}
    assert os.getpid() not in processes
    results.close()
    deadline = time.monotonic() + 10
    while any(alive(process) for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def process_of(_):
    return os.getpid()


def alive(process):
    state = Path(f"/proc/{process}/stat")
    return state.exists() and state.read_text().rpartition(")")[2].split()[0] != "Z"


def test_workers_end_with_the_process_that_they_work_for():
    """Killed at once, it leaves nobody behind."""
    program = (
        "import os, time\nfrom boxferry.workers import Workers\n"
        "def f(n):\n    os.write(1, b'%d\\n' % os.getpid())\n    return n\n"
        "list(zip(Workers(2).map(f, iter(range(4))), map(time.sleep, [0, 0, 0, 60])))\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as running:
        processes = {int(running.stdout.readline()) for _ in range(4)}
        running.kill()
    deadline = time.monotonic() + 10
    while any(alive(process) for process in processes):
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("jobs", ["0", "65", "-1"])
def test_a_number_of_jobs_that_makes_no_sense(jobs, tmp_path):
    """One line, exit code 2."""
    with pytest.raises(UsageError, match="--jobs"):
        Workers(int(jobs))
    done = boxferry("convert", tmp_path, "--jobs", jobs)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--jobs" in done.stderr


def test_any_number_of_jobs_gives_the_same_bytes(tmp_path):
    """Packets, what is dropped, what fails and what is said, of files among which some are broken."""
    folder = tmp_path / "voc"
    folder.mkdir()
    for number in range(150):
        box = f"<bndbox><xmin>{number}</xmin><ymin>2</ymin><xmax>90</xmax><ymax>{number % 7}</ymax></bndbox>"
        size = "<size><width>100</width><height>80</height></size>"
        text = f"<annotation>{size}<object><name>c{number % 5}</name>{box}</object></annotation>"
        text = {3: "<annotation>", 50: '<!DOCTYPE a [<!ENTITY b "c">]><annotation/>'}.get(number, text)
        (folder / f"{number:03}.xml").write_text(text)
    done = [
        boxferry("convert", folder, "--voc-origin", "0", "--jobs", jobs, "-o", tmp_path / f"{jobs}.ndjson", "--json")
        for jobs in ("1", "2", "3")
    ]
    assert {each.returncode for each in done} == {1}
    assert len({each.stdout for each in done}) == len({each.stderr for each in done}) == 1
    assert json.loads(done[0].stdout)["errors"] == {"bad-xml": 2}
    assert len({(tmp_path / f"{jobs}.ndjson").read_bytes() for jobs in (1, 2, 3)}) == 1

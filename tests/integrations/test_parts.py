"""What tasks hand over on one disk: the first whole result of each counts."""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from boxferry.integrations.parts import Parts


def test_of_several_attempts_of_a_task_the_first_counts(tmp_path):
    """Also where they come at once."""
    parts = Parts(tmp_path / "parts")
    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(lambda n: parts.store("job.1", b"%d\n" % n), range(8)))
    (path,) = parts.waiting()
    assert stored.count(True) == 1
    assert int(path.read_bytes()) == stored.index(True)
    assert [each.name for each in parts.folder.iterdir()] == [path.name]


def test_a_task_that_runs_again_after_its_lines_were_taken_hands_over_nothing(tmp_path):
    parts = Parts(tmp_path / "parts")
    parts.store("job.1", b"first\n")
    with parts.taking() as paths:
        assert [path.read_bytes() for path in paths] == [b"first\n"]
    assert not parts.store("job.1", b"again\n")
    assert parts.waiting() == []
    assert parts.missing(["job.1", "job.2"]) == ["job.2"]


def test_what_a_write_that_never_ended_has_left_is_swept_after_a_while(tmp_path):
    """Of the parts only those whose lines were taken: the others are results that wait."""
    parts = Parts(tmp_path / "parts")
    for key in ("old", "new", "waits"):
        parts.store(key, b"line\n" if key == "waits" else b"")
    (parts.folder / ".begun.123").write_bytes(b"li")
    long_ago = time.time() - 1000
    for name in ("old.ndjson", "waits.ndjson", ".begun.123"):
        os.utime(parts.folder / name, (long_ago, long_ago))
    parts.sweep(500)
    assert sorted(path.name for path in parts.folder.iterdir()) == ["new.ndjson", "waits.ndjson"]


def test_lines_that_could_not_be_taken_wait(tmp_path):
    """Neither an error in between nor the end of their job takes them away."""
    parts = Parts(tmp_path / "parts")
    parts.store("job.1", b"line\n")
    with pytest.raises(OSError, match="full"), parts.taking():
        raise OSError("full")
    parts.forget(["job.1"])
    assert [path.read_bytes() for path in parts.waiting()] == [b"line\n"]


def test_lines_are_taken_by_one_at_a_time(tmp_path):
    parts = Parts(tmp_path / "parts")
    for number in range(20):
        parts.store(f"job.{number}", b"line\n")

    def take(_):
        with parts.taking() as paths:
            return sum(len(path.read_bytes()) for path in paths)

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(take, range(4))) == [0, 0, 0, 100]


def test_a_job_that_has_ended_leaves_nothing(tmp_path):
    parts = Parts(tmp_path / "parts")
    parts.store("job.1", b"")
    parts.forget(["job.1", "job.2"])
    assert list(parts.folder.iterdir()) == []

"""Two pushes at once that make the same label: every box has the id of the first one, and it is said."""

import os
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

import processes


@pytest.fixture
def at_once(proxy):
    """Holds the first two requests that make a label back until both are there: none has seen the other's."""
    barrier, left = threading.Barrier(2, timeout=60), [2]

    def decide(method, path, body):
        if path.endswith("/label/new") and left[0]:
            left[0] -= 1
            barrier.wait()

    proxy.decide = decide


def pushed(folder, outbox, *more):
    options = ["-f", "yolo", "--names", "cat", "--labels", "create", "--directory", "Default", "--model", "m"]
    command = ["push", folder / "labels", "--images", folder / "images", *options, *more]
    return processes.boxferry(*command, env={**os.environ, "BOXFERRY_OUTBOX": str(outbox)})


def labels_of(sandbox):
    return Counter(box["label_file_id"] for file in sandbox.files() for box in sandbox.boxes(file["original_filename"]))


def made(sandbox):
    return sandbox._store.rows("SELECT id, name FROM label_file ORDER BY id")


def test_two_processes_make_a_label_at_once(folder, tmp_path, sandbox, at_once):
    """The label is there twice, all boxes have the smaller id, and at least one of the two says so."""

    def by(name):
        return pushed(folder, tmp_path / f"{name}.sqlite", "--run", name, "--file-name", f"{name}-{{name}}")

    with ThreadPoolExecutor() as pool:
        ends = list(pool.map(by, "ab"))
    assert [done.returncode for done in ends] == [0, 0], ends
    assert [row["name"] for row in made(sandbox)] == ["cat", "cat"]
    assert labels_of(sandbox) == {made(sandbox)[0]["id"]: 6}
    assert any("note label-twice" in done.stderr and "is there 2 times" in done.stderr for done in ends), ends


def test_a_label_that_is_there_twice_is_the_first_one_for_every_policy(push, sandbox):
    """Whoever made the second: the smaller id counts, and that is said."""
    first = push("--run", "one")
    label = made(sandbox)[0]
    sandbox._store.insert(
        "label_file",
        {
            k: v
            for k, v in sandbox._store.row("SELECT * FROM label_file WHERE id = ?", label["id"]).items()
            if k != "id"
        },
    )
    done = push("--run", "two", "--labels", "error", "--file-name", "two-{name}")
    assert (first.code, done.code) == (0, 0), done.err
    assert labels_of(sandbox) == {label["id"]: 6}
    assert "label-twice" in done.err


def test_a_first_label_that_shows_late_stops_the_push(push, proxy, sandbox):
    """Where the other process's label, made before, shows only at the end of planning, nothing is sent."""
    asked = []

    def decide(method, path, body):
        if path.split("?")[0].endswith("/labels"):
            asked.append(path)
            if len(asked) == 3:  # before planning, after making it, at the end of planning
                earlier = sandbox._store.row("SELECT * FROM label_file WHERE name = 'cat'")
                sandbox._store.insert("label_file", {**earlier, "id": 10})

    proxy.decide = decide
    sandbox._store.insert("label_file", {"project": sandbox.project, "schema_id": 1, "name": "x", "id": 50})
    done = push()
    assert done.code == 1, done.err
    assert done.lines[-1].startswith("boxferry: label 'cat' was being made by another process too")
    assert not sandbox.files()
    assert push().code == 0

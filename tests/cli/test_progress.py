"""How a push goes on, for people: lines now and then, a bar on a terminal, and Ctrl-C."""

import os
import pty
import signal
import subprocess
import sys
import time

import pytest
from PIL import Image as Picture

from boxferry.cli.progress import Lines
from boxferry.outbox.entry import Entry
from boxferry.outbox.outbox import Outbox
from boxferry.outbox.outcome import Outcome
from boxferry.sandbox.server import Sandbox

PROGRAM = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]


def test_a_line_every_ten_seconds():
    """With what has become of the packets so far."""
    now, lines = [0.0], []
    listener = Lines(clock=lambda: now[0], write=lines.append)
    listener.started(3)
    for number, (moment, state) in enumerate([(1, "accepted"), (11, "accepted"), (12, "applied"), (25, "refused")]):
        now[0] = moment
        listener.changed(Entry(id=number % 3, route="url", file_name="x", boxes=1), Outcome(state))
    assert lines == ["2 accepted of 3 packets", "1 accepted, 1 applied, 1 refused of 3 packets"]


@pytest.fixture
def job(tmp_path):
    """A slow sandbox, sixty images to push, and the command that pushes them."""
    for number in range(60):
        for folder in ("images", "labels"):
            (tmp_path / folder).mkdir(exist_ok=True)
        Picture.new("RGB", (64, 48)).save(tmp_path / f"images/{number}.png")
        (tmp_path / f"labels/{number}.txt").write_text("0 0.5 0.5 0.2 0.2 0.9\n")
    with Sandbox(tmp_path / "sandbox") as sandbox:
        environ = os.environ | {
            "DIFFGRAM_HOST": sandbox.host,
            "DIFFGRAM_PROJECT": sandbox.project,
            "DIFFGRAM_CLIENT_ID": sandbox.client_id,
            "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
            "BOXFERRY_OUTBOX": str(tmp_path / "outbox.sqlite"),
        }
        options = ["--names", "cat", "--images", "images", "--directory", "Default", "--labels", "create", "--run", "r"]
        yield sandbox, tmp_path, [*PROGRAM, "push", "labels", *options, "--connections", "1"], environ


def drawn_by(command, folder, stdout=subprocess.DEVNULL, **environ):
    """What a command writes to a terminal, and its exit code."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=os.environ | environ, stdout=stdout, stderr=theirs) as running:
        os.close(theirs)
        drawn = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:
                break
            if not part:
                break
            drawn += part
    os.close(ours)
    return drawn.decode(), running.returncode


def test_on_a_terminal_there_is_a_bar(job):
    """On standard error; the table on standard output is as ever."""
    sandbox, folder, command, environ = job
    with (folder / "table").open("wb") as out:
        drawn, code = drawn_by(command, folder, stdout=out, **environ)
    table = (folder / "table").read_text()
    assert code == 0, drawn
    assert "sent" in drawn
    assert "/60" in drawn
    assert "applied" in table
    assert len(sandbox.files()) == 60


def test_ctrl_c_ends_what_is_in_flight_and_says_how_to_go_on(job):
    """Exit code 130, nothing in flight is left behind, and the rest is done by resume."""
    sandbox, folder, command, environ = job
    with subprocess.Popen(command, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        deadline = time.monotonic() + 30
        while not sandbox.files() and time.monotonic() < deadline:
            time.sleep(0.005)
        running.send_signal(signal.SIGINT)
        _, words = running.communicate(timeout=30)
    assert running.returncode == 130, words
    assert b"boxferry resume r" in words
    assert b"Traceback" not in words
    with Outbox(folder / "outbox.sqlite") as outbox:
        states = outbox.counts(1)
    assert set(states) == {"queued", "applied"}
    done = subprocess.run(
        [*PROGRAM, "resume", "r"], cwd=folder, env=environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(sandbox.files()) == 60
    assert all(len(sandbox.boxes(f["original_filename"])) == 1 for f in sandbox.files())


EAGER = "import boxferry.cli.progress as p; p.FIRST_S = p.EVERY_S = 0; from boxferry.cli.main import main; main()"


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_reading_is_shown_on_a_terminal_only(suffix, tmp_path):
    """By the bytes of a file, and what was found in it; what is written is the same."""
    import gzip
    import json

    results = [
        {"image_id": n, "file_name": f"{n}.jpg", "category_id": 0, "bbox": [1, 1, 9, 9], "score": 0.5}
        for n in range(30_000)
    ]
    text = json.dumps(results).encode()
    (tmp_path / f"r.json{suffix}").write_bytes(gzip.compress(text) if suffix else text)
    arguments = ["convert", f"r.json{suffix}", "--names", "cat", "--size", "20x20"]
    drawn, code = drawn_by([sys.executable, "-c", EAGER, *arguments, "-o", "drawn"], tmp_path)
    plain = subprocess.run([*PROGRAM, *arguments, "-o", "plain"], cwd=tmp_path, capture_output=True, check=True)
    assert code == 0
    assert (tmp_path / "drawn").read_bytes() == (tmp_path / "plain").read_bytes()
    assert "━" in drawn
    assert f"reading r.json{suffix}" in drawn
    assert "images" in drawn
    assert plain.stderr.decode().splitlines() == ["30000 images, 30000 boxes read, 30000 kept; dropped: none"]


def test_reading_and_sending_draw_one_bar_after_the_other(job):
    """A push shows both."""
    _, folder, command, environ = job
    text, code = drawn_by([sys.executable, "-c", EAGER, *command[len(PROGRAM) :]], folder, **environ)
    assert code == 0
    assert "reading labels" in text
    assert text.rindex("reading labels") < text.index("60/60")

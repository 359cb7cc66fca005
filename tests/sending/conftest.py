"""Fixtures of the tests of pushing."""

from contextlib import ExitStack

import pytest
from PIL import Image as Picture

from boxferry import Diffgram
from sending.pushing import ROWS, server_of
from serving import served as files_served


@pytest.fixture
def folder(tmp_path):
    """Three images of 100x80; YOLO rows for two of them, the third has none."""
    for name in ("a.jpg", "b.png", "c.jpg"):
        (tmp_path / "images").mkdir(exist_ok=True)
        Picture.new("RGB", (100, 80), "grey").save(tmp_path / "images" / name)
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text(ROWS)
    (tmp_path / "labels" / "b.txt").write_text(ROWS.splitlines()[0] + "\n")
    return tmp_path


@pytest.fixture
def serve():
    """Serves folders over HTTP: a folder → its URL."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(files_served(folder))


@pytest.fixture
def served(folder, serve):
    """The images over HTTP."""
    return serve(folder / "images")


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def images(tmp_path):
    """Five images of 100x80."""
    (tmp_path / "images").mkdir()
    paths = [tmp_path / "images" / f"{number}.jpg" for number in range(5)]
    for path in paths:
        Picture.new("RGB", (100, 80), "grey").save(path)
    return paths


@pytest.fixture
def settings(sandbox, diffgram, monkeypatch):
    """The environment of a command line."""
    for name, value in {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "BOXFERRY_OUTBOX": str(diffgram.outbox_path),
    }.items():
        monkeypatch.setenv(name, value)

"""Fixtures of the attacks."""

from contextlib import ExitStack

import pytest
from PIL import Image as Picture

from security.hostile import Runner, a_proxy
from serving import served

ROW = "0 0.5 0.5 0.2 0.25 0.9\n"


@pytest.fixture
def boxferry(sandbox, tmp_path, capfd, monkeypatch):
    """The command line, with the sandbox's settings."""
    settings = {
        "DIFFGRAM_HOST": sandbox.host,
        "DIFFGRAM_PROJECT": sandbox.project,
        "DIFFGRAM_CLIENT_ID": sandbox.client_id,
        "DIFFGRAM_CLIENT_SECRET": sandbox.client_secret,
        "DIFFGRAM_CONFIG": tmp_path / "none.toml",
        "BOXFERRY_OUTBOX": tmp_path / "outbox.sqlite",
    }
    return Runner(capfd, monkeypatch, settings)


@pytest.fixture
def proxy(sandbox, boxferry):
    """A proxy before the sandbox, which the command line talks to."""
    with a_proxy(sandbox.host) as running:
        boxferry.set("DIFFGRAM_HOST", running.host)
        yield running


@pytest.fixture
def folder(tmp_path):
    """Three images of 100x80, with YOLO rows for each."""
    for kind in ("images", "labels"):
        (tmp_path / kind).mkdir()
    for stem in "abc":
        Picture.new("RGB", (100, 80), "grey").save(tmp_path / "images" / f"{stem}.jpg")
        (tmp_path / "labels" / f"{stem}.txt").write_text(ROW)
    return tmp_path


@pytest.fixture
def push(boxferry, folder):
    """A push of the folder, uploaded; further arguments come last."""
    images = ("--images", folder / "images")

    def pushed(*more, source=folder / "labels", directory="Default"):
        options = ("-f", "yolo", "--names", "cat", "--labels", "create", "--model", "m", "--run", "r")
        return boxferry("push", source, *images, "--directory", directory, *options, *more)

    return pushed


@pytest.fixture
def serve():
    """Serves folders over HTTP: a folder → its URL."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(served(folder))

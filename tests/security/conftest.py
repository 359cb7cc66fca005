"""Fixtures of the attacks."""

from contextlib import ExitStack

import pytest

from security.hostile import OPTIONS, Runner, a_proxy, fill, settings_of
from serving import served


@pytest.fixture
def boxferry(sandbox, tmp_path, capfd, monkeypatch):
    """The command line, with the sandbox's settings."""
    return Runner(capfd, monkeypatch, settings_of(sandbox, tmp_path))


@pytest.fixture
def proxy(sandbox, boxferry):
    """A proxy before the sandbox, which the command line talks to."""
    with a_proxy(sandbox.host) as running:
        boxferry.set("DIFFGRAM_HOST", running.host)
        yield running


@pytest.fixture
def folder(tmp_path):
    """Three images of 100x80, with YOLO rows for each."""
    fill(tmp_path)
    return tmp_path


@pytest.fixture
def push(boxferry, folder):
    """A push of the folder, uploaded; further arguments come last."""
    images = ("--images", folder / "images")

    def pushed(*more, source=folder / "labels", directory="Default"):
        return boxferry("push", source, *images, "--directory", directory, *OPTIONS, *more)

    return pushed


@pytest.fixture
def serve():
    """Serves folders over HTTP: a folder → its URL."""
    with ExitStack() as stack:
        yield lambda folder: stack.enter_context(served(folder))

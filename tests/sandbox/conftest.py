"""Fixtures of the sandbox's tests."""

import pytest

from sandbox.calls import a_png
from serving import served


@pytest.fixture
def serve_bytes(tmp_path_factory):
    """Serves files on this machine: a name and its bytes → a URL."""
    folder = tmp_path_factory.mktemp("served")
    with served(folder) as url:

        def serve(name, data):
            (folder / name).write_bytes(data)
            return f"{url}/{name}"

        yield serve


@pytest.fixture
def serve_picture(serve_bytes):
    """The URL of a small picture."""
    return serve_bytes("picture.png", a_png())

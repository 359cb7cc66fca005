"""Fixtures of the sandbox's tests."""

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from sandbox.calls import a_png


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def serve_bytes(tmp_path_factory):
    """Serves files on this machine: a name and its bytes → a URL."""
    folder = tmp_path_factory.mktemp("served")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, daemon=True).start()

        def served(name, data):
            (folder / name).write_bytes(data)
            return f"http://127.0.0.1:{server.server_port}/{name}"

        yield served
        server.shutdown()


@pytest.fixture
def serve_picture(serve_bytes):
    """The URL of a small picture."""
    return serve_bytes("picture.png", a_png())

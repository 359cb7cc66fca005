"""A web server of the files in a folder, without a line on standard error for each request."""

from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

LOOKS_S = 0.01  #: how often a server's loop looks whether it shall end: a test waits so long for it at its end


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextmanager
def served(folder):
    """The server's address, 'http://127.0.0.1:41235'."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": LOOKS_S}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()

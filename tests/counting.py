"""A proxy in front of a sandbox that notes every call."""

import http.client
import json
import re
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread, local
from urllib.parse import urlsplit

KEPT = ("authorization", "content-type", "user-agent")


class Calls(list):
    """The calls, each as its path, numbers as `{n}`; those of the file list by their mode."""

    def counted(self):
        """Call → how often."""
        return Counter(self)


@contextmanager
def counted(host, *, instead=lambda _call: None):
    """The proxy's address and its calls.

    `instead(call)` gives the status of an answer that the proxy makes up, with an empty object, or None.
    """
    calls = Calls()

    class Handler(_Handler):
        upstream, seen, made_up, connections = urlsplit(host).netloc, calls, staticmethod(instead), local()

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads, server.block_on_close = True, False
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", calls
        server.shutdown()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        call = _named(self.path, body)
        self.seen.append(call)
        status = self.made_up(call)
        self._say(*((status, b"{}", []) if status else self._passed_on(body)))

    do_GET = do_POST  # noqa: N815 # the base class's name

    def _passed_on(self, body):
        if not hasattr(self.connections, "open"):
            self.connections.open = http.client.HTTPConnection(self.upstream, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() in KEPT}
        self.connections.open.request(self.command, self.path, body, headers)
        answer = self.connections.open.getresponse()
        return (
            answer.status,
            answer.read(),
            [(k, v) for k, v in answer.getheaders() if k.lower() in {"content-type", "date"}],
        )

    def _say(self, status, body, headers):
        self.send_response_only(status)
        for name, value in [*headers, ("Content-Length", str(len(body)))]:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def _named(path, body):
    if path.endswith("/file/list"):
        return f"list {json.loads(body)['metadata']['file_view_mode']}"
    return re.sub(r"/\d+", "/{n}", path.partition("?")[0])

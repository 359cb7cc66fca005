"""The sandbox is for this machine: no other host's name, no page of another origin, no fetch that leaves it."""

import http.client
import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import urlsplit

import pytest

from security.hostile import http_answer

HERE = {"Host": "127.0.0.1:{port}"}


def browser(site, mode="", dest=""):
    """What a browser says of a request."""
    return HERE | {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


ASKED = {
    "another-hosts-name": ({"Host": "evil.example"}, 421),
    "another-hosts-name-and-port": ({"Host": "evil.example:{port}"}, 421),
    "a-name-that-begins-like-ours": ({"Host": "localhost.evil.example:{port}"}, 421),
    "another-machines-address": ({"Host": "192.168.1.4:{port}"}, 421),
    "no-host": ({"Host": ""}, 421),
    "a-broken-host": ({"Host": "["}, 421),
    "our-address": (HERE, 200),
    "localhost": ({"Host": "localhost:{port}"}, 200),
    "ipv6": ({"Host": "[::1]:{port}"}, 200),
    "another-origin": (HERE | {"Origin": "http://evil.example"}, 403),
    "another-port": (HERE | {"Origin": "http://127.0.0.1:1"}, 403),
    "an-origin-of-null": (HERE | {"Origin": "null"}, 403),
    "our-origin": (browser("same-origin") | {"Origin": "http://127.0.0.1:{port}"}, 200),
    "fetched-by-another-site": (browser("cross-site", "no-cors", "script"), 403),
    "fetched-by-another-port": (browser("same-site", "cors", "empty"), 403),
    "framed-by-another-site": (browser("cross-site", "navigate", "iframe"), 403),
    "a-link-on-another-site": (browser("cross-site", "navigate", "document"), 200),
    "typed-into-the-browser": (browser("none"), 200),
}


def asked(sandbox, path, headers):
    connection = http.client.HTTPConnection(urlsplit(sandbox.host).netloc, timeout=20)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in headers.items():
        connection.putheader(name, value.format(port=urlsplit(sandbox.host).port))
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, dict(answer.getheaders()), answer.read().decode()


@pytest.mark.parametrize("name", ASKED)
def test_who_may_ask(name, push, sandbox):
    """The page with the editor's key, for requests of this machine and this origin."""
    assert push().code == 0
    headers, wanted = ASKED[name]
    for path in (f"/correct/{sandbox.files()[0]['id']}", "/"):
        status, _, text = asked(sandbox, path, headers)
        assert status == wanted
        assert ("Basic " in text) == (status == 200 and path != "/")


@pytest.mark.parametrize(
    "path", ["/", "/correct/1", "/correct.js", "/nothing", "/api/v1/project/sandbox/labels-schema"]
)
def test_each_answer_has_a_policy(path, push, sandbox):
    """No script but our own file's, in no frame, and no other site reads it."""
    push()
    if "correct/" in path:
        path = f"/correct/{sandbox.files()[0]['id']}"
    _, headers, text = asked(sandbox, path, HERE)
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Access-Control-Allow-Origin" not in headers
    assert not re.search(r"\son[a-z]+=|<script(?![^>]*(src=|application/json))", text)


@contextmanager
def redirecting(location):
    class Redirects(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.wfile.write(http_answer(302, b"", f"Location: {location}"))

    with HTTPServer(("127.0.0.1", 0), Redirects) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/{{file_name}}"
        server.shutdown()


LED = {
    "to-another-machine": ("http://192.0.2.1/a.jpg", "this machine only, not from http://192.0.2.1"),
    "to-a-cloud-s-metadata": ("http://169.254.169.254/latest/", "this machine only, not from http://169.254.169.254"),
    "to-a-file": ("file:///etc/passwd", ""),
    "in-a-circle": ("/again.jpg", ""),
}


@pytest.mark.parametrize("name", LED)
def test_media_is_fetched_from_this_machine_alone(name, boxferry, folder, sandbox):
    """A redirect that leads off the machine ends the fetch: a failed input, with the reason."""
    location, words = LED[name]
    with redirecting(location) as url:
        done = boxferry(
            "push", folder / "labels", "-f", "yolo", "--names", "cat", "--images", folder / "images", "--directory",
            "Default", "--labels", "create", "--model", "m", "--run", "r", "--media-url", url, "--timeout", "20",
        )  # fmt: skip
    assert done.code == 1, done
    assert words in done.err
    assert not [file for file in sandbox.files() if file["type"] == "image" and file["width"]]
    assert "root:" not in str(sandbox.inputs())

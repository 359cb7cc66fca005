"""The client: typed answers, and for every fault of the wire an error that says whether anything happened."""

import base64
import io
import logging
import socket
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Picture
from werkzeug.utils import secure_filename

from boxferry.diffgram.client import Client
from boxferry.diffgram.names import media_problem, server_name
from boxferry.diffgram.pacing import Pacer
from boxferry.diffgram.settings import Credentials, Server, server_from_env
from boxferry.errors import AuthError, ConfigError, NotFound, RateLimited, Refused, Unreachable, Unsure
from boxferry.sandbox.server import Sandbox

SECRET = "hunter2-secret"


def a_server(host, **changes):
    return Server(**({"host": host, "project": "p", "credentials": Credentials("LIVE__id", SECRET)} | changes))


@contextmanager
def a_peer(answer):
    """A server that reads one request after another and answers with whatever `answer(number)` gives, then hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = []

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    request = b""
                    while b"\r\n\r\n" not in request and (part := connection.recv(65536)):
                        request += part
                    seen.append(request)
                    if (found := answer(len(seen))) is not None:
                        connection.sendall(found)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", seen
        listener.shutdown(socket.SHUT_RDWR)


def http(status, body=b"{}", *headers):
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def a_client(host, **options):
    return Client(a_server(host), sleep=lambda seconds: None, **({"timeout_s": 0.5} | options))


FAULTS = {
    "hangs-up": (lambda n: None, Unsure, Unreachable),
    "half-an-answer": (lambda n: http(200, b'{"log": ')[:-3], Unsure, Unreachable),
    "garbage": (lambda n: b"\0\1\2\3\r\n\r\n", Unsure, Unreachable),
    "html-200": (lambda n: http(200, b"<html>hello</html>"), Unsure, Unreachable),
    "500-html": (lambda n: http(500, b"<h1>no</h1>"), Unsure, Unreachable),
    "502": (lambda n: http(502), Unsure, Unreachable),
    "503": (lambda n: http(503), Unsure, Unreachable),
    "403": (lambda n: http(403, b'{"error": "403 Forbidden: no"}'), AuthError, AuthError),
    "401": (lambda n: http(401), AuthError, AuthError),
    "404": (lambda n: http(404), NotFound, NotFound),
    "405": (lambda n: http(405, b'{"error": "405: Not found."}'), NotFound, NotFound),
    "400": (lambda n: http(400, b'{"log": {"error": {"a": "List must not be empty"}}}'), Refused, Refused),
    "redirect": (lambda n: http(302, b"", "Location: https://evil.example/x"), NotFound, NotFound),
    "429": (lambda n: http(429, b"{}", "Retry-After: 1"), RateLimited, RateLimited),
}


@pytest.mark.parametrize(("answer", "writing", "reading"), FAULTS.values(), ids=FAULTS)
def test_what_each_fault_becomes(answer, writing, reading):
    """A call that changes something is unsure where it may have been carried out; one that only reads never is."""
    with a_peer(answer) as (host, seen), a_client(host) as client:
        with pytest.raises(writing) as error:
            client.send_packet(b"{}")
        assert type(error.value) is writing
        if writing is Unsure:
            assert len(seen) == 1, "never sent again by itself"
        with pytest.raises(reading):
            client.schemas()


def test_the_servers_own_words_are_kept():
    """Out of log.error, in one line."""
    body = b'{"log": {"error": {"instance_list": "List must\\n not be empty"}, "success": false}}'
    match = pytest.raises(Refused, match="instance_list: List must not be empty")
    with a_peer(lambda n: http(400, body)) as (host, _), a_client(host) as client, match:
        client.send_packet(b"{}")


def test_no_answer_in_time_is_unsure():
    """The request is there, and nobody knows what became of it."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = a_client(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout_s=0.2)
        with client, pytest.raises(Unsure, match=r"did not answer within 0\.2 s"):
            client.send_packet(b"{}")


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:9", "https://no-such-host.invalid"], ids=["refused", "no-such-host"]
)
def test_a_request_that_never_left_is_unreachable(host):
    """Nothing has happened, and it may be sent again."""
    with a_client(host) as client, pytest.raises(Unreachable, match=host):
        client.send_packet(b"{}")


def test_a_read_is_tried_again_a_few_times():
    """Once is enough when the second answer is good."""
    answers = {1: None, 2: http(500)}
    with (
        a_peer(lambda n: answers.get(n, http(200, b'[{"id": 5, "name": "x"}]'))) as (host, seen),
        a_client(host) as client,
    ):
        assert [s.id for s in client.schemas()] == [5]
        assert len(seen) == 3


def test_credentials_do_not_follow_a_redirect():
    """Neither to another host nor at all."""
    with a_peer(lambda n: http(200)) as (other, seen):
        peer = a_peer(lambda n: http(307, b"", f"Location: {other}/x"))
        with peer as (host, _), a_client(host) as client, pytest.raises(NotFound, match="redirects to 127"):
            client.send_packet(b"{}")
        assert seen == []


@pytest.mark.parametrize(("answer", "writing"), [(a, w) for a, w, _ in FAULTS.values()], ids=FAULTS)
def test_the_secret_is_in_no_text_that_an_error_leaves(answer, writing, caplog):
    """Neither message, repr, traceback nor log, whatever the level; nor its base64."""
    caplog.set_level(logging.DEBUG)
    with a_peer(answer) as (host, _), a_client(host) as client:
        with pytest.raises(writing) as error:
            client.send_packet(b"{}")
        shown = "".join(traceback.format_exception(error.value)) + repr(error.value) + repr(client) + caplog.text
    for hidden in (SECRET, base64.b64encode(f"LIVE__id:{SECRET}".encode()).decode()):
        assert hidden not in shown
    assert error.value.__cause__ is None
    assert SECRET not in repr(a_server(host))


# Against the sandbox


@pytest.fixture
def client(sandbox):
    with Client(server_of(sandbox)) as opened:
        yield opened


def server_of(sandbox):
    return Server(
        host=sandbox.host, project=sandbox.project, credentials=Credentials(sandbox.client_id, sandbox.client_secret)
    )


def a_png():
    buffer = io.BytesIO()
    Picture.new("RGB", (64, 48)).save(buffer, "PNG")
    buffer.seek(0)
    return buffer


def test_labels_are_looked_up_by_schema(client):
    """Name to label_file_id."""
    (schema,) = client.schemas()
    number = client.create_label("cat", schema_id=schema.id, colour={"hex": "#ff0000"})
    assert client.label_ids(schema.id) == {"cat": number}


def test_directories_are_found_by_name_and_by_id(client, sandbox):
    """And one that is not there is answered with those that are."""
    made = client.create_directory("incoming")
    assert client.find_directory("incoming") == client.find_directory(made.id) == client.find_directory(str(made.id))
    with pytest.raises(NotFound, match=r"no directory 'x'; there are: Default \(id 1\), incoming \(id 2\)"):
        client.find_directory("x")
    client.create_directory("incoming")
    with pytest.raises(NotFound, match="several directories are called 'incoming'"):
        client.find_directory("incoming")


def test_files_come_page_by_page(client, sandbox, monkeypatch):
    """All of them, whatever the page's size."""
    monkeypatch.setattr("boxferry.diffgram.client.PAGE", 2)
    names = [f"{n}.png" for n in range(5)]
    for name in names:
        client.upload(name, a_png(), b'{"directory_id": %d}' % sandbox.directory_id)
    assert [f.original_filename for f in client.files(sandbox.directory_id)] == names
    assert list(client.files(client.create_directory("empty").id)) == []


def test_an_uploads_answer_is_an_answer_whatever_it_says(client, sandbox):
    """Done, done without its boxes, or not done since the name is taken."""
    fields = b'{"directory_id": %d, "instance_list": [{"type": "box"}]}' % sandbox.directory_id
    refused = client.upload("a.png", a_png(), fields)
    assert refused.input.status == "failed"
    assert refused.file_id is not None
    again = client.upload("a.png", a_png(), b'{"directory_id": %d}' % sandbox.directory_id)
    assert "Already Exists" in again.input.status_text
    assert client.image(refused.file_id).width == 64
    assert client.instances(refused.file_id, directory_id=sandbox.directory_id) == []
    with pytest.raises(Refused, match="directory_id"):
        client.upload("b.png", a_png(), b"{}")


def test_nothing_is_asked_before_it_is_needed():
    """Making a client does no I/O."""
    Client(a_server("http://127.0.0.1:9")).close()


def test_the_pace_is_the_servers(tmp_path):
    """Twenty a second by its headers: nearly all of it is used, and next to nothing is answered 429."""
    with Sandbox(tmp_path, rate_limit=20) as sandbox, Client(server_of(sandbox), connections=8) as client:
        refused = []
        client._wire._session.hooks["response"].append(
            lambda r, **_: refused.append(1) if r.status_code == 429 else None
        )
        started = time.monotonic()

        def send(_):
            with pytest.raises(Refused):
                client.send_packet(b"{}")

        with ThreadPoolExecutor(8) as pool:
            list(pool.map(send, range(70)))
        took = time.monotonic() - started
    assert 3.0 <= took < 3.6
    assert len(refused) <= 1


class FakeServer:
    """A limiter with a clock of its own, that is `ahead_s` of the client's and `away_s` away."""

    def __init__(self, limit, ahead_s, away_s):
        self.now, self.limit, self.ahead_s, self.away_s = 100.0, limit, ahead_s, away_s
        self.end, self.used = 0.0, 0

    def ask(self, pacer):
        pacer.acquire()
        self.now += self.away_s
        moment = self.now + self.ahead_s
        if moment >= self.end:
            self.end, self.used = moment + 1.0, 0
        self.used += 1
        status = 200 if self.used <= self.limit else 429
        left = max(0, self.limit - self.used)
        headers = {"X-RateLimit-Limit": str(self.limit), "X-RateLimit-Remaining": str(left), "Retry-After": "1"}
        self.now += self.away_s
        pause = pacer.learn(headers | {"X-RateLimit-Reset": f"{self.end:.6f}"}, status)
        self.now += pause
        return status


@settings(max_examples=40, deadline=None)
@given(limit=st.integers(1, 50), ahead_s=st.floats(0, 2e9), away_s=st.floats(0.0001, 0.004), count=st.integers(50, 300))
def test_the_pacer_keeps_to_any_limit_whatever_the_servers_clock_says(limit, ahead_s, away_s, count):
    """No 429 beyond the first window, and no window left unused."""
    server = FakeServer(limit, ahead_s, away_s)

    def sleep(seconds):
        server.now += seconds

    pacer = Pacer(clock=lambda: server.now, sleep=sleep)
    statuses = [server.ask(pacer) for _ in range(count)]
    assert statuses.count(429) == 0
    fastest = min(limit, 1 / (2 * away_s))
    assert server.now - 100.0 <= count / fastest * 1.05 + 1.1 + 2 * away_s * count


def test_without_the_headers_there_is_no_limit():
    """The stock set-up has the limiter off."""
    pacer = Pacer(clock=lambda: 0.0, sleep=lambda seconds: pytest.fail("waited"))
    for _ in range(1000):
        pacer.acquire()
        assert pacer.learn({}, 200) == 0


# Settings and names


@pytest.mark.parametrize(
    "host", ["http://127.0.0.1:80", "http://localhost", "http://[::1]:5", "https://x.example/base/"]
)
def test_hosts_that_are_taken(host):
    """https anywhere, http on this machine; the last slash goes."""
    assert a_server(host).host == host.rstrip("/")


@pytest.mark.parametrize(
    ("host", "word"),
    [
        ("http://x.example", "--insecure"),
        ("x.example", "https://"),
        ("ftp://x", "URL"),
        ("https://a:b@x.example", "URL"),
    ],
)
def test_hosts_that_are_refused(host, word):
    """With the remedy."""
    with pytest.raises(ConfigError, match=word):
        a_server(host)


def test_plain_http_to_another_machine_has_to_be_asked_for():
    """With insecure."""
    assert a_server("http://x.example", insecure=True).host == "http://x.example"


ENVIRON = {
    "DIFFGRAM_HOST": "https://env.example",
    "DIFFGRAM_PROJECT": "p",
    "DIFFGRAM_CLIENT_ID": "i",
    "DIFFGRAM_CLIENT_SECRET": SECRET,
}


def test_an_option_goes_before_the_environment_and_that_before_the_file(tmp_path):
    """Each setting on its own."""
    path = tmp_path / "config.toml"
    path.write_text('[diffgram]\nhost = "https://file.example"\nproject = "filed"\nclient_secret = "s"\n')
    path.chmod(0o600)
    environ = {"DIFFGRAM_CONFIG": str(path), **ENVIRON}
    assert server_from_env(environ, host="https://option.example").host == "https://option.example"
    assert server_from_env(environ).host == "https://env.example"
    del environ["DIFFGRAM_HOST"]
    assert server_from_env(environ).host == "https://file.example"


def test_a_file_that_others_can_read_must_hold_no_secret(tmp_path):
    """The line to mend it is given; without a secret it may be read."""
    path = tmp_path / "config.toml"
    path.write_text('[diffgram]\nclient_secret = "s"\n')
    path.chmod(0o644)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        server_from_env({"DIFFGRAM_CONFIG": str(path), **ENVIRON})
    path.write_text('[diffgram]\nproject = "p"\n')
    server_from_env({"DIFFGRAM_CONFIG": str(path), **ENVIRON})


@pytest.mark.parametrize("text", ["[diffgram", "[diffgram]\nhost = 5\n", '[diffgram]\nhosst = "x"\n', "diffgram = 5\n"])
def test_a_file_that_is_wrong_is_one_clear_line(tmp_path, text):
    """With its path."""
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=str(path)):
        server_from_env({"DIFFGRAM_CONFIG": str(path), **ENVIRON})


def test_every_missing_setting_is_named(tmp_path):
    """At once."""
    with pytest.raises(ConfigError, match="DIFFGRAM_PROJECT, DIFFGRAM_CLIENT_ID, DIFFGRAM_CLIENT_SECRET"):
        server_from_env({"DIFFGRAM_CONFIG": str(tmp_path / "none"), "DIFFGRAM_HOST": "https://x.example"})


@given(st.text(max_size=30))
def test_the_servers_name_of_an_upload_is_known_beforehand(name):
    """As werkzeug, which the server uses, makes it."""
    assert server_name(name) == secure_filename(name)


@pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "x/y.v2.png", "a.bmp", "a.tif"])
def test_media_that_the_server_takes(name):
    """By its extension."""
    assert media_problem(name) is None


@pytest.mark.parametrize("name", ["a.webp", "a.gif", "a", "a.txt", ".jpg", ""])
def test_media_that_it_does_not_take(name):
    """Said before it is sent."""
    assert media_problem(name)

"""For every fault of the wire an error that says whether anything happened, and no word of the credentials."""

import base64
import logging
import socket
import traceback
from contextlib import suppress
from threading import Thread

import pytest

from boxferry.errors import (
    AuthError,
    ConfigError,
    DiffgramError,
    NotFound,
    RateLimited,
    Refused,
    Unreachable,
    Unsure,
    UsageError,
)
from diffgram.peers import CERTIFICATE, SECRET, FakeTime, a_client, a_peer, a_server, http

PAIR = base64.b64encode(f"LIVE__id:{SECRET}".encode()).decode()
QUEUED = http(200, b'{"input_id": null, "log": {"success": true, "error": {}}}')
SCHEMAS = http(200, b'[{"id": 5, "name": "x"}]')


@pytest.fixture(autouse=True)
def no_network_settings(monkeypatch):
    """Neither proxies nor bundles of the machine that the tests run on."""
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


FAULTS = {
    "hangs-up": (None, Unsure, Unreachable),
    "half-an-answer": (http(200, b'{"log": {}}')[:-3], Unsure, Unreachable),
    "half-a-body": (http(200, b'{"log": {'), Unsure, Unreachable),
    "garbage": (b"\0\1\2\3\r\n\r\n", Unsure, Unreachable),
    "html-200": (http(200, b"<html>hello</html>"), Unsure, Unreachable),
    "empty-200": (http(200, b""), Unsure, Unreachable),
    "other-json-200": (http(200, b'{"log": 5, "x": 1}'), Unsure, Unreachable),
    "500-html": (http(500, b"<h1>no</h1>"), Unsure, Unreachable),
    "502": (http(502), Unsure, Unreachable),
    "503": (http(503, b"upstream connect error or disconnect/reset before headers"), Unsure, Unreachable),
    "403": (http(403, b'{"error": "403 Forbidden: no"}'), AuthError, AuthError),
    "401": (http(401), AuthError, AuthError),
    "404": (http(404), NotFound, NotFound),
    "405": (http(405, b'{"error": "405: Not found."}'), NotFound, NotFound),
    "400": (http(400, b'{"log": {"error": {"a": "List must not be empty"}}}'), Refused, Refused),
    "413-html": (http(413, b"<html>too large</html>"), Refused, Refused),
    "redirect": (http(302, b"", "Location: https://evil.example/x"), NotFound, NotFound),
    "400-that-sends-everything-back": (
        http(400, f'{{"error": "Authorization: Basic {PAIR}, that is {SECRET}"}}'.encode()),
        Refused,
        Refused,
    ),
    "500-that-sends-everything-back": (http(500, f"Basic {PAIR}, {SECRET}".encode()), Unsure, Unreachable),
}
each_fault = pytest.mark.parametrize(("answer", "writing", "reading"), FAULTS.values(), ids=FAULTS)


@each_fault
def test_what_each_fault_becomes(answer, writing, reading):
    """A call that changes something is unsure where it may have been carried out; one that only reads never is."""
    with a_peer(lambda _: answer) as (host, seen), a_client(host) as client:
        with pytest.raises(writing) as error:
            client.send_packet(b"{}")
        assert type(error.value) is writing
        assert len(seen) == 1, "never sent again by itself"
        with pytest.raises(reading):
            client.schemas()


@each_fault
def test_the_credentials_are_in_no_text_that_an_error_leaves(answer, writing, reading, caplog):
    """Neither message, repr, traceback nor log, whatever the level; nor in base64; and no cause leads to them."""
    caplog.set_level(logging.DEBUG)
    with a_peer(lambda _: answer) as (host, seen), a_client(host) as client:
        with pytest.raises(writing) as error:
            client.send_packet(b"{}")
        shown = "".join(traceback.format_exception(error.value)) + repr(error.value) + repr(client) + caplog.text
    assert PAIR.encode() in seen[0].head, "the server was sent them"
    assert SECRET not in shown + repr(a_server(host))
    assert PAIR not in shown
    assert error.value.__cause__ is error.value.__context__ is None


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"log": {"error": {"boxes": "List must\\n not be empty"}}}', "boxes: List must not be empty"),
        (400, b'{"log": {"error": "Bad directory_id: 5"}}', "Bad directory_id: 5"),
        (400, b'{"success": false, "message": " File not in valid directory."}', "File not in valid directory."),
        (400, b'"Error with directory"', "Error with directory"),
        (200, b'{"log": {"success": false, "error": {"a": "no"}}}', "a: no"),
    ],
    ids=["log-error", "log-error-text", "message", "bare-text", "200-without-success"],
)  # fmt: skip
def test_the_servers_own_words_are_kept(status, body, words):
    """Wherever it puts them, in one line."""
    with a_peer(lambda _: http(status, body)) as (host, _), a_client(host) as client:
        with pytest.raises(Refused) as error:
            client.send_packet(b"{}")
        assert str(error.value) == words


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (http(200, b" \n<!doctype html><p>Welcome"), "is an HTML page, not JSON: is it a Diffgram?"),
        (http(200, b"pong"), "is 'pong', not JSON: is it a Diffgram?"),
        (
            http(405, b'{"error": "405: Not found."}'),
            "has no /api/walrus/v1/project/p/input/packet: is it a Diffgram?",
        ),
        (http(413, b"<html>"), "answered 413 to /api/walrus/v1/project/p/input/packet: an HTML page"),
        (http(403), "project 'p' on http://127.0.0.1"),
        (http(302, b"", "Location: https://login.example/x"), "redirects to login.example"),
        (http(302, b"", "Location: /login"), "redirects to another path"),
        (None, "broke before the response was complete: Remote end closed connection without response"),
    ],
    ids=["html", "text", "wrong-path", "too-large", "forbidden", "redirect", "redirect-within", "hangs-up"],
)
def test_an_error_says_what_was_seen(answer, words):
    """With the host or the path, in one line."""
    with a_peer(lambda _: answer) as (host, _), a_client(host) as client:
        with pytest.raises(DiffgramError) as error:
            client.send_packet(b"{}")
        assert words in str(error.value)
        assert "\n" not in str(error.value)


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
    """Nothing has happened, and it may be sent again; it was tried a few times, ever more slowly."""
    time = FakeTime()
    with (
        a_client(host, time) as client,
        pytest.raises(Unreachable, match=f"{host} cannot be reached: .*; check the address"),
    ):
        client.send_packet(b"{}")
    assert time.waits == sorted(time.waits)
    assert len(time.waits) == 3


# Made again


@pytest.mark.parametrize("fault", [http(503), http(200, b"<html>"), SCHEMAS[:-4]], ids=["503", "a-page", "cut-off"])
def test_a_read_is_tried_again_a_few_times(fault):
    """Whatever went wrong, once is enough when a later answer is good."""
    answers = {1: None, 2: http(500), 3: fault}
    with a_peer(lambda n: answers.get(n, SCHEMAS)) as (host, seen), a_client(host) as client:
        assert [s.id for s in client.schemas()] == [5]
        assert len(seen) == 4


def test_a_read_is_not_tried_for_ever():
    """The attempts end after twice the time-out, though there are some left."""
    time = FakeTime()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = a_client(f"http://127.0.0.1:{silent.getsockname()[1]}", time, timeout_s=0.15)
        with client, pytest.raises(Unreachable, match="did not answer"):
            client.schemas()
    assert time.waits == [0.1, 0.3]


def test_a_503_that_says_when_to_come_back_turned_the_packet_away_and_it_is_sent_again():
    """Then, and not sooner."""
    time = FakeTime()
    answers = {1: http(503, b"{}", "Retry-After: 0"), 2: http(503, b"{}", "Retry-After: 3")}
    with a_peer(lambda n: answers.get(n, QUEUED)) as (host, seen), a_client(host, time) as client:
        client.send_packet(b'{"a": 1}')
        assert [request.body for request in seen] == [b'{"a": 1}'] * 3
    assert time.waits == [0.1, 3.0]


def test_a_503_that_stays_is_unsure():
    """The server is asked before the packet is sent again."""
    with a_peer(lambda _: http(503, b"{}", "Retry-After: 0")) as (host, seen), a_client(host) as client:
        with pytest.raises(Unsure, match="answered 503"):
            client.send_packet(b"{}")
        assert len(seen) == 4


@pytest.mark.parametrize("call", ["send_packet", "new_batch"])
def test_a_429_is_waited_for(call):
    """On the packet's route by its pacer, elsewhere for the time that the server names."""
    time = FakeTime()
    answers = {1: http(429, b"{}", "Retry-After: 4"), 2: http(429, b"{}", "Retry-After: no number")}
    good = http(200, b'{"input_batch": {"id": 7}}')
    with a_peer(lambda n: answers.get(n, good)) as (host, seen), a_client(host, time) as client:
        getattr(client, call)(*([b"{}"] if call == "send_packet" else []))
        assert len(seen) == 3
    assert sum(time.waits) == pytest.approx(5.0)


@pytest.mark.parametrize("retry_after", ["1", "0"])
def test_a_429_that_stays_ends_the_patience(retry_after):
    """After half a minute, with the seconds to wait."""
    time = FakeTime()
    answer = http(429, b"{}", f"Retry-After: {retry_after}")
    with a_peer(lambda _: answer) as (host, _), a_client(host, time) as client:
        with pytest.raises(RateLimited, match="keeps answering 429") as error:
            client.schemas()
        assert error.value.retry_after_s > 0
    assert time.now - 1000.0 == pytest.approx(30.0, abs=1.5)


def test_a_429_for_an_hour_is_not_waited_for():
    """It is said at once."""
    time = FakeTime()
    with a_peer(lambda _: http(429, b"{}", "Retry-After: 3600")) as (host, seen), a_client(host, time) as client:
        with pytest.raises(RateLimited) as error:
            client.new_batch()
        assert error.value.retry_after_s == 3600
        assert (len(seen), time.waits) == (1, [])


# Where the credentials go


def test_credentials_do_not_follow_a_redirect():
    """Neither to another host nor at all."""
    with a_peer(lambda _: QUEUED) as (other, seen):
        peer = a_peer(lambda _: http(307, b"", f"Location: {other}/x"))
        with peer as (host, _), a_client(host) as client, pytest.raises(NotFound, match="redirects to 127"):
            client.send_packet(b"{}")
        assert seen == []


def test_a_request_carries_its_credentials_its_name_and_no_cookies():
    """What the server sets in an answer is not sent back."""
    with a_peer(lambda _: SCHEMAS.replace(b"\r\n", b"\r\nSet-Cookie: session=1; Path=/\r\n", 1)) as (host, seen):
        with a_client(host) as client:
            client.schemas()
            client.schemas()
        head = seen[1].head
    assert f"Authorization: Basic {PAIR}".encode() in head
    assert b"User-Agent: boxferry/" in head
    assert b"Cookie" not in head


def test_what_goes_to_this_machine_goes_past_any_proxy(monkeypatch):
    """A proxy would read the credentials on the way."""
    with a_peer(lambda _: SCHEMAS) as (proxy, seen), a_peer(lambda _: SCHEMAS) as (host, _):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        with a_client(host) as client:
            assert client.schemas()
        assert seen == []


def test_proxies_of_the_environment_are_used_and_read_once(monkeypatch):
    """When the client is made, not at every call."""
    with a_peer(lambda _: SCHEMAS) as (proxy, seen):
        monkeypatch.setenv("HTTP_PROXY", proxy)
        server = a_server("http://diffgram.example", insecure=True)
        with a_client("", server=server) as client:
            monkeypatch.delenv("HTTP_PROXY")
            assert client.schemas()
        assert seen[0].head.startswith(b"GET http://diffgram.example/api/v1/project/p/labels-schema ")


def test_a_certificate_that_nobody_vouches_for_is_not_accepted():
    """Nothing is sent, nothing is tried again, and the remedy is named."""
    time = FakeTime()
    match = pytest.raises(
        Unreachable, match=r"certificate is not accepted \(self-signed certificate\); .*REQUESTS_CA_BUNDLE"
    )
    with a_peer(lambda _: QUEUED, tls=True) as (host, seen), a_client(host, time) as client, match:
        client.send_packet(b"{}")
    assert (seen, time.waits) == ([], [])


def test_certificates_of_the_environment_are_trusted(monkeypatch):
    """By the variable that requests reads too."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with a_peer(lambda _: SCHEMAS, tls=True) as (host, _), a_client(host) as client:
        assert client.schemas()


def test_a_tls_connection_cut_after_the_request_is_unsure(monkeypatch):
    """Unlike one that never came about: the server may have acted."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(CERTIFICATE))
    with a_peer(lambda _: None, tls=True) as (host, seen), a_client(host) as client:
        with pytest.raises(Unsure):
            client.send_packet(b"{}")
        assert len(seen) == 1


def test_a_bundle_that_is_not_there_is_one_clear_line(monkeypatch, tmp_path):
    """Naming the variable."""
    monkeypatch.setenv("CURL_CA_BUNDLE", str(tmp_path / "none.pem"))
    wanted = pytest.raises(ConfigError, match=r"CURL_CA_BUNDLE: .*none\.pem")
    with wanted, a_client("https://localhost:9") as client:
        client.schemas()


def test_https_to_a_server_that_speaks_http_says_so():
    """Nothing has happened."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve():
            connection, _ = listener.accept()
            with connection, suppress(OSError):
                connection.recv(65536)
                connection.sendall(http(400, b"Bad request version"))
                connection.recv(65536)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        host = f"https://localhost:{listener.getsockname()[1]}"
        with a_client(host) as client, pytest.raises(Unreachable, match="does not speak TLS"):
            client.send_packet(b"{}")
        thread.join(5)


# The rest


def test_each_call_is_a_line_in_the_log(caplog):
    """Method, path, status and milliseconds, at the level of debugging."""
    caplog.set_level(logging.DEBUG, "boxferry.diffgram")
    with a_peer(lambda _: SCHEMAS) as (host, _), a_client(host) as client:
        client.schemas()
    lines = [r.getMessage() for r in caplog.records if r.name == "boxferry.diffgram"]
    assert len(lines) == 1
    assert lines[0].startswith("GET /api/v1/project/p/labels-schema 200, ")
    assert lines[0].endswith(" ms")


def test_nothing_is_asked_before_it_is_needed():
    """Making a client does no I/O."""
    a_client("http://127.0.0.1:9").close()


@pytest.mark.parametrize("timeout_s", [0, -1, float("nan")])
def test_a_time_out_has_to_be_above_nothing(timeout_s):
    """One clear line, not the network layer's."""
    with pytest.raises(UsageError, match="time-out"):
        a_client("http://127.0.0.1:9", timeout_s=timeout_s)


def test_a_projects_id_is_quoted_in_paths_and_not_in_bodies():
    """Whatever characters it has."""
    peer = a_peer(lambda _: http(200, b'{"file": {}}'))
    with peer as (host, seen), a_client("", server=a_server(host, project="a b/c")) as client:
        client.view(3)
        client.send_packet(b"{}")
    assert seen[0].body == b'{"file_id":3,"project_string_id":"a b/c"}'
    assert seen[1].head.startswith(b"POST /api/walrus/v1/project/a%20b%2Fc/input/packet ")

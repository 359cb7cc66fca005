"""Servers for tests of the wire, in a thread on the loopback address, and a time that passes only when it is waited."""

import socket
import ssl
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import NamedTuple

from boxferry.diffgram.client import Client
from boxferry.diffgram.settings import Credentials, Server

SECRET = "hunter2-secret"
CERTIFICATE = Path(__file__).with_name("localhost.pem")  # for localhost, with its key: it guards nothing


class Request(NamedTuple):
    """What a peer was sent; `head` with the request line."""

    head: bytes
    body: bytes


class FakeTime:
    """Seconds that pass only while somebody waits."""

    def __init__(self):
        self.now = 1000.0
        self.waits = []

    def clock(self):
        return self.now

    def sleep(self, seconds):
        self.waits.append(seconds)
        self.now += seconds


def a_server(host, **changes):
    return Server(**({"host": host, "project": "p", "credentials": Credentials("LIVE__id", SECRET)} | changes))


def a_client(host, time=None, *, server=None, **options):
    """A client that never really waits between two attempts."""
    time = time or FakeTime()
    options = {"timeout_s": 0.5, "clock": time.clock, "sleep": time.sleep} | options
    return Client(server or a_server(host), **options)


def http(status, body=b"{}", *headers):
    """The bytes of an answer."""
    lines = [f"HTTP/1.1 {status} x", f"Content-Length: {len(body)}", "Connection: close", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@contextmanager
def a_peer(answer, *, tls=False):
    """A server that reads whole requests, answers each with whatever `answer(number)` gives, and hangs up.

    Gives its address and the list of requests.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        seen = []
        thread = Thread(target=_serve, args=(listener, answer, seen, _tls() if tls else None), daemon=True)
        thread.start()
        try:
            scheme, name = ("https", "localhost") if tls else ("http", "127.0.0.1")
            yield f"{scheme}://{name}:{listener.getsockname()[1]}", seen
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)


def _tls():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    return context


def _serve(listener, answer, seen, tls):
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        try:
            with connection:
                connection.settimeout(5)
                _answer(tls.wrap_socket(connection, server_side=True) if tls else connection, answer, seen)
        except OSError:  # the client went away, which is for the test to judge
            pass


def _answer(connection, answer, seen):
    try:
        if (request := _whole_request(connection)) is not None:
            seen.append(request)
            connection.sendall(answer(len(seen)) or b"")
    finally:
        if isinstance(connection, ssl.SSLSocket):  # without a farewell, as when a machine goes down
            socket.socket(fileno=connection.detach()).close()


def _whole_request(connection):
    received = b""
    while b"\r\n\r\n" not in received:
        if not (part := connection.recv(65536)):
            return None
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        if not (part := connection.recv(65536)):
            return None
        body += part
    return Request(head, body)

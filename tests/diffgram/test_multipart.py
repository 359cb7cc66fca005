"""The body of an upload: read while it is sent, whole at every attempt."""

import errno
import io

import pytest

from boxferry.diffgram.multipart import Multipart
from boxferry.errors import DiffgramError
from diffgram.peers import a_client, a_peer, http

DONE = http(200, b'{"input": {"id": 1, "status": "success"}, "file": {"id": 2}}')


class Watched(io.BytesIO):
    """A file that notes how much is read of it at a time."""

    def __init__(self, data):
        super().__init__(data)
        self.asked = []

    def read(self, size=-1, /):
        self.asked.append(size)
        return super().read(size)


class Broken(io.BytesIO):
    """A file on a disk that fails."""

    def read(self, size=-1, /):
        raise OSError(errno.EIO, "Input/output error")


class Shrinking(io.BytesIO):
    """A file that somebody cuts off after what has been read of it."""

    def read(self, size=-1, /):
        found = super().read(size)
        self.truncate(self.tell())
        return found


class Growing(io.BytesIO):
    """A file that somebody writes to while it is read."""

    def read(self, size=-1, /):
        found, here = super().read(size), self.tell()
        self.seek(0, io.SEEK_END)
        self.write(b"more")
        self.seek(here)
        return found


def test_its_length_is_known_beforehand():
    """Whatever the names, at every iteration, and counted from the file's present position."""
    data = io.BytesIO(b"skipped, image")
    data.seek(9)
    body = Multipart('é\r\n".png', data, b"{}")
    for _ in range(2):
        whole = b"".join(body)
        assert len(whole) == len(body)
        assert b"\r\n\r\nimage\r\n--" in whole
        assert b"skipped" not in whole


def test_a_large_file_is_never_whole_in_memory():
    """It goes out in blocks and arrives as it was."""
    data = Watched(bytes(range(256)) * 8192)
    with a_peer(lambda _: DONE) as (host, seen), a_client(host, timeout_s=5.0) as client:
        assert client.upload("a.png", data, b'{"directory_id": 1}').file_id == 2
    assert data.getvalue() in seen[0].body
    assert b'{"directory_id": 1}' in seen[0].body
    assert max(data.asked) <= 256 * 1024


@pytest.mark.parametrize(
    "first", [http(429, b"{}", "Retry-After: 1"), http(503, b"{}", "Retry-After: 1")], ids=["429", "503"]
)
def test_an_upload_that_was_turned_away_is_sent_again_whole(first):
    """From the beginning of the file, not from where the last attempt left it."""
    with a_peer(lambda n: first if n == 1 else DONE) as (host, seen), a_client(host) as client:
        client.upload("a.png", io.BytesIO(b"IMAGE"), b"{}")
    assert [request.body.count(b"IMAGE") for request in seen] == [1, 1]
    assert seen[0].body == seen[1].body


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (Broken(b"IMAGE"), "Input/output error"),
        (Shrinking(b"x" * 600_000), "it became shorter meanwhile"),
    ],
    ids=["broken-disk", "made-shorter"],
)
def test_a_file_that_cannot_be_read_is_an_error_of_its_own(data, words):
    """No request arrives whole, so nothing has happened; the network is not blamed."""
    with a_peer(lambda _: DONE) as (host, seen), a_client(host) as client:
        with pytest.raises(DiffgramError, match=words) as error:
            client.upload("a.png", data, b"{}")
        assert type(error.value) is DiffgramError
        assert error.value.__context__ is None
    assert seen == []


def test_a_file_that_grows_is_sent_as_long_as_it_was():
    """The announced length is kept to."""
    body = Multipart("a.png", Growing(b"x" * 300_000), b"{}")
    assert len(b"".join(body)) == len(body)


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ('a"b.png', "ab.png"),
        ("a\r\nX: y.png", "a_X_y.png"),
        ("lócal/\udcff.png", "local_.png"),
        ("a%22.png", "a22.png"),
    ],
    ids=["quote", "line-end", "undecodable", "escape"],
)
def test_a_name_is_sent_as_the_server_would_change_it(name, sent):
    """So that no quoting, encoding or undecodable byte on the way can make it another."""
    with a_peer(lambda _: DONE) as (host, seen), a_client(host) as client:
        client.upload(name, b"IMAGE", b"{}")
    assert f'filename="{sent}"'.encode() in seen[0].body

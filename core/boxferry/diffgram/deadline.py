"""A bound on a whole answer: a server that sends a byte now and then holds a call no longer than one that is silent.

The time-out of a socket counts from one byte to the next. So what is read from it is read up to a deadline instead,
which each thread sets for the call that it makes.
"""

from __future__ import annotations

import http.client
import io
import math
import threading
import time
from typing import TYPE_CHECKING, Any

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

SHORTEST_S = 0.001


class _Bound(threading.local):
    """Of the thread's call: for how long its answer's head may come in, and until when the answer may."""

    head_s = math.inf
    until = math.inf


_bound = _Bound()


def begin(head_s: float) -> None:
    """A call of this thread begins; once it is sent, the head of its answer may take so many seconds."""
    _bound.head_s, _bound.until = head_s, math.inf


def extend(seconds: float) -> None:
    """The head is there; the body may take so many seconds from now on."""
    _bound.until = time.monotonic() + seconds


def over() -> bool:
    """Whether the deadline of the thread's call has passed."""
    return time.monotonic() >= _bound.until


class _Reader(io.RawIOBase):
    """What comes from a socket, up to the deadline of the thread that reads."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._timeout = connection.gettimeout()
        self._raw = connection.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        left = _bound.until - time.monotonic()
        if left <= 0:
            raise TimeoutError("the answer was not whole in time")
        if left < math.inf:
            self._connection.settimeout(max(SHORTEST_S, min(left, self._timeout or left)))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 # http.client's own
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        extend(_bound.head_s)
        self.fp = io.BufferedReader(_Reader(sock))


class _Connection(HTTPConnection):
    response_class = _Response


class _SecureConnection(HTTPSConnection):
    response_class = _Response


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection  # pyright: ignore[reportAssignmentType] # as urllib3 documents it


class _SecurePool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _SecureConnection  # pyright: ignore[reportAssignmentType] # likewise


class BoundedAdapter(HTTPAdapter):
    """An adapter whose connections keep to the deadline."""

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:  # noqa: ANN401 # requests' own signature
        """Make the pools, of our own kind."""
        super().init_poolmanager(*arguments, **named)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}

    def proxy_manager_for(self, *arguments: Any, **named: Any) -> urllib3.ProxyManager:  # noqa: ANN401 # likewise
        """Make the pools that lead through a proxy, likewise."""
        manager = super().proxy_manager_for(*arguments, **named)
        manager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        return manager  # type: ignore[no-any-return]

"""One HTTP session: how a call is made, and which error a fault of the wire or an answer's status becomes."""

from __future__ import annotations

import logging
import os
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from boxferry.errors import AuthError, DiffgramError, NotFound, RateLimited, Refused, Unreachable, Unsure
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from boxferry.diffgram.pacing import Pacer
    from boxferry.diffgram.settings import Server

log = logging.getLogger("boxferry.diffgram")

CONNECT_TIMEOUT_S = 10.0
READ_ATTEMPTS = 3
LIMITED_ATTEMPTS = 5
_NEVER_ARRIVED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
    urllib3.exceptions.SSLError,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: 'GET' or 'POST'.
        path: below the host.
        changes: whether it changes something on the server: then it is never repeated without need, and a fault after
            which nobody knows whether it was carried out is `Unsure`.
        body: JSON, encoded.
        parts: the parts of a multipart body, in place of `body`.
        also: statuses besides 200 that are answers, not errors.
    """

    method: Literal["GET", "POST"]
    path: str
    changes: bool = False
    body: bytes | None = None
    parts: Mapping[str, tuple[str | None, bytes | IO[bytes], str]] | None = None
    also: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer, its body read to the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Wire:
    """A session with one server: Basic auth, TLS verified, no redirects; safe to use from several threads.

    Proxies and certificate bundles are taken from the environment once, when it is made; making it does no I/O.
    """

    def __init__(
        self, server: Server, *, connections: int, timeout_s: float, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        """Prepare.

        Args:
            server: where, and who asks.
            connections: how many connections are kept open.
            timeout_s: seconds to wait for an answer, after CONNECT_TIMEOUT_S at most for the connection.
            sleep: waits between two attempts of a call that only reads.
        """
        self._server = server
        self._timeout = (min(CONNECT_TIMEOUT_S, timeout_s), timeout_s)
        self._sleep = sleep
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.proxies = requests.utils.get_environ_proxies(server.host, no_proxy=None)
        self._session.verify = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE") or True
        self._session.auth = (server.credentials.client_id, server.credentials.client_secret)
        self._session.headers["User-Agent"] = f"boxferry/{__version__}"
        adapter = HTTPAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def call(self, call: Call, pacer: Pacer | None = None) -> Answer:
        """Make a call, at the pacer's pace; one that only reads is tried again when the wire or the server fails.

        Raises:
            DiffgramError: one of its kinds, see `boxferry.errors`; the text never holds the credentials.
        """
        attempts = 1 if call.changes else READ_ATTEMPTS
        for attempt in range(1, attempts):
            try:
                return self._paced(call, pacer)
            except Unsure as error:
                log.debug("attempt %d of %s %s: %s", attempt, call.method, call.path, error)
                self._sleep(0.25 * 2**attempt)
        try:
            return self._paced(call, pacer)
        except Unsure as error:
            if call.changes:
                raise
            problem = Unreachable(str(error), status=error.status)
        raise problem

    def _paced(self, call: Call, pacer: Pacer | None) -> Answer:
        for _ in range(LIMITED_ATTEMPTS):
            if pacer:
                pacer.acquire()
            answer = self._sent(call)
            pause = pacer.learn(answer.headers, answer.status) if pacer else 1.0
            if answer.status != 429:
                return self._checked(call, answer)
            self._sleep(pause)
        raise RateLimited(f"{self._server.host} keeps answering 429 (slower) to {call.path}", retry_after_s=pause)

    def _sent(self, call: Call) -> Answer:
        started = time.monotonic()
        headers = {"Content-Type": "application/json"} if call.body is not None else {}
        fault: DiffgramError
        try:
            response = self._session.request(
                call.method,
                self._server.host + call.path,
                data=call.body,
                files=call.parts,
                headers=headers,
                timeout=self._timeout,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            fault = self._fault(error)
        else:
            log.debug(
                "%s %s %d, %d ms", call.method, call.path, response.status_code, 1e3 * (time.monotonic() - started)
            )
            return Answer(status=response.status_code, headers=response.headers, body=response.content)
        raise fault  # out of the handler: the request, and with it the credentials, hang on the first error

    def _fault(self, error: requests.RequestException) -> DiffgramError:
        """Whether the request arrived is certain only where no connection came about."""
        cause: Any = error.args[0] if error.args else error
        reason = getattr(cause, "reason", None) or cause
        if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.InvalidSchema):
            return Unreachable(f"{self._server.host}: not a URL that can be called")
        if isinstance(reason, _NEVER_ARRIVED) or isinstance(error, requests.ConnectTimeout):
            return Unreachable(f"{self._server.host} cannot be reached: {_short(reason)}")
        if isinstance(error, requests.ReadTimeout):
            return Unsure(f"{self._server.host} did not answer within {self._timeout[1]:g} s")
        return Unsure(f"the connection to {self._server.host} broke: {_short(reason)}")

    def _checked(self, call: Call, answer: Answer) -> Answer:
        status = answer.status
        if status == 200 or status in call.also:
            if not answer.body.lstrip().startswith((b"{", b"[")):
                raise Unsure(f"{self._server.host}{call.path} answered something else than JSON: is it a Diffgram?")
            return answer
        if 300 <= status < 400:
            target = urlsplit(answer.headers.get("Location", "")).netloc or "another path"
            raise NotFound(
                f"{self._server.host} redirects to {target}: name the server by its own address", status=status
            )
        if status in {401, 403}:
            where = f"project '{self._server.project}' on {self._server.host}"
            raise AuthError(f"{where} does not let us in: check project, client id, secret and role", status=status)
        if status in {404, 405}:
            raise NotFound(f"{self._server.host} has no {call.path}: check host, project and path", status=status)
        if status >= 500:
            raise Unsure(f"{self._server.host} answered {status} to {call.path}: {_words(answer.body)}", status=status)
        raise Refused(_words(answer.body) or f"{self._server.host} answered {status}", status=status)


class _Log(msgspec.Struct):
    error: dict[str, Any] = {}


class _Refusal(msgspec.Struct):
    log: _Log | None = None
    error: Any = None


def _words(body: bytes) -> str:
    """The server's own words out of an answer that is no success, in one line."""
    try:
        refusal = msgspec.json.decode(body, type=_Refusal)
    except msgspec.DecodeError:
        text = body.decode("utf-8", "replace")
        return "an HTML page" if "<" in text else " ".join(text.split())[:200]
    words = refusal.log.error if refusal.log and refusal.log.error else refusal.error
    if isinstance(words, dict):
        words = "; ".join(f"{key}: {value}" for key, value in words.items())
    return " ".join(str(words or "").split())[:500]


def _short(reason: object) -> str:
    """The last part of what the network layer says, without its objects' addresses."""
    return str(reason).rsplit(": ", 1)[-1].strip("()'\" ")[:200]

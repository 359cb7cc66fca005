"""One HTTP session: how a call is made, when it is made again, and its answer decoded."""

from __future__ import annotations

import logging
import math
import os
import ssl
import time
from dataclasses import KW_ONLY, dataclass
from functools import lru_cache
from http.cookiejar import DefaultCookiePolicy
from typing import TYPE_CHECKING, Literal, TypeVar, cast
from urllib.parse import urlsplit

import msgspec
import requests
import urllib3

from boxferry.diffgram import deadline
from boxferry.diffgram.clock import Outages, ServerClock
from boxferry.diffgram.deadline import BoundedAdapter
from boxferry.diffgram.decoders import decoder
from boxferry.diffgram.faults import Answer, Fault, of_exception, raise_for, scrubbed_body, unreadable
from boxferry.diffgram.multipart import Multipart, UnreadableError
from boxferry.diffgram.pacing import HeldError
from boxferry.diffgram.settings import is_loopback
from boxferry.errors import ConfigError, DiffgramError, RateLimited, UsageError
from boxferry.observing import events
from boxferry.observing.names import Cause
from boxferry.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from boxferry.diffgram.pacing import Pacer
    from boxferry.diffgram.settings import Server

T = TypeVar("T")
log = logging.getLogger("boxferry.diffgram")

CONNECT_TIMEOUT_S = 10.0
BACKOFF_S = (0.1, 0.3, 0.9)  #: the pauses between the attempts of one call
PATIENCE_S = 30.0  #: for how long, by its own count, a server may answer 429 to one call
LONGEST_BODY_S = 300.0  #: for how long an answer may come in
LARGEST_BODY = 1 << 30  #: bytes of an answer
BODY_PART = 1 << 16
SHORTEST_WAIT_S = 1.0  #: what every call may take, however little of the time limit is left
LONGEST_WAIT_S = 10.0  #: the longest that a failing server's Retry-After is followed
PROXY_SCHEMES = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")
BUNDLE_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request.

    Attributes:
        method: 'GET' or 'POST'.
        path: below the host.
        changes: whether it changes something on the server: then it is only made again where it is certain that the
            server has not acted, and a fault after which the outcome is unknown is `Unsure`.
        body: JSON, encoded, or an upload.
        also: statuses besides success whose body, where it can be decoded, is an answer and not an error.
        pacer: keeps the pace of the call's route.
    """

    method: Literal["GET", "POST"]
    path: str
    changes: bool = False
    body: bytes | Multipart | None = None
    also: tuple[int, ...] = ()
    pacer: Pacer | None = None


@dataclass(eq=False)
class Wire:
    """A session with one server: Basic auth, TLS verified, no redirects, no cookies; several threads may use it.

    Proxies and certificate bundles are taken from the environment once, when it is made; making it does no I/O.

    Attributes:
        server: where, and who asks.
        connections: how many connections are kept open.
        timeout_s: seconds to wait for an answer, after CONNECT_TIMEOUT_S at most for the connection.
        clock: seconds.
        sleep: waits between two attempts.

    Raises:
        UsageError: the time-out is not above 0.
    """

    server: Server
    _: KW_ONLY
    connections: int
    timeout_s: float
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if not self.timeout_s > 0:
            raise UsageError(f"time-out: {self.timeout_s} s, expected more than 0")
        self._timeout = (min(CONNECT_TIMEOUT_S, self.timeout_s), self.timeout_s)
        self._session = _session(self.server, self.connections)
        self._pattern: requests.PreparedRequest | None = None
        self._left_s: Callable[[], float] = lambda: math.inf
        self.server_clock = ServerClock()
        self.outages = Outages(self.server_clock.now)

    def limit(self, left_s: Callable[[], float]) -> None:
        """Bound every wait from now on by the seconds that `left_s` gives; a call gets one at least."""
        self._left_s = left_s

    def _bounded(self, seconds: float) -> float:
        return min(seconds, max(SHORTEST_WAIT_S, self._left_s()))

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def tried(self, call: Call) -> Answer:
        """The answer to one attempt, whatever its status.

        Raises:
            DiffgramError: the call failed; the text never holds the credentials.
        """
        try:
            return self._sent(call)
        except Fault as fault:
            error = fault.error(changes=call.changes)
        raise error

    def ask(self, call: Call, wanted: type[T]) -> T:
        """Make a call at its pace and decode the answer; it is made again where that is safe and may help.

        Raises:
            DiffgramError: one of its kinds, see `boxferry.errors`, or itself where an upload's file cannot be read; the
                text never holds the credentials.
        """
        pauses = iter(BACKOFF_S)
        deadline = self.clock() + self._bounded(2 * self._timeout[1])
        while True:
            try:
                return self._understood(call, self._patiently(call), wanted)
            except Fault as error:
                fault = error
            worth_it = fault.repeatable(changes=call.changes) and self.clock() < deadline
            if not worth_it or (pause := next(pauses, None)) is None:
                raise fault.error(changes=call.changes)
            log.debug("%s %s again: %s", call.method, call.path, fault)
            pause = max(pause, min(fault.wait_s, LONGEST_WAIT_S, self._left_s()))
            events.retried(Cause.CALL, pause)
            self.sleep(pause)

    def _understood(self, call: Call, answer: Answer, wanted: type[T]) -> T:
        if answer.status not in call.also:
            raise_for(answer, call.path, self.server)
        try:
            return decoder(wanted).decode(answer.body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            problem = error
        raise_for(answer, call.path, self.server)
        raise unreadable(answer, call.path, self.server, problem)

    def _patiently(self, call: Call) -> Answer:
        """The first answer that is not 429; the pacer, where there is one, holds the next attempt back.

        Raises:
            RateLimited: it is not waited for any longer.
        """
        patience_s = self._bounded(PATIENCE_S)
        while (answer := self._paced(call, patience_s)).status == 429:
            pause = max(answer.retry_after_s, 0.1)
            if pause > patience_s:
                raise self._too_slow(call, pause)
            patience_s -= pause
            events.retried(Cause.RATE_LIMIT, 0.0 if call.pacer else pause)
            if not call.pacer:
                self.sleep(pause)
        return answer

    def _too_slow(self, call: Call, pause_s: float) -> RateLimited:
        asked = f"and asks to wait {pause_s:.0f} s" if pause_s > PATIENCE_S else "(slower)"
        return RateLimited(f"{self.server.host} keeps answering 429 {asked} to {call.path}", retry_after_s=pause_s)

    def _paced(self, call: Call, within_s: float) -> Answer:
        if not call.pacer:
            return self._sent(call)
        try:
            departed = call.pacer.acquire(within_s=within_s)
        except HeldError as held:
            raise self._too_slow(call, held.seconds) from None
        headers: Mapping[str, str] = {}
        status: int | None = None
        try:
            answer = self._sent(call)
            headers, status = answer.headers, answer.status
        finally:
            call.pacer.learn(headers, status, departed=departed)
        return answer

    def _prepared(self, call: Call) -> requests.PreparedRequest:
        """A call as the session would prepare it, in a tenth of the time: most of it is the same for every call.

        Raises:
            RequestException: the server's address is not valid.
        """
        if self._pattern is None:
            self._pattern = self._session.prepare_request(requests.Request("GET", self.server.host))
        prepared = requests.PreparedRequest()
        prepared.method = call.method
        prepared.body = cast("bytes | None", call.body)  # an upload is iterated over, which requests' types leave out
        prepared.url = str(self._pattern.url).rstrip("/") + requests.utils.requote_uri(call.path)
        prepared.headers = self._pattern.headers.copy()
        prepared.hooks = self._pattern.hooks
        if call.method == "POST":
            prepared.headers["Content-Length"] = str(len(call.body or b""))
        if call.body is not None:
            prepared.headers["Content-Type"] = _content_type(call.body)
        return prepared

    def _sent(self, call: Call) -> Answer:
        started = time.monotonic()
        connect_s, answer_s = map(self._bounded, self._timeout)
        deadline.begin(answer_s)
        fault: Exception
        try:
            response = self._session.send(
                self._prepared(call), timeout=(connect_s, answer_s), allow_redirects=False, stream=True
            )
            body = _whole(response, within_s=max(answer_s, self._bounded(LONGEST_BODY_S)))
        except UnreadableError as error:
            fault = DiffgramError(f"the file could not be read during the upload; nothing was stored: {error}")
        except Fault as error:
            fault = Fault(f"the answer of {self.server.host} to {call.path} {error}", acted=True, passing=False)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self.outages.missed(call.path)
            fault = of_exception(error, self.server, answer_s)
        except OSError:  # requests' own, and its only one, for a bundle that is not there
            named = next((name for name in BUNDLE_VARIABLES if os.environ.get(name)), BUNDLE_VARIABLES[0])
            fault = ConfigError(f"{named}: no certificates can be read from '{self._session.verify}'")
        else:
            took_ms = 1e3 * (time.monotonic() - started)
            log.debug("%s %s %d, %d ms", call.method, call.path, response.status_code, took_ms)
            self.server_clock.heard(response.headers.get("Date"))
            self.outages.heard(call.path, response.status_code)
            return Answer(status=response.status_code, headers=response.headers, body=scrubbed_body(body, self.server))
        raise fault  # out of the handler: the request, and with it the credentials, hang on the first error


def _content_type(body: bytes | Multipart) -> str:
    return body.content_type if isinstance(body, Multipart) else "application/json"


def _whole(response: requests.Response, *, within_s: float) -> bytes:
    """The body of an answer.

    Raises:
        Fault: it is too long, or comes too slowly.
    """
    parts, size = [], 0
    deadline.extend(within_s)
    with response:
        for part in _parts(response, within_s):
            parts.append(part)
            size += len(part)
            if size > LARGEST_BODY:
                raise Fault(f"has more than {LARGEST_BODY >> 20} MiB", acted=True, passing=False)
    return b"".join(parts)


def _parts(response: requests.Response, within_s: float) -> Iterator[bytes]:
    try:
        yield from response.iter_content(BODY_PART)
    except (requests.RequestException, urllib3.exceptions.HTTPError):
        if deadline.over():
            raise Fault(f"was not whole within {within_s:.0f} s", acted=True, passing=False) from None
        raise


class _Session(requests.Session):
    """A session that does not look where a redirect leads: it would read the whole answer for that."""

    def get_redirect_target(self, resp: requests.Response) -> None:  # requests' own signature
        """Nowhere."""


def _session(server: Server, connections: int) -> requests.Session:
    session = _Session()
    session.trust_env = False
    if not is_loopback(urlsplit(server.host).hostname or ""):  # else a proxy would read what never leaves this machine
        session.proxies = requests.utils.get_environ_proxies(server.host, no_proxy=None)
        _check_proxies(session.proxies)
    session.verify = next((_bundle(name) for name in BUNDLE_VARIABLES if os.environ.get(name)), True)
    session.auth = (server.credentials.client_id, server.credentials.client_secret)
    session.headers["User-Agent"] = f"boxferry/{__version__}"
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
    adapter = BoundedAdapter(pool_connections=1, pool_maxsize=connections, max_retries=0, pool_block=False)
    session.mount("http://", adapter)
    session.mount("https://", adapter)
    return session


def _check_proxies(proxies: Mapping[str, str]) -> None:
    """See that the proxies of the environment can be used.

    Raises:
        ConfigError: one cannot; the message names its variable, and not its value, which can hold a password.
    """
    for scheme, url in proxies.items():
        if not _is_address(url):
            raise ConfigError(f"{scheme.upper()}_PROXY: not a proxy URL; expected one like http://host:3128")


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        return parts.scheme in PROXY_SCHEMES and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _bundle(name: str) -> str:
    """The path of the certificates that a variable names.

    Raises:
        ConfigError: there are none; the message names the variable.
    """
    path = os.environ[name]
    try:
        if not os.path.isdir(path):  # noqa: PTH112 # a text, as in the environment
            _check_certificates(path, os.stat(path).st_mtime_ns)  # noqa: PTH116 # likewise
    except OSError as error:
        raise ConfigError(f"{name}: no certificates can be read from '{path}': {error.strerror or error}") from None
    return path


@lru_cache
def _check_certificates(path: str, changed_ns: int) -> None:  # noqa: ARG001 # changed: read again
    """Read a bundle of certificates, once as it is: a system's takes longer than all else that a session begins with.

    Raises:
        OSError: it cannot be read, or holds none.
    """
    ssl.create_default_context(cafile=path)

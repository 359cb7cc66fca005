"""What a failed call means: which faults prove that nothing has happened, and what an answer's status says."""

from __future__ import annotations

import base64
import http.client
import ssl
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import msgspec
import requests
import urllib3

from boxferry.diffgram.headers import retry_after_s
from boxferry.diffgram.meanings import DATABASE_CODES, Answered, flat, meaning, short
from boxferry.errors import AuthError, DiffgramError, NotFound, Refused, Unreachable, Unsure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.diffgram.settings import Server

SHORTEST_SECRET = 6  #: characters
_NOT_CONNECTED = (
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    urllib3.exceptions.ProxyError,
)
_NOT_A_URL = (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema)


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """An answer, its body read to the end."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def retry_after_s(self) -> float:
        """Seconds until the server wants to be asked again."""
        return retry_after_s(self.headers)


class Fault(Exception):
    """An attempt that came to nothing; it does not leave this package, see `error`.

    Attributes:
        acted: whether the server may have acted on it.
        passing: whether the next attempt may fare better.
        safe: whether it may be repeated though it changes something: the server turned it away untouched.
        over: whether the server has ended its work on it.
        status: the HTTP status of the answer, None where there was none.
        wait_s: seconds after which the server wants to be asked again.
        detail: the server's words, whole.
    """

    def __init__(
        self,
        message: str,
        *,
        acted: bool,
        passing: bool,
        safe: bool = False,
        over: bool = False,
        status: int | None = None,
        wait_s: float = 0.0,
        detail: str = "",
    ) -> None:
        super().__init__(message)
        self.detail = detail
        self.over = over
        self.acted = acted
        self.passing = passing
        self.safe = safe or not acted
        self.status = status
        self.wait_s = wait_s

    def repeatable(self, *, changes: bool) -> bool:
        """Whether the call may, and is worth to, be made again."""
        return self.passing and (self.safe or not changes)

    def error(self, *, changes: bool) -> DiffgramError:
        """What it is for the caller: a call that only reads has changed nothing, whatever became of it."""
        if self.acted and changes:
            return Unsure(str(self), status=self.status, detail=self.detail, over=self.over)
        return Unreachable(str(self), status=self.status, detail=self.detail)


def of_exception(error: Exception, server: Server, timeout_s: float) -> Fault:
    """What the network layer's error means. Only where no connection came about is it certain that nothing arrived."""
    host = server.host
    found = error.args[0] if error.args else error
    reason = getattr(found, "reason", None) or found
    if isinstance(error, _NOT_A_URL):
        return Fault(f"{host}: not a valid URL", acted=False, passing=False)
    if isinstance(reason, _NOT_CONNECTED):
        through = f" through the proxy in {urlsplit(host).scheme.upper()}_PROXY"
        way = through if isinstance(error, requests.exceptions.ProxyError) else ""
        why = f"{_deepest(reason, server)}; check the address and the network"
        return Fault(f"{host} cannot be reached{way}: {why}", acted=False, passing=True)
    if isinstance(reason, urllib3.exceptions.SSLError) and (handshake := _handshake(reason, host)):
        return Fault(handshake, acted=False, passing=False)
    if isinstance(error, requests.ReadTimeout) or isinstance(reason, urllib3.exceptions.ReadTimeoutError):
        return Fault(f"{host} did not answer within {timeout_s:.3g} s", acted=True, passing=True)
    if (code := _broken_status(reason, server)) is not None:
        cause = DATABASE_CODES.get(code, f"code '{code}'")
        return Fault(f"{host} answered with a server error: {cause}", acted=True, passing=True, over=True)
    return Fault(
        f"the connection to {host} broke before the response was complete: {_deepest(reason, server)}",
        acted=True,
        passing=True,
    )


def _broken_status(error: object, server: Server) -> str | None:
    """The word in the place of the status, where an answer's first line is no HTTP; else None."""
    while error is not None and not isinstance(error, http.client.BadStatusLine):
        error = _cause(error)
    if error is None or isinstance(error, http.client.RemoteDisconnected):
        return None
    words = scrubbed(str(error), server).split()
    return words[-1][:20] if words and words[0].startswith("HTTP/") else None


def _handshake(reason: urllib3.exceptions.SSLError, host: str) -> str | None:
    """What is wrong with the server's TLS, where that shows before anything is sent; else None."""
    cause = reason.args[0] if reason.args else reason
    if isinstance(cause, ssl.SSLCertVerificationError):
        remedy = "to trust it, set REQUESTS_CA_BUNDLE to a file with its CA"
        return f"{host}: its certificate is not accepted ({cause.verify_message}); {remedy}"
    if getattr(cause, "reason", None) == "WRONG_VERSION_NUMBER":
        return f"{host} does not speak TLS: is its address http://…?"
    return None


def _deepest(error: object, server: Server) -> str:
    """The words at the bottom of what the network layer says, without its objects' addresses."""
    while deeper := _cause(error):
        error = deeper
    said = scrubbed(str(getattr(error, "strerror", None) or error), server)
    return " ".join(said.split())[:200]


def _cause(error: object) -> BaseException | None:
    inner = [each for each in getattr(error, "args", ()) if isinstance(each, BaseException)]
    return inner[-1] if inner else getattr(error, "__cause__", None)


def raise_for(answer: Answer, path: str, server: Server) -> None:
    """Pass an answer with a status of success on.

    Raises:
        Fault: the server failed; whether it acted is not known.
        DiffgramError: it said no: AuthError, NotFound or Refused.
    """
    status, host = answer.status, server.host
    means = meaning(status, answer.headers, answer.body)
    if means is Answered.DONE:
        return
    said = scrubbed(words(answer.body), server)
    seen = f"{host} answered {status} to {path}: {short(said) or scrubbed(_page(answer.body), server)}"
    if means is Answered.NOT_ALLOWED:
        where = f"project '{server.project}' on {host}"
        raise AuthError(f"{where} does not let us in: check project, client id, secret and role", status=status)
    if means is Answered.WRONG_PATH:
        raise NotFound(_wrong_path(answer, path, host), status=status)
    if means is Answered.REFUSED:
        raise Refused(short(said) if said and status == 400 else seen, status=status, detail=said)
    # a gateway may say 503 when a server that had the request broke down; only with Retry-After was it turned away
    safe, over = means is Answered.TURNED_AWAY, means is Answered.SERVER_ERROR
    wait_s = answer.retry_after_s if safe else 0.0
    raise Fault(seen, acted=True, passing=True, safe=safe, over=over, status=status, wait_s=wait_s, detail=said)


def _wrong_path(answer: Answer, path: str, host: str) -> str:
    if 300 <= answer.status < 400:
        target = _host_in(answer.headers.get("Location", "")) or "another path"
        return f"{host} redirects to {target}: use that address as the host"
    return f"{host} has no {path}: {_remedy(path)}"


def _host_in(url: str) -> str:
    """The host and port of a URL, without a name and a password before them; empty where it is none."""
    try:
        return urlsplit(url).netloc.rpartition("@")[2]
    except ValueError:
        return ""


def _remedy(path: str) -> str:
    if path.endswith("/input/packet"):
        return (
            "is it a Diffgram? Servers answer to /api/walrus/v1/project/…/input/packet, not to the API page's "
            "/api/v1/walrus/…; see --packet-path"
        )
    return "check host, project and path; is it a Diffgram?"


def unreadable(answer: Answer, path: str, server: Server, problem: Exception) -> Fault:
    """What a success means whose body is not a valid Diffgram answer."""
    what = f"the answer of {server.host} to {path}"
    if isinstance(problem, msgspec.ValidationError):
        return Fault(
            f"{what} is not a valid Diffgram answer: {problem}", acted=True, passing=False, status=answer.status
        )
    if answer.body.lstrip()[:1] in {b"{", b"["}:
        return Fault(f"{what} is cut off, or broken: {problem}", acted=True, passing=True, status=answer.status)
    page = scrubbed(_page(answer.body), server)
    return Fault(f"{what} is {page}, not JSON: is it a Diffgram?", acted=True, passing=True, status=answer.status)


def words(body: bytes) -> str:
    """The server's own words in an answer that is no success, whole; empty where it has none."""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if isinstance(found, dict):
        log = found.get("log")
        found = (isinstance(log, dict) and log.get("error")) or found.get("error") or found.get("message")
    return flat(found)


def scrubbed(text: str, server: Server) -> str:
    """The text without the credentials, should the server have sent them back; to be done before it is cut."""
    for secret in _secrets(server):
        text = text.replace(secret, "***")
    return text


def scrubbed_body(body: bytes, server: Server) -> bytes:
    """The body of an answer without the credentials: nothing that is made of it holds them.

    A secret of a few characters stays: no server gives such a one, and it would be found in every text.
    """
    for secret in _secrets(server):
        if len(secret) >= SHORTEST_SECRET and secret.encode() in body:
            body = body.replace(secret.encode(), b"***")
    return body


@lru_cache(maxsize=16)
def _secrets(server: Server) -> tuple[str, ...]:
    """The texts in which the credentials can come back: as they are, in a header, in JSON, in a URL."""
    secret = server.credentials.client_secret
    pair = base64.b64encode(f"{server.credentials.client_id}:{secret}".encode()).decode()
    in_json = msgspec.json.encode(secret).decode()[1:-1]
    return tuple(dict.fromkeys((pair, quote(pair, safe=""), secret, in_json, quote(secret, safe=""))))


def _page(body: bytes) -> str:
    text = " ".join(body[:2000].decode("utf-8", "replace").split())
    if text.startswith("<"):
        return "an HTML page"
    return f"'{text[:200]}'" if text else "nothing"

"""Who may ask: pages of this origin and programs, by a name of this machine; and what a page may load.

A page of another site can have a browser ask any address, this machine's too. It reads no answer, unless its own name
was made to lead here: then the request has that name as its host.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden, MisdirectedRequest

if TYPE_CHECKING:
    from werkzeug.sansio.response import Response as AnyResponse

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
OWN_SITE = ("same-origin", "none")


def is_loopback(hostname: str) -> bool:
    """Whether a host name is this machine's."""
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return hostname == "localhost"


def see() -> None:
    """Let a request in, or not.

    Raises:
        MisdirectedRequest: it was sent to another host's name.
        Forbidden: a page of another origin made it.
    """
    if not is_loopback(_hostname(f"//{request.headers.get('Host', '')}")):
        raise MisdirectedRequest("The sandbox answers to names of this machine only: 127.0.0.1, localhost, [::1]")
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
    how = request.headers.get("Sec-Fetch-Mode"), request.headers.get("Sec-Fetch-Dest")
    followed = how == ("navigate", "document")
    if (origin is not None and origin != request.host_url.rstrip("/")) or (site not in OWN_SITE and not followed):
        raise Forbidden("The sandbox answers to no page of another origin")


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def with_headers(response: AnyResponse) -> AnyResponse:
    """The answer, with what a browser has to keep to."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    return response

"""URLs as names: which names are URLs, how they are shown without secrets, and how they are joined."""

from __future__ import annotations

import re

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(://|::[A-Za-z])")  #: two letters at least: 'C:' is a drive
HTTP = re.compile(r"https?://", re.IGNORECASE)
QUERY = re.compile(r"[?#].*", re.DOTALL)
PARAMETERS = re.compile(r"\?[\w.~%-]+=.*", re.DOTALL)  #: elsewhere a '?' is a wildcard, or a part of a name
PASSWORD = re.compile(r"(?<=://)[^/@]*:[^/@]*@")
HOST = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+://)([^/@]*:[^/@]*@)([^/]*/)")
IN_TEXT = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://[^\s'\"<>]+")

#: what a URL is shown as → with its secrets, and the beginning of a host → with its password; in memory alone
_full: dict[str, str] = {}
_passwords: dict[str, str] = {}


def is_url(name: object) -> bool:
    """Whether a name is a URL rather than a path of this machine; `::` chains URLs, as in 'simplecache::s3://…'."""
    return isinstance(name, str) and ":" in name and URL.match(name) is not None


def shown(url: str) -> str:
    """The URL without what may be secret: the query of a signed URL, and a password."""
    return "::".join(_without_secrets(part) for part in url.split("::"))


def remembered(url: str) -> str:
    """As `shown`; the whole URL is kept in this process's memory, so that what is shown can be opened."""
    name = shown(url)
    if name != url:
        _full[name] = url
    if found := HOST.match(url):
        _passwords[f"{found[1]}{found[3]}"] = found[0]
    return name


def full(url: str) -> str:
    """The URL with its query and password, where this process was given it with them."""
    if url in _full:
        return _full[url]
    for host, whole in _passwords.items():
        if url.startswith(host):
            return whole + url.removeprefix(host)
    return url


def joined(folder: str, relative: str) -> str:
    """The URL of what lies in a folder: the query and the rest of a chain stay behind it."""
    parts = folder.split("::")
    index = _path_of(parts)
    path, query = _split(parts[index])
    parts[index] = f"{path}{'' if path.endswith('/') else '/'}{relative}{query}"
    return "::".join(parts)


def parent(url: str) -> str:
    """The folder that a URL's last part lies in; a URL without a path is its own."""
    parts = url.split("::")
    index = _path_of(parts)
    path, query = _split(parts[index])
    protocol, _, rest = path.partition("://")
    above, slash, _ = rest.rstrip("/").rpartition("/")
    parts[index] = f"{protocol}://{above if slash else rest}{query}"
    return "::".join(parts)


def last(url: str) -> str:
    """The last part of a URL's path."""
    parts = url.split("::")
    return _split(parts[_path_of(parts)])[0].partition("://")[2].rstrip("/").rpartition("/")[2]


def is_http(url: str) -> bool:
    """Whether a web server is asked, in whose URLs a '?' begins a query and signs are percent-encoded."""
    parts = url.split("::")
    return HTTP.match(parts[_path_of(parts)]) is not None


def without_secrets(text: str) -> str:
    """A message without the queries and passwords of the URLs in it."""
    return IN_TEXT.sub(lambda match: shown(match[0]), text)


def scheme(url: str) -> str:
    """The protocol, 's3' of 's3://bucket/key'."""
    return url.partition("::")[0].partition("://")[0].lower()


def _path_of(parts: list[str]) -> int:
    """Which part of a chain has the path: the first with an address ('simplecache::s3://…', 'zip://a::s3://…')."""
    return next((index for index, part in enumerate(parts) if "://" in part), 0)


def _split(url: str) -> tuple[str, str]:
    """The URL up to its query, and the query."""
    found = (QUERY if HTTP.match(url) else PARAMETERS).search(url)
    return (url[: found.start()], found[0]) if found else (url, "")


def _without_secrets(url: str) -> str:
    return PASSWORD.sub("", _split(url)[0])

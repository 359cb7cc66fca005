"""Which image a task is about: its data hold an address, out of which the file's name comes."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, unquote, urlsplit

from boxferry.boxes.codes import Code
from boxferry.formats import IMAGE_SUFFIXES
from boxferry.parsing.gather import BadImage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KEYS = ("image", "img", "image_url", "url", "ocr", "photo")
UPLOADED = re.compile(r"[0-9a-f]{8}-(?=.)")  #: what an upload puts before a file's name


def names_of(data: Mapping[str, Any]) -> list[str]:
    """The names that a task's image may have, best first.

    Raises:
        BadImage: none of its data is an image's address, or several may be.
    """
    return list(_names(_address(data)))


def _address(data: Mapping[str, Any]) -> str:
    texts = {key: value for key, value in data.items() if isinstance(value, str) and value.strip()}
    for key in KEYS:
        if key in texts:
            return texts[key]
    images = [text for text in texts.values() if posixpath.splitext(_path(text))[1].lower() in IMAGE_SUFFIXES]
    candidates = images or list(texts.values())
    if len(candidates) != 1:
        raise BadImage(f"data: expected one image's address, found {len(candidates)} texts", Code.NO_IMAGE)
    return candidates[0]


def _names(address: str) -> Iterator[str]:
    path = _path(address)
    if path.lstrip("/").startswith("data/upload/"):
        name = posixpath.basename(path)
        yield name
        yield UPLOADED.sub("", name, count=1)
    else:
        yield path.lstrip("/")
        yield posixpath.basename(path)


def _path(address: str) -> str:
    """The path in an address: of a URL without its host, and of a local file that is served the query's."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return address
    if parts.path.endswith("/data/local-files/") and (query := parse_qs(parts.query).get("d")):
        return query[0]
    served = len(parts.scheme) > 1 or address.startswith("/data/")  # one letter is a drive
    return unquote(parts.path) if served else address

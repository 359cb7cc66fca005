"""The images of a dataset, fetched from where the server says that they are; those that are there already are not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

from boxferry.errors import BoxferryError, InputError
from boxferry.reading.headers import header_size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

TIMEOUT_S = 60.0
BLOCK = 1 << 18  #: bytes that are written at once
CONNECTIONS = 4


class Wanted(NamedTuple):
    """An image.

    Attributes:
        file_id: of the file on the server.
        size: its width and height there, in pixels.
        target: where it is to be.
    """

    file_id: int
    size: tuple[int, int]
    target: Path


def fetched(wanted: Iterable[Wanted], address: Callable[[int], str]) -> dict[int, str]:
    """Fetch images, over several connections; gives the file ids of those that cannot be had, with the reasons.

    No credentials go along: an address is signed, or open. It is never part of a message.

    Args:
        wanted: the images; one that is there with the right size is not asked for.
        address: file id → the URL of its image, empty where the server gives none.
    """
    missing = [each for each in wanted if not _is_there(each)]
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        problems = pool.map(lambda each: _problem(each, address), missing)
        return {each.file_id: problem for each, problem in zip(missing, problems, strict=True) if problem}


def _is_there(wanted: Wanted) -> bool:
    return wanted.target.is_file() and header_size(str(wanted.target)) == wanted.size


def _problem(wanted: Wanted, address: Callable[[int], str]) -> str:
    """Fetch an image; the reason where it cannot be had, else empty."""
    import requests

    part = wanted.target.with_name(f".{wanted.target.name}.part")
    try:
        url = address(wanted.file_id)
        if not url.startswith(("http://", "https://")):
            return "the server gives no URL of its image"
        wanted.target.parent.mkdir(parents=True, exist_ok=True)
        _save(url, part)
        if (found := header_size(str(part))) != wanted.size:
            shown = f"{found[0]}x{found[1]}" if found else "no image"
            return f"its image on the server is {shown}, not {wanted.size[0]}x{wanted.size[1]}"
        part.replace(wanted.target)
    except BoxferryError as error:
        return str(error)
    except requests.RequestException as error:
        return f"its image cannot be fetched: {type(error).__name__}"
    except OSError as error:
        return f"its image cannot be written: {error.strerror}"
    finally:
        part.unlink(missing_ok=True)
    return ""


def _save(url: str, target: Path) -> None:
    import requests

    with requests.get(url, stream=True, timeout=TIMEOUT_S, auth=lambda request: request) as answer:  # no .netrc either
        if not answer.ok:
            raise InputError(f"its image cannot be fetched: HTTP {answer.status_code}")
        with target.open("wb") as stream:
            for block in answer.iter_content(BLOCK):
                stream.write(block)

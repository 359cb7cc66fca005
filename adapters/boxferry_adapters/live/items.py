"""Results in memory as pairs of an image's name and its result, however they are handed over."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from boxferry.errors import InputError
from boxferry.formats import IMAGE_SUFFIXES, VIDEO_SUFFIXES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    IsOne = Callable[[Any], bool]
    Split = Callable[[Any], dict[str, Any] | None]

HOW = "hand over {image name: result}, or pairs of image name and result"


def first(value: Any) -> Any:  # noqa: ANN401 # whatever was handed over
    """The first result of what was handed over; None where there is none, or it cannot be gone through."""
    if isinstance(value, Mapping):
        return next((found for found in value.values() if not _is_empty(found)), None)
    found: Any = None
    if hasattr(value, "peek"):
        found = value.peek()
    elif isinstance(value, Iterable):
        found = next(iter(value), None)
    return found[1] if _is_pair(found) else found


def _is_empty(value: object) -> bool:
    return value is None or (isinstance(value, list | tuple) and not value)


def _is_pair(value: Any) -> bool:  # noqa: ANN401 # whatever was handed over
    return (
        isinstance(value, tuple) and len(value) == 2 and (isinstance(value[0], str) or hasattr(value[0], "__fspath__"))
    )


def recognised(value: object, is_one: IsOne) -> bool:
    """Whether it is a result of this kind, or holds such results."""
    if is_one(value):
        return True
    found = None if isinstance(value, str | bytes) else first(value)
    return found is not None and is_one(found)


def nothing_found(value: Any) -> bool:  # noqa: ANN401 # whatever was handed over
    """Whether image files are named, and nothing but empty lists with them; of a generator the first one counts."""
    if hasattr(value, "peek"):
        value = [value.peek()]
    named = list(value.items()) if isinstance(value, Mapping) else value
    return isinstance(named, list | tuple) and bool(named) and all(map(_is_empty_file, named))


def _is_empty_file(pair: Any) -> bool:  # noqa: ANN401 # whatever was handed over
    return _is_pair(pair) and isinstance(pair[1], list) and not pair[1] and _is_file(str(pair[0]))


def _is_file(name: str) -> bool:
    return posixpath.splitext(name)[1].lower() in IMAGE_SUFFIXES | VIDEO_SUFFIXES


def pairs(value: Any, is_one: IsOne, split: Split) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 # whatever was handed over
    """Each image's name, empty where only its result can say it, and its result.

    Raises:
        InputError: something in between is no result of this kind.
    """
    if is_one(value):
        yield from (split(value) or {"": value}).items()
        return
    for number, each in enumerate(value.items() if isinstance(value, Mapping) else value):
        name, result = (str(each[0]), each[1]) if _is_pair(each) else ("", each)
        if not is_one(result) and not _is_empty(result):
            raise InputError(
                f"result {number}: expected one like those before it, found {type(result).__name__}; {HOW}"
            )
        yield name, result

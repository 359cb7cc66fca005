"""PathIndex: finds the one thing that a path means, by the whole path or by as much of its end as is unmistakable."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from functools import cached_property
from typing import TYPE_CHECKING, Generic, TypeVar
from urllib.parse import unquote

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

LISTED = 5  # candidates that a message names
LOOKED_AT = 2 * LISTED + 2  # enough paths to find more than LISTED things: a thing has two paths at most
HIGHEST = "\U0010ffff"
DRIVE = re.compile(r"^[A-Za-z]:/")
PLAIN = re.compile(r"[^./\\:][^/\\:]*(/[^./\\:][^/\\:]*)*")  #: a path that is clean already


def clean_path(name: str) -> str:
    """A path as relative parts with forward slashes: without a drive, a root, '.' and '..'.

    Raises:
        InputError: nothing is left.
    """
    if PLAIN.fullmatch(name):
        return name
    path = DRIVE.sub("", name.replace("\\", "/"), count=1) if "\\" in name or ":" in name else name
    parts = [part for part in path.split("/") if part not in {"", ".", ".."}]
    if not parts:
        raise InputError(f"'{name}': expected the name of an image")
    return "/".join(parts)


class _Several(list[T]):
    """Things that share a path."""


class PathIndex(Generic[T]):
    """Things under relative paths: a thing has one path or two, and several things may share one."""

    def __init__(self, paths: Iterable[tuple[str, T]], *, shown: Callable[[T], str]) -> None:
        """Index each (path, thing), things being compared by identity; `shown` is what a message calls a thing."""
        self._things: dict[str, T | _Several[T]] = {}
        self._shown = shown
        self._claims: dict[int, str] = {}
        for path, thing in paths:
            self._put(comparable(path), thing)

    def _put(self, path: str, thing: T) -> None:
        """Most paths have one thing: a list for each would take more than all else."""
        there = self._things.setdefault(path, thing)
        if isinstance(there, _Several):
            there.append(thing)
        elif there is not thing:
            self._things[path] = _Several((there, thing))

    def _at(self, path: str) -> Sequence[T]:
        found = self._things.get(path)
        if isinstance(found, _Several):
            return found
        return () if found is None else (found,)

    def whole(self, name: str) -> T | None:
        """The thing whose whole path is `name`; None for a path that leads out of the folder.

        Raises:
            InputError: there are several.
        """
        same = self._things.get(name)
        if same is not None and not isinstance(same, _Several):  # indexed as it stands: clean, and leads nowhere else
            return same
        if not self._things or _leads_out(name):
            return None
        return self._only(name, self._at(comparable(name)))

    def find(self, name: str) -> T | None:
        """The thing whose whole path is `name`; else the one that shares most parts with it, from the base name up.

        Percent signs are undone (`caf%C3%A9`) where nothing has the name as it stands.

        Raises:
            InputError: there are several.
        """
        for form in _forms(name):
            thing = self.whole(form)
            if thing is None:
                thing = self._only(form, self._sharing(comparable(form)))
            if thing is not None:
                return thing
        return None

    def claim(self, name: str, *likelier: str) -> T | None:
        """As `find`, for one name after another: two names in different folders must not find the same thing.

        Args:
            name: what is looked for.
            likelier: names whose whole path is tried before that of `name`; the first of them is what shared parts are
                looked for by.

        Raises:
            InputError: there are several, or an earlier name, in another folder, has found it.
        """
        if not self._things:
            return None
        for each in (*likelier, name):
            if (thing := self.whole(each)) is not None:
                return thing
        for form in _forms(likelier[0] if likelier else name):
            if (thing := self._claimed(form)) is not None:
                return thing
        return None

    def _claimed(self, name: str) -> T | None:
        """As `find`, without what another name has found."""
        wanted = comparable(name)
        if (thing := self.whole(name)) is not None:
            return thing
        if (thing := self._only(name, self._sharing(wanted))) is not None:
            earlier = self._claims.get(id(thing), wanted)
            if not (f"/{earlier}".endswith(f"/{wanted}") or f"/{wanted}".endswith(f"/{earlier}")):
                found = self._shown(thing)
                raise InputError(
                    f"'{earlier}' and '{wanted}' are two images, but only one image has that name: {found}"
                )
            self._claims[id(thing)] = max(earlier, wanted, key=len)
        return thing

    @cached_property
    def _backwards(self) -> list[str]:
        """The paths with their parts in reverse, sorted: those that end alike are neighbours."""
        return sorted(_reversed(path) for path in self._things)

    def _sharing(self, wanted: str) -> Iterator[T]:
        """The first of those that share most parts with `wanted`, at least the base name."""
        start = _reversed(wanted) if self._things else ""
        while start:
            low = bisect_left(self._backwards, start)
            high = bisect_left(self._backwards, start + HIGHEST, low)
            for found in self._backwards[low : min(high, low + LOOKED_AT)]:
                yield from self._at(_reversed(found)[:-1])
            if high > low:
                return
            start = start[: start.rfind("/", 0, -1) + 1]

    def _only(self, name: str, found: Iterable[T]) -> T | None:
        distinct = {id(thing): thing for thing in found}
        if len(distinct) > 1:
            listed = [self._shown(thing) for thing in distinct.values()]
            more = ", …" if len(listed) > LISTED else ""
            raise InputError(f"'{name}' could be any of {', '.join(listed[:LISTED])}{more}: name it by its whole path")
        return next(iter(distinct.values()), None)


def _forms(name: str) -> tuple[str, ...]:
    """A name as it stands, then with its percent signs undone."""
    plain = unquote(name) if "%" in name else name
    return (name,) if plain == name or not plain.strip("/\\. ") else (name, plain)


def _leads_out(name: str) -> bool:
    if PLAIN.fullmatch(name):
        return False
    path = name.replace("\\", "/")
    return path.startswith("/") or DRIVE.match(path) is not None or ".." in path.split("/")


def comparable(name: str) -> str:
    """The clean path, with accents in one form: file systems and files disagree on it."""
    path = clean_path(name)
    return path if path.isascii() else unicodedata.normalize("NFC", path)


def _reversed(path: str) -> str:
    """'train/a.jpg' as 'a.jpg/train/', and back, but for the slash at the end."""
    return "/".join(path.removesuffix("/").split("/")[::-1]) + "/"

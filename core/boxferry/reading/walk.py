"""Goes through folders: every file below one, or every file that a glob means; in order, and never in circles."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    Node = tuple[int, int]  # device and inode: the same for one folder under whatever name

WILD = frozenset("*?[")


def walk(folder: str) -> Iterator[tuple[str, str]]:
    """Each file below `folder`, as (relative path with forward slashes, path to open), sorted, depth-first.

    Linked folders are gone into, except into one that the link itself lies in. Names that begin with a dot are left
    out: they hold checkpoints and resource forks, not data.

    Raises:
        InputError: a folder cannot be listed, or a file's name is not text.
    """
    return _below(folder, "", (_node(folder),))


def expand(pattern: str) -> list[tuple[str, str]]:
    """The files that a glob means, as `walk` gives them, relative to the folder in which its first wildcard stands.

    '*', '?' and '[…]' stand for text in one name, '**' for any number of folders; a folder that the glob means
    stands for all files below it.

    Raises:
        InputError: a folder cannot be listed, or a file's name is not text.
    """
    drive, tail = os.path.splitdrive(pattern)
    parts = tail.replace(os.sep, "/").split("/")
    first = next(i for i, part in enumerate(parts) if WILD & set(part))
    root = drive + ("/".join(parts[:first]) or ("/" if first else "."))
    wanted = [part for part in parts[first:] if part]
    found = dict(_matches(root, wanted, "", (_node(root),)))
    return sorted(found.items(), key=lambda file: file[0].split("/"))


def _below(folder: str, prefix: str, above: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    for entry in _entries(folder):
        if not entry.name.startswith("."):
            yield from _under(entry, prefix, above)


def _under(entry: os.DirEntry[str], prefix: str, above: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    """The entry itself where it is a file, all files below it where it is a folder."""
    if _is_folder(entry):
        if (node := _node(entry.path)) not in above:
            yield from _below(entry.path, f"{prefix}{entry.name}/", (*above, node))
    elif not _is_special(entry):  # a link that leads nowhere fails when it is opened, not silently
        yield _text(prefix + entry.name), entry.path


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether it is a pipe, a socket or a device, or a link to one: to open it can last for good."""
    try:
        return not (entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path)))  # noqa: PTH110 # as text
    except OSError:  # a link to itself
        return False


def _matches(folder: str, parts: list[str], prefix: str, above: tuple[Node, ...]) -> Iterator[tuple[str, str]]:
    part, *rest = parts
    if part == "**" and not rest:
        yield from _below(folder, prefix, above)
        return
    if part == "**":
        yield from _matches(folder, rest, prefix, above)
    for entry in _entries(folder):
        if not _fits(entry.name, part):
            continue
        if part != "**" and not rest:
            yield from _under(entry, prefix, above)
        elif _is_folder(entry) and (node := _node(entry.path)) not in above:
            yield from _matches(entry.path, parts if part == "**" else rest, f"{prefix}{entry.name}/", (*above, node))


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return part == "**" or fnmatchcase(name, part)


def _entries(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be listed: {error.strerror}") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _node(folder: str) -> Node:
    try:
        found = os.stat(folder)  # noqa: PTH116 # paths are strings here: pathlib takes twice the time
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be listed: {error.strerror}") from error
    return found.st_dev, found.st_ino


def _text(relative: str) -> str:
    """The path itself, where it is text: a name in another encoding could be neither shown nor sent."""
    if not relative.isascii():
        try:
            relative.encode()
        except UnicodeEncodeError as error:
            shown = relative.encode(errors="backslashreplace").decode()
            raise InputError(f"{shown}: the file's name is not UTF-8; rename it") from error
    return relative

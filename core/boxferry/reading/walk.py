"""Goes through folders: every file below one, or every file that a glob means; in order, and never in circles."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    Node = tuple[int, int]  # device and inode: the same for one folder under whatever name

WILD = frozenset("*?[")


def walk(folder: str) -> Iterator[str]:
    """The relative path, with forward slashes, of each file below `folder`, sorted, depth-first.

    Linked folders are gone into, except into one that the link itself lies in. Names that begin with a dot are left
    out: they hold checkpoints and resource forks, not data.

    Raises:
        InputError: a folder cannot be listed, or a file's name is not text.
    """
    return _below(folder, "", (_node(folder),))


def placed(folder: str, relatives: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The files that `walk` or `expand` gives, each as its relative path and the path to open."""
    above = os.path.join(folder, "")  # noqa: PTH118 # as text
    if os.sep == "/":
        return ((relative, above + relative) for relative in relatives)
    return ((relative, above + relative.replace("/", os.sep)) for relative in relatives)


def expand(pattern: str) -> tuple[str, list[str]]:
    """The folder in which a glob's first wildcard stands, and the files that it means, as `walk` gives them.

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
    found = set(_matches(root, wanted, "", (_node(root),)))
    return root, sorted(found, key=lambda relative: relative.split("/"))


def _below(folder: str, prefix: str, above: tuple[Node, ...]) -> Iterator[str]:
    names, folders = _listed(folder)
    for name in names:
        if name.startswith("."):
            continue
        if name in folders:
            yield from _inside(folder, name, prefix, above)
        else:
            yield _text(prefix + name)


def _inside(folder: str, name: str, prefix: str, above: tuple[Node, ...]) -> Iterator[str]:
    path = os.path.join(folder, name)  # noqa: PTH118 # as text
    if (node := _node(path)) not in above:
        yield from _below(path, f"{prefix}{name}/", (*above, node))


def _is_special(entry: os.DirEntry[str]) -> bool:
    """Whether it is a pipe, a socket or a device, or a link to one: to open it can last for good."""
    try:
        return not (entry.is_file() or (entry.is_symlink() and not os.path.exists(entry.path)))  # noqa: PTH110 # as text
    except OSError:  # a link to itself
        return False


def _matches(folder: str, parts: list[str], prefix: str, above: tuple[Node, ...]) -> Iterator[str]:
    part, *rest = parts
    if part == "**" and not rest:
        yield from _below(folder, prefix, above)
        return
    if part == "**":
        yield from _matches(folder, rest, prefix, above)
    names, folders = _listed(folder)
    for name in names:
        if not _fits(name, part):
            continue
        if part != "**" and not rest:
            yield from _inside(folder, name, prefix, above) if name in folders else (_text(prefix + name),)
        elif name in folders and (node := _node(path := os.path.join(folder, name))) not in above:  # noqa: PTH118
            yield from _matches(path, parts if part == "**" else rest, f"{prefix}{name}/", (*above, node))


def _fits(name: str, part: str) -> bool:
    if name.startswith(".") and not part.startswith("."):
        return False
    return part == "**" or fnmatchcase(name, part)


def _listed(folder: str) -> tuple[list[str], set[str]]:
    """The sorted names in a folder, and which of them are folders; what is neither a folder nor a file is left out.

    Of hundreds of thousands of files no more is kept than that.
    """
    names, folders = [], set()
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if not _is_plain(entry):
                    if _is_folder(entry):
                        folders.add(entry.name)
                    elif _is_special(entry):
                        continue  # a link that leads nowhere stays: it fails when it is opened, not silently
                names.append(entry.name)
    except OSError as error:
        raise InputError(f"{folder}: the folder cannot be listed: {error.strerror}") from error
    names.sort()
    return names, folders


def _is_plain(entry: os.DirEntry[str]) -> bool:
    """Whether it is a file and no link, which most are: told without asking for more than the listing says."""
    try:
        return entry.is_file(follow_symlinks=False)
    except OSError:
        return False


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

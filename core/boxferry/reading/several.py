"""The files of several sources as one."""

from __future__ import annotations

import os
import posixpath
from typing import TYPE_CHECKING

from boxferry.remote.urls import is_url, parent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.formats import Source


from boxferry.reading.sources import FolderSource


class SeveralSource(FolderSource):
    """The files of several sources, relative to the folder that all of them lie in; each file once."""

    def __init__(self, names: list[str], find: Callable[[str], Source]) -> None:
        """Stand for what is called `names`: files, folders and globs, each of which `find` gives."""
        super().__init__(f"{names[0]} and {len(names) - 1} more")
        self._sources = [find(name) for name in names]
        found: dict[str, tuple[str, str, Source]] = {}
        for root, relative, path, each in (file for source in self._sources for file in _rooted(source)):
            whole = path if is_url(path) else os.path.abspath(path)  # noqa: PTH100 # links stay as they are named
            found.setdefault(whole, (root, relative, each))
        above = _common({root for root, *_ in found.values()})
        self._found = [(_below(above, root, relative), path, each) for path, (root, relative, each) in found.items()]

    def _pairs(self) -> Iterator[tuple[str, str]]:
        return ((relative, path) for relative, path, _ in self._found)

    def each(self, *suffixes: str) -> Iterator[tuple[str, Source]]:
        """As `files`, each as a source."""
        for relative, _, each in self._found:
            if not suffixes or relative.lower().endswith(suffixes):
                yield relative, each


def _rooted(source: Source) -> Iterator[tuple[str, str, str, Source]]:
    """Each file of a source: the folder that it was looked for in, its path in there, what to open, and itself."""
    if source.is_stream and not is_url(source.name):
        folder, name = os.path.split(os.path.abspath(source.name))  # noqa: PTH100 # as above
        yield folder, name, source.name, source
        return
    for (relative, path), (_, each) in zip(source.files(), source.each(), strict=True):
        if is_url(path):
            yield _url_above(path, relative), relative, path, each
            continue
        root = os.path.abspath(path)  # noqa: PTH100 # likewise
        for _ in range(relative.count("/") + 1):
            root = os.path.dirname(root)  # noqa: PTH120 # likewise
        yield root, relative, path, each


def _url_above(url: str, relative: str) -> str:
    for _ in range(relative.count("/") + 1):
        url = parent(url)
    return url


def _common(folders: set[str]) -> str:
    if any(map(is_url, folders)):
        return _common_url(folders)
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        return ""


def _common_url(folders: set[str]) -> str:
    """The URL that all folders lie at or below; empty where they are of several hosts, or of this machine too."""
    above = posixpath.commonprefix([f"{folder}/".split("/") for folder in folders])
    return "/".join(above) if len(above) > 3 or (len(folders) == 1 and above) else ""


def _below(above: str, root: str, relative: str) -> str:
    if is_url(above):
        prefix = root.removeprefix(above.rstrip("/")).strip("/") or "."
    else:
        prefix = os.path.relpath(root, above).replace(os.sep, "/") if above else "."
    return relative if prefix == "." else f"{prefix}/{relative}"

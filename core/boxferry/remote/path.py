"""RemotePath: of pathlib.Path, what reading a file and those beside it needs, for a URL."""

from __future__ import annotations

import os
import posixpath
from pathlib import Path
from urllib.parse import unquote

from boxferry.remote.ahead import read_ahead
from boxferry.remote.storage import stat
from boxferry.remote.urls import is_url, joined, last, parent, shown


class RemotePath:
    """A place at a URL; it is shown without secrets.

    Attributes:
        url: with them.
    """

    def __init__(self, url: str) -> None:
        """Stand for the file or folder at the URL."""
        self.url = url

    def __str__(self) -> str:
        return shown(self.url)

    def __truediv__(self, relative: str) -> RemotePath:
        found = self
        for part in relative.split("/"):
            if part == "..":
                found = found.parent
            elif part not in {"", "."}:
                found = RemotePath(joined(found.url, part))
        return found

    @property
    def name(self) -> str:
        """The last part."""
        return last(self.url)

    @property
    def stem(self) -> str:
        """The last part without its suffix."""
        return posixpath.splitext(self.name)[0]

    @property
    def suffix(self) -> str:
        """The suffix of the last part, with its dot."""
        return posixpath.splitext(self.name)[1]

    @property
    def parent(self) -> RemotePath:
        """The folder that it lies in."""
        return RemotePath(parent(self.url))

    def absolute(self) -> RemotePath:
        """Itself."""
        return self

    def with_name(self, name: str) -> RemotePath:
        """Another one in the same folder."""
        return self.parent / name

    def is_file(self) -> bool:
        """Whether there is a file."""
        try:
            return not stat(self.url).folder
        except OSError:
            return False

    def read_bytes(self) -> bytes:
        """Its bytes.

        Raises:
            OSError: it cannot be read.
        """
        return read_ahead(self.url)

    def read_text(self, encoding: str) -> str:
        """Its text.

        Raises:
            OSError: it cannot be read.
            UnicodeDecodeError: it is not in that encoding.
        """
        return self.read_bytes().decode(encoding)


AnyPath = Path | RemotePath


def path_of(name: str) -> AnyPath:
    """A path of this machine, or a URL's."""
    return RemotePath(name) if is_url(name) else Path(name)


def lies_below(path: str, folder: str) -> bool:
    """Whether a path or URL lies below a folder by its name alone: links stay as they are named."""
    if is_url(path) != is_url(folder):
        return False
    if is_url(path):
        return path.startswith(f"{folder.rstrip('/')}/") and ".." not in unquote(path).split("/")
    return Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))  # noqa: PTH100


def folders_above(path: AnyPath, most: int) -> list[AnyPath]:
    """The folder that a path lies in and those above it, from the nearest up."""
    at: AnyPath = path if isinstance(path, RemotePath) else path.absolute()
    found: list[AnyPath] = []
    while len(found) < most and str(above := at.parent) != str(at):
        found.append(above)
        at = above
    return found

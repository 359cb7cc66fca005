"""What the user named to be read: a file, a folder, a glob, or standard input, each as a `formats.Source`."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from boxferry.errors import InputError
from boxferry.reading.walk import WILD, expand
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from boxferry.formats import Source


from boxferry.reading.several import SeveralSource
from boxferry.reading.sources import (
    FileSource,
    FolderSource,
    GlobSource,
    ObjectSource,
    PipeSource,
    open_pipe,
    open_plain,
    standard_input,
    unreadable,
)


def source_of(spec: object) -> Source:
    """The source that `spec` names: '-' is standard input; what exists is itself, even if its name looks like a glob.

    A URL is asked for on its file system. A list of names and paths is all of them. What is no name and no path is
    results in memory.

    Raises:
        InputError: there is no such file or folder, no file matches the glob, or a folder cannot be listed.
        UsageError: a URL needs a package that is not installed.
    """
    if isinstance(spec, list | tuple) and spec and all(isinstance(each, str | os.PathLike) for each in spec):
        return (
            source_of(spec[0]) if len(spec) == 1 else SeveralSource([os.fspath(each) for each in spec], _one_of_several)
        )
    if not isinstance(spec, str | os.PathLike):
        return ObjectSource(spec)
    name = os.fspath(spec)
    if name == "-":
        return PipeSource(name, standard_input)
    return _remote(name) if is_url(name) else _local(name)


def _remote(url: str) -> Source:
    from boxferry.reading.remote import remote_source  # fsspec, only where a URL is named

    return remote_source(url)


def _local(name: str) -> Source:
    try:
        mode = os.stat(name).st_mode  # noqa: PTH116 # the name stays as the user gave it
    except (OSError, ValueError) as error:
        if isinstance(error, PermissionError):
            raise unreadable(name, error) from error
        return _glob(name)
    if stat.S_ISDIR(mode):
        return FolderSource(name)
    opened = open_pipe if stat.S_ISFIFO(mode) else open_plain
    return FileSource(name) if stat.S_ISREG(mode) else PipeSource(name, lambda: opened(name))


def _glob(pattern: str) -> Source:
    if not WILD & set(pattern):
        raise InputError(f"no such file or folder: {pattern or '(an empty name)'}")
    root, found = expand(pattern)
    if not found:
        raise InputError(f"no file matches {pattern}")
    return GlobSource(pattern, root, found)


def _one_of_several(name: str) -> Source:
    if name == "-":
        raise InputError("-: standard input cannot be one of several sources")
    return source_of(name)

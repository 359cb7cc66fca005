"""The pages of a directory's files, gone through to their end."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.diffgram.answers import FileRecord
    from boxferry.diffgram.envelopes import Files

    Mode = Literal["base", "annotation", "explorer"]


def listed(page: Callable[[int], Files]) -> Iterator[FileRecord]:
    """The files of an ordered list, each once.

    A file that goes while the pages are read moves the later ones up, and one of them is not shown. So where fewer
    files were seen than there are, the pages are gone through once more.

    Args:
        page: gives a page by its number, the first being 1.
    """
    seen: set[int] = set()
    for _ in range(2):
        there = 0
        for answer in _pages(page):
            there = answer.metadata.file_count or 0
            yield from unseen(answer.files, seen)
        if len(seen) >= there:
            return


def _pages(page: Callable[[int], Files]) -> Iterator[Files]:
    for number in count(1):
        answer = page(number)
        yield answer
        if (answer.following or 0) <= number:
            return


def unseen(files: list[FileRecord], seen: set[int]) -> Iterator[FileRecord]:
    """The files that were not seen yet; they are from now on."""
    for file in files:
        if file.id not in seen:
            seen.add(file.id)
            yield file

"""Many files in few calls: a directory's files with their sizes, and the boxes of those that are wanted.

A list gives a thousand files a call, where one file's size and boxes cost a call each. Pages with boxes are in no
order, so that some files come twice and others never: those are asked for singly.
"""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count, islice
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from boxferry.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from boxferry.diffgram.answers import FileRecord
    from boxferry.diffgram.client import Client
    from boxferry.diffgram.frames import Files

    Mode = Literal["base", "annotation", "explorer"]
    Row = dict[str, Any]

log = logging.getLogger("boxferry.diffgram")

FEW = 20  #: so many files are always asked for singly
SMALL_SHARE = 20  #: and one of so many in the directory: pages would mostly show files that are not wanted
AHEAD = 16  #: files a connection that are asked for ahead of what is taken


class StoredFile(NamedTuple):
    """What a file holds.

    Attributes:
        file_id: its number.
        rows: its boxes with every key that the server gives, deleted ones left out.
        size: width and height in pixels; 0 where the server does not tell them.
        frames: how many a video has; 0 for an image.
    """

    file_id: int
    rows: list[Row]
    size: tuple[int, int] = (0, 0)
    frames: int = 0


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
            yield from _unseen(answer.files, seen)
        if len(seen) >= there:
            return


def _pages(page: Callable[[int], Files]) -> Iterator[Files]:
    for number in count(1):
        answer = page(number)
        yield answer
        if (answer.following or 0) <= number:
            return


def _unseen(files: list[FileRecord], seen: set[int]) -> Iterator[FileRecord]:
    for file in files:
        if file.id not in seen:
            seen.add(file.id)
            yield file


class Bulk:
    """Reads the files of one directory; changes nothing."""

    def __init__(self, client: Client, directory_id: int, *, connections: int = 4) -> None:
        """Prepare; nothing is asked yet. `connections` are used at once where files are asked for singly."""
        self._client = client
        self._directory_id = directory_id
        self._connections = connections

    def sized(self) -> Iterator[FileRecord]:
        """All files with the sizes of images, by pages; a page takes the server about ten times as long as without."""
        return listed(partial(self._client.page, self._directory_id, mode="annotation"))

    def boxes(self, wanted: Collection[FileRecord], *, among: int) -> Iterator[StoredFile]:
        """What some files of the directory hold, each once, in no order; files that are not there are left out.

        Images come by pages, those that no page shows singly, and all singly where few of the directory are wanted;
        videos come frame by frame. No more than a page is held.

        Args:
            wanted: files as a list shows them.
            among: how many files the directory has.
        """
        left = {file.id for file in wanted if file.type != "video"}
        if not few(len(left), among=among):
            for file in self._shown(left):
                left.discard(file.id)
                yield StoredFile(file.id, file.rows, file.size)
        yield from self.each(self._image, left)
        yield from self.each(self._video, [file.id for file in wanted if file.type == "video"])

    def _shown(self, wanted: set[int]) -> Iterator[FileRecord]:
        """The wanted files that the pages with boxes show; a server that cannot make such a page shows none."""
        seen: set[int] = set()
        try:
            for answer in _pages(partial(self._client.page, self._directory_id, mode="explorer")):
                yield from (file for file in _unseen(answer.files, seen) if file.id in wanted and file.instance_list)
                if not wanted:
                    return
        except (Refused, Unreachable) as error:
            log.debug("files are asked for singly: %s", error)

    def each(self, ask: Callable[[int], StoredFile | None], file_ids: Collection[int]) -> Iterator[StoredFile]:
        """What is known of each file, asked over several connections, a few ahead of what is taken."""
        if not file_ids:
            return
        left = iter(file_ids)
        with ThreadPoolExecutor(self._connections) as pool:
            while some := list(islice(left, self._connections * AHEAD)):
                yield from (found for found in pool.map(ask, some) if found is not None)

    def _image(self, file_id: int) -> StoredFile | None:
        try:
            file = self._client.annotated(file_id, directory_id=self._directory_id)
        except Refused:
            return None
        return None if file.removed else StoredFile(file_id, file.rows, file.size)

    def _video(self, file_id: int) -> StoredFile:
        viewed = self._client.view(file_id)
        rows = self._client.video_rows(file_id, frames_count=viewed.frames, directory_id=self._directory_id)
        return StoredFile(file_id, rows, viewed.size, viewed.frames)


def few(wanted: int, *, among: int) -> bool:
    """Whether it is quicker to ask for some of a directory's files singly than by pages of all."""
    return wanted <= FEW or wanted * SMALL_SHARE < among

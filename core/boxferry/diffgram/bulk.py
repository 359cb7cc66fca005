"""Many files in few calls: a directory's files with their sizes, and the boxes of those that are wanted.

A list gives a thousand files a call, where one file's size and boxes cost a call each. Pages with boxes are in no
order, so that some files come twice and others never: those are asked for singly.
"""

from __future__ import annotations

import logging
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from boxferry.diffgram.pages import listed, unseen
from boxferry.errors import Refused, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from concurrent.futures import Future

    from boxferry.diffgram.answers import FileRecord
    from boxferry.diffgram.client import Client
    from boxferry.diffgram.envelopes import Files
    from boxferry.packets.rows import Row


T = TypeVar("T")
log = logging.getLogger("boxferry.diffgram")

FEW = 20  #: so many files are always asked for singly
SIZES_SHARE = 20  #: pages of sizes are worth the server's time from one wanted file in so many of the directory on
BOXES_SHARE = 4  #: likewise of boxes: a page takes most of the time that its files take singly
AHEAD = 16  #: files a connection that are asked for ahead of what is taken
PAGES_AT_ONCE = 2  #: pages with boxes, each of which keeps a core of the server busy for seconds


class StoredFile(NamedTuple):
    """What a file holds.

    Attributes:
        file_id: its number.
        rows: its boxes with every key that the server gives, deleted ones left out.
        size: width and height in pixels; 0 where the server does not tell them.
        video: whether it is a video.
        complete: whether its annotation is complete, where it was asked for as an image.
        frames: how many frames a video has; 0 where unknown.
        rate: its frames a second; 0 where unknown.
    """

    file_id: int
    rows: list[Row]
    size: tuple[int, int] = (0, 0)
    video: bool = False
    complete: bool = False
    frames: int = 0
    rate: float = 0.0


def _ahead(ask: Callable[[int], T], numbers: Iterable[int], *, threads: int, most: int) -> Iterator[T]:
    """What each number is answered with, in their order; `most` are asked for ahead of what is taken."""
    pool = ThreadPoolExecutor(threads)
    try:
        waiting: deque[Future[T]] = deque()
        for number in numbers:
            waiting.append(pool.submit(ask, number))
            if len(waiting) >= most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


class Bulk:
    """Reads the files of one directory; changes nothing."""

    def __init__(self, client: Client, directory_id: int) -> None:
        """Prepare; nothing is asked yet."""
        self._client = client
        self._directory_id = directory_id

    def sized(self) -> Iterator[FileRecord]:
        """All files with the sizes of images, by pages; a page takes the server about ten times as long as without."""
        return listed(partial(self._client.page, self._directory_id, mode="annotation"))

    def boxes(self, wanted: Collection[FileRecord], *, by_pages: bool) -> Iterator[StoredFile]:
        """What some files of the directory hold, each once, in no order; files that are not there are left out.

        Videos come frame by frame. No more than a few pages are held.

        Args:
            wanted: files as a list shows them.
            by_pages: read images by pages, and only those singly that no page shows; see `few`.
        """
        left = {file.id for file in wanted if file.type != "video"}
        if by_pages and left:
            for file in self._shown(left):
                left.discard(file.id)
                yield _stored(file)
        yield from (found for found in self.each(self._image, left) if found)
        yield from self.each(self._video, [file.id for file in wanted if file.type == "video"])

    def _shown(self, wanted: set[int]) -> Iterator[FileRecord]:
        """The wanted files that the pages with boxes show; a server that cannot make such a page shows none."""
        seen: set[int] = set()
        try:
            for answer in self._explored():
                yield from (file for file in unseen(answer.files, seen) if file.id in wanted and file.shows_boxes)
                if not wanted:
                    return
        except (Refused, Unreachable) as error:
            log.debug("files are asked for singly: %s", error)

    def _explored(self) -> Iterator[Files]:
        """The pages with boxes; the next ones are made while one is looked at."""
        page = partial(self._client.page, self._directory_id, mode="explorer")
        first = page(1)
        yield first
        rest = range(2, 1 + (first.metadata.total_pages or 1))
        yield from _ahead(page, rest, threads=PAGES_AT_ONCE, most=PAGES_AT_ONCE)

    def each(self, ask: Callable[[int], T], file_ids: Collection[int]) -> Iterator[T]:
        """What each file is answered with, asked over several connections, a few ahead of what is taken."""
        connections = self._client.connections
        return _ahead(ask, file_ids, threads=connections, most=connections * AHEAD)

    def _image(self, file_id: int) -> StoredFile | None:
        file = self._client.found(file_id, directory_id=self._directory_id)
        if file and file.type == "video":
            return self._video(file_id)._replace(complete=bool(file.ann_is_complete))
        return None if file is None or file.removed else _stored(file)

    def _video(self, file_id: int) -> StoredFile:
        viewed = self._client.view(file_id)
        rows = self._client.video_rows(file_id, frames_count=viewed.frames, directory_id=self._directory_id)
        return StoredFile(file_id, rows, viewed.size, video=True, frames=viewed.frames, rate=viewed.rate)


def _stored(file: FileRecord) -> StoredFile:
    return StoredFile(file.id, file.rows, file.size, complete=bool(file.ann_is_complete))


def few(wanted: int, *, among: int, share: int) -> bool:
    """Whether it is quicker to ask for some of a directory's files singly than by pages of all.

    Args:
        wanted: how many files are wanted.
        among: how many the directory has.
        share: one in how many has to be wanted, SIZES_SHARE or BOXES_SHARE.
    """
    return wanted <= FEW or wanted * share < among

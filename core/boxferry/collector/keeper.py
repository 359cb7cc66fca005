"""Takes results from an inference loop to the disk: a bounded buffer in memory, and a thread that empties it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.codes import Loss
from boxferry.boxes.join import only_images
from boxferry.boxes.lines import encoded
from boxferry.collector.disk_queue import Written
from boxferry.collector.measuring import measured
from boxferry.formats import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from boxferry.boxes.detections import Detections
    from boxferry.collector.disk_queue import DiskQueue
    from boxferry.collector.report import CollectorReport

    Chunks = Sequence[Detections]

GATHERING_S = (
    0.1  #: how long results of further calls are waited for, so that the thread seldom takes turns with the loop
)
TOGETHER = 100  #: calls whose results are written together, so that the disk is waited for once


class Held(NamedTuple):
    """The results of one call, in memory.

    Attributes:
        images, boxes: how many there are.
        value: their chunks, which are on the report; or a copy of them that is read, and counted, later.
    """

    images: int
    boxes: int
    value: Snapshot | Chunks


class Keeper:
    """Writes what it is offered into a disk queue, in its thread. What cannot be written is counted as lost."""

    def __init__(
        self,
        queue: DiskQueue,
        report: CollectorReport,
        *,
        limit: int,
        read: Callable[[Iterable[Snapshot | Chunks]], list[Chunks]],
        last: Callable[[], Chunks],
    ) -> None:
        """Prepare.

        Args:
            queue: where results are written.
            report: where it is counted what was lost.
            limit: images that may wait in memory; a single call may bring more.
            read: gives what is written of values that wait, and raises nothing.
            last: gives what is written at the end, after everything that was offered.
        """
        self._queue, self._report, self._limit, self._read, self._last = queue, report, limit, read, last
        self._buffer: deque[Held] = deque()
        self._in_hand: list[Held] = []
        self._held = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="boxferry-keeper", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def offer(self, given: Held, *, even_if_full: bool = False) -> bool:
        """Hand over the results of one call; False where there is no room. It is never waited for."""
        with self._changed:
            full = self._held and self._held + given.images > self._limit
            if self._closing or (full and not even_if_full):
                return False
            self._buffer.append(given)
            self._held += given.images
            if len(self._buffer) == 1 or self._enough():  # between the two, the keeper is waiting for more
                self._changed.notify()
            return True

    def _enough(self) -> bool:
        """Whether further calls are not waited for."""
        return self._closing or len(self._buffer) >= TOGETHER or 2 * self._held >= self._limit

    def close(self, *, timeout_s: float) -> None:
        """Write what is left; what is not written by then is counted as lost."""
        with self._changed:
            self._closing = True
            self._changed.notify()
        self._thread.join(max(0.0, timeout_s))
        if self._thread.is_alive():
            self._abandon(timeout_s)

    def _abandon(self, timeout_s: float) -> None:
        with self._changed:
            lost = [*self._in_hand, *self._buffer]  # what is being written at this moment is among them
            self._buffer.clear()
        lost.append(held(self._last()))
        for each in lost:
            self._report.lose(Loss.NOT_KEPT, each.images, each.boxes, counted=not isinstance(each.value, Snapshot))
        images = sum(each.images for each in lost)
        self._report.note(f"{self._queue.folder}: the disk did not take {images} images within {timeout_s:.1f} s")

    def _work(self) -> None:
        while group := self._next():
            self._write(self._read([each.value for each in group]))
            with self._changed:
                self._held -= sum(each.images for each in group)
        try:
            self._write([self._last()])
        except Exception as error:  # noqa: BLE001 # in a thread there is nothing to raise it to
            self._report.note(str(error) or repr(error))

    def _write(self, read: list[Chunks]) -> None:
        with self._changed:
            self._in_hand = list(map(held, read))
        write(self._queue, read, self._report)
        with self._changed:
            self._in_hand = []

    def _next(self) -> list[Held]:
        """The results of the next calls; none where no more come."""
        with self._changed:
            self._changed.wait_for(lambda: self._buffer or self._closing)
            self._changed.wait_for(self._enough, GATHERING_S)
            self._in_hand = [self._buffer.popleft() for _ in range(min(TOGETHER, len(self._buffer)))]
            return self._in_hand


def held(chunks: Chunks) -> Held:
    """Chunks that were read and counted."""
    return Held(images_in(chunks), boxes_in(chunks), chunks)


def write(queue: DiskQueue, group: Sequence[Chunks], report: CollectorReport) -> None:
    """Write the results of several calls, with the sizes of their images.

    What the disk does not take, no file can hold, or is of another size than its image, is counted as lost.
    """
    lines = [line for chunks in group for chunk in chunks for line in _lines(measured(chunk, report), queue, report)]
    for part in _without_repeats(lines):
        try:
            queue.add(part)
        except Exception as error:  # noqa: BLE001 # in a thread there is nothing to raise it to
            report.lose(Loss.NOT_KEPT, sum(len(each.keys) for each in part), sum(each.boxes for each in part))
            report.note(_problem(queue, error))


def _without_repeats(lines: Sequence[Written]) -> Iterator[list[Written]]:
    """The lines in parts, in none of which an image comes twice."""
    part: list[Written] = []
    seen: set[str] = set()
    for each in lines:
        if not seen.isdisjoint(each.keys):
            yield part
            part, seen = [], set()
        part.append(each)
        seen.update(each.keys)
    if part:
        yield part


def _lines(chunk: Detections, queue: DiskQueue, report: CollectorReport) -> list[Written]:
    """The lines of a chunk; an image that no line can hold is lost, and no other."""
    if not chunk.images:
        return []
    try:
        return [Written(b"".join(encoded(chunk)), tuple(image.key for image in chunk.images), len(chunk))]
    except Exception as error:  # noqa: BLE001 # a name that is no UTF-8, an attribute that JSON does not have
        if len(chunk.images) == 1:
            report.lose(Loss.NOT_KEPT, 1, len(chunk))
            report.note(_problem(queue, error))
            return []
    alone = (only_images(chunk, {image.key}) for image in chunk.images)
    return [line for each in alone for line in _lines(each, queue, report)]


def _problem(queue: DiskQueue, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{queue.folder}: {reason or repr(error)}"


def images_in(chunks: Chunks) -> int:
    """How many images."""
    return sum(len(chunk.images) for chunk in chunks)


def boxes_in(chunks: Chunks) -> int:
    """How many boxes."""
    return sum(len(chunk) for chunk in chunks)

"""Takes results from an inference loop to the disk: a bounded buffer in memory, and a thread that empties it."""

from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Loss
from boxferry.boxes.lines import encoded
from boxferry.collector.disk_queue import Written
from boxferry.collector.measuring import measured

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from boxferry.boxes.detections import Detections
    from boxferry.collector.disk_queue import DiskQueue
    from boxferry.collector.report import CollectorReport

    Chunks = Sequence[Detections]

TOGETHER = 100  #: calls whose results are written together, so that the disk is waited for once


class Keeper:
    """Writes what it is offered into a disk queue, in its thread. What cannot be written is counted as lost."""

    def __init__(self, queue: DiskQueue, report: CollectorReport, *, limit: int) -> None:
        """Prepare.

        Args:
            queue: where results are written.
            report: where it is counted what was lost.
            limit: images that may wait in memory; a single call may bring more.
        """
        self._queue, self._report, self._limit = queue, report, limit
        self._buffer: deque[Chunks] = deque()
        self._in_hand: list[Chunks] = []
        self._held = 0
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="boxferry-keeper", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def offer(self, chunks: Chunks, *, even_if_full: bool = False) -> bool:
        """Hand over the results of one call; False where there is no room. It is never waited for."""
        count = images_in(chunks)
        with self._changed:
            full = self._held and self._held + count > self._limit
            if self._closing or (full and not even_if_full):
                return False
            self._buffer.append(chunks)
            self._held += count
            self._changed.notify()
            return True

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
            left, self._held = self._held, 0  # what is being written at this moment is among them
            boxes = sum(map(boxes_in, [*self._in_hand, *self._buffer]))
            self._buffer.clear()
        self._report.lose(Loss.NOT_KEPT, left, boxes)
        self._report.note(f"{self._queue.folder}: the disk did not take {left} images within {timeout_s:.1f} s")

    def _work(self) -> None:
        while group := self._next():
            write(self._queue, group, self._report)
            with self._changed:
                self._held = max(0, self._held - sum(map(images_in, group)))
                self._in_hand = []

    def _next(self) -> list[Chunks]:
        """The results of the next calls; none where no more come."""
        with self._changed:
            while not self._buffer and not self._closing:
                self._changed.wait()
            self._in_hand = [self._buffer.popleft() for _ in range(min(TOGETHER, len(self._buffer)))]
            return self._in_hand


def write(queue: DiskQueue, group: Sequence[Chunks], report: CollectorReport) -> None:
    """Write the results of several calls, with the sizes of their images.

    What the disk does not take, no file can hold, or is of another size than its image, is counted as lost.
    """
    lines: list[Written] = []
    for given in group:
        chunks = [chunk for each in given if (chunk := measured(each, report)).images]
        try:
            lines += [_written(chunks)] if chunks else []
        except Exception as error:  # noqa: BLE001 # a name that is no UTF-8, an attribute that JSON does not have
            _lost(report, queue, chunks, error)
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


def _lost(report: CollectorReport, queue: DiskQueue, chunks: Chunks, error: Exception) -> None:
    report.lose(Loss.NOT_KEPT, images_in(chunks), boxes_in(chunks))
    report.note(_problem(queue, error))


def _problem(queue: DiskQueue, error: Exception) -> str:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return f"{queue.folder}: {reason or repr(error)}"


def _written(chunks: Chunks) -> Written:
    data = b"".join(line for chunk in chunks for line in encoded(chunk))
    return Written(data, tuple(image.key for chunk in chunks for image in chunk.images), boxes_in(chunks))


def images_in(chunks: Chunks) -> int:
    """How many images."""
    return sum(len(chunk.images) for chunk in chunks)


def boxes_in(chunks: Chunks) -> int:
    """How many boxes."""
    return sum(len(chunk) for chunk in chunks)

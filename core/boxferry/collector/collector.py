"""Takes results from an inference loop and sends them in the background; what goes wrong does not reach the loop."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Self

from boxferry.boxes.codes import Loss
from boxferry.boxes.join import only_images, whole_video
from boxferry.boxes.notebook import paragraph
from boxferry.collector.disk_queue import DiskQueue, left_over
from boxferry.collector.disk_queue_format import lines_of
from boxferry.collector.keeper import Held, Keeper, boxes_in, held, images_in, write
from boxferry.collector.pusher import Pusher
from boxferry.collector.report import CollectorReport, log
from boxferry.collector.taking import Taking, joined, parts_of
from boxferry.collector.validator import results_of_validator
from boxferry.collector.waiting import asides
from boxferry.errors import UsageError
from boxferry.formats import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.collector.disk_queue_format import DiskQueueHead
    from boxferry.collector.disk_queue_push import Doing
    from boxferry.collector.keeper import Chunks
    from boxferry.deliver.report import PushResult
    from boxferry.reading.steps import Keep

FORMER = {"on_predict_batch_end": "ultralytics_batch", "on_val_end": "ultralytics_validation"}
AT_EXIT_S = 10.0  #: how long the end of a process that did not leave the context waits for the disk


class Collector:
    """A context manager that is called with each result. What goes wrong here does not reach the inference loop.

    A result is copied into plain arrays at once, since frameworks use their buffers again, and put into a bounded
    buffer; one thread reads the copies and writes them to disk, another pushes what is on the disk every few seconds,
    so that a slow server holds nothing up. What is on the disk when the process ends, or while the server is down, is
    sent by the next collector of the run or by `resume`. A context that was left can be entered again. Frames of a
    video are one packet: they stay in memory until the end.

    In a process that is forked inside the context, as loaders do, results are written straight to disk.
    """

    def __init__(
        self,
        folder: Path,
        head: DiskQueueHead,
        doing: Doing,
        *,
        options: dict[str, Any],
        min_score: float | None = None,
        keep: Keep | None = None,
        settle: Callable[[PushResult, float], PushResult] | None = None,
        waiting: int = 1000,
        every_s: float = 5.0,
        close_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `Diffgram.collector` makes one.

        Args:
            folder: where results wait.
            head: what they are of.
            doing: how they are pushed.
            options: what `read` is given with each result.
            min_score: boxes under it are left out.
            keep: of those images only that it is true for; it is given an image and its boxes, after `min_score`.
            settle: waits for the end of what a push has sent.
            waiting: how many images may wait in memory; further ones are lost, and counted.
            every_s: seconds between pushes.
            close_s: seconds that leaving the context takes at most.
            clock: seconds.
        """
        self.report = CollectorReport()
        self._folder, self._head, self._doing, self._settle = folder, head, doing, settle
        self._taking, self._waiting = Taking(options, min_score, keep), waiting
        self._every_s, self._close_s, self._clock = every_s, close_s, clock
        self._lock = threading.Lock()
        self._process = os.getpid()
        self._videos: dict[str, list[Detections]] = {}
        self._queue = DiskQueue(folder, head)
        self._threads: tuple[Keeper, Pusher] | None = None
        self._forked = False

    def __repr__(self) -> str:
        return f"<Collector: {self._head.model}/{self._head.run} to {self._head.directory}, {self.report.summary()}>"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    def __enter__(self) -> Self:
        self._see_process()
        if self._threads or self._forked:
            raise UsageError("the collector is already open: use one with block, and call it inside")
        keeper = Keeper(self._queue, self.report, limit=self._waiting, read=self._still_images, last=self._whole_videos)
        pusher = Pusher(
            self._queue, self._doing, self.report, settle=self._settle, every_s=self._every_s, clock=self._clock
        )
        keeper.start()
        pusher.start()
        self._threads = keeper, pusher
        atexit.register(self._at_exit)
        return self

    def __exit__(self, *_: object) -> None:
        if self._process != os.getpid():
            return  # a forked process that took nothing
        if self._forked:
            self._queue.rotate()
            return
        self._close(self._close_s, send=True)
        log.info("%s", self.report.summary())

    def _at_exit(self) -> None:
        """When the process ends without leaving the context, write what is in memory to disk."""
        if not self._threads or self._process != os.getpid():
            return
        self._close(AT_EXIT_S, send=False)
        if waiting := self.report.waiting_images:
            log.warning("the collector was not closed: %d images wait for `boxferry resume`", waiting)

    def _close(self, within_s: float, *, send: bool) -> None:
        """Write everything to disk, and push it where that is wanted; all of it within one deadline."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is None:
            return
        atexit.unregister(self._at_exit)
        keeper, pusher = threads
        deadline = self._clock() + within_s
        try:
            keeper.close(timeout_s=within_s)
            self._queue.rotate()  # whoever comes next may push it, this process too
            ended = pusher.close(deadline if send else self._clock())
            if send and not ended:
                self.report.note(f"still sending after {within_s:g} s; what is left is sent the next time")
            self._look_what_waits()
        except KeyboardInterrupt:  # not waited for any longer, but what is in memory goes to disk
            keeper.close(timeout_s=AT_EXIT_S)
            self._queue.rotate()
            self._look_what_waits()
            raise
        except Exception as error:  # noqa: BLE001 # nothing reaches the loop
            self.report.note(str(error) or repr(error))

    def _look_what_waits(self) -> None:
        self.report.waiting = left_over(self._folder, self._queue.own)
        self.report.waiting_images = sum(len(lines_of(path)) for path in self.report.waiting if path.exists())
        self.report.aside = asides(self._folder)

    def __call__(self, result: object, image: str | None = None) -> None:
        """Take the result of one image, or several: a list, a generator, or {image: result}.

        Args:
            result: as a framework gives it.
            image: the image's name or path, where the result does not tell it.

        Raises:
            UsageError: the context was not entered, or was left: nothing would ever be sent.
        """
        self._see_process()
        if not self._threads and not self._forked:
            self.report.lose(Loss.OUTSIDE, 1)
            raise UsageError(
                "the collector was called outside its with block: use with diffgram.collector(…) as collect: …"
            )
        value = result if image is None else {str(image): result}
        try:
            for each in value if isinstance(value, Iterator) else (value,):
                self._each_usable(each, self._take)
        except (Exception, SystemExit) as error:  # noqa: BLE001 # nothing reaches the loop, also not what a plugin raises
            self._unusable(error)

    def ultralytics_batch(self, predictor: Any) -> None:  # noqa: ANN401 # Ultralytics' predictor
        """A callback of Ultralytics: `model.add_callback("on_predict_batch_end", collect.ultralytics_batch)`."""
        for result in getattr(predictor, "results", None) or ():
            self(result)

    def ultralytics_validation(self, validator: Any) -> None:  # noqa: ANN401 # Ultralytics' validator
        """A callback of Ultralytics, for `save_json`: `model.add_callback("on_val_end", …)`."""
        try:
            found = results_of_validator(validator)
        except (Exception, SystemExit) as error:  # noqa: BLE001 # nothing reaches the loop
            self._unusable(error)
            return
        for image, results in found.items():
            self(results, image)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # none exists
        """Say what a method is called now, without having one of a name that other frameworks take for their hook."""
        if name in FORMER:
            raise AttributeError(f"Collector.{name} is called {FORMER[name]}")
        raise AttributeError(f"'Collector' object has no attribute '{name}'")

    def _unusable(self, error: BaseException) -> None:
        self.report.lose(Loss.UNUSABLE, 1)
        self.report.note(str(error) or repr(error))

    def _each_usable(self, value: object, use: Callable[[Any], None]) -> None:
        """Use results; where one of several cannot be used, use the others."""
        try:
            return use(value)
        except (Exception, SystemExit) as error:  # noqa: BLE001 # nothing reaches the loop, nor the keeper's thread
            if not (parts := parts_of(value)):
                return self._unusable(error)
        for part in parts:
            try:
                use(part)
            except (Exception, SystemExit) as error:  # noqa: BLE001 # each of them counts
                self._unusable(error)
        return None

    def _take(self, value: object) -> None:
        keeper = self._threads and self._threads[0]
        snapshot = self._taking.snapshot(value) if keeper else None
        if keeper is None:
            write(self._queue, self._still_images([self._chunks(value)]), self.report)
        elif snapshot is None:
            self._offer(keeper, self._chunks(value))
        elif not keeper.offer(Held(len(snapshot.results), snapshot.boxes, snapshot)):
            self._offer(keeper, self._chunks_later(snapshot))

    def _offer(self, keeper: Keeper, chunks: list[Detections]) -> None:
        """Hand chunks over. Where there is no room, still images are lost, but no frame: the later ones would move."""
        if keeper.offer(held(chunks)):
            return
        frames = [only_images(each, _videos(each)) for each in chunks]
        if not keeper.offer(held(frames), even_if_full=True):  # it is closing
            frames = []
        lost = images_in(chunks) - images_in(frames), boxes_in(chunks) - boxes_in(frames)
        self.report.lose(Loss.QUEUE_FULL, *lost)
        self.report.note("the queue is full: results come faster than they can be written to disk")

    def _still_images(self, values: Iterable[Snapshot | Chunks]) -> list[Chunks]:
        """The still images of what was taken; the frames of videos are kept for the end."""
        read = [self._chunks_later(each) if isinstance(each, Snapshot) else each for each in joined(values)]
        return [[self._unless_video(chunk) for chunk in chunks] for chunks in read]

    def _chunks_later(self, snapshot: Snapshot) -> list[Detections]:
        """As `_chunks`, in the keeper's thread, which no error ends."""
        found: list[Detections] = []
        self._each_usable(snapshot, lambda part: found.extend(self._chunks(part)))
        return found

    def _chunks(self, value: object) -> list[Detections]:
        """What is read of results, counted."""
        taken = self._taking.read(value)
        self.report.take(taken.tally)
        self._queue.know(taken.classes)
        return taken.chunks

    def _unless_video(self, chunk: Detections) -> Detections:
        """The still images of a chunk; the frames of videos are kept for the end."""
        videos = _videos(chunk)
        for key in videos:
            self._keep_frame(key, only_images(chunk, {key}))
        return only_images(chunk, {image.key for image in chunk.images} - videos) if videos else chunk

    def _keep_frame(self, key: str, frame: Detections) -> None:
        if self._forked:
            self.report.lose(Loss.FORKED, 1, len(frame))
            self.report.note(f"{key}: frames of a video cannot be collected in a forked process")
            return
        with self._lock:
            self._videos.setdefault(key, []).append(frame)

    def _whole_videos(self) -> list[Detections]:
        """Each video that is kept, with all its frames."""
        with self._lock:
            videos, self._videos = self._videos, {}
        return [whole_video(frames) for frames in videos.values()]

    def _see_process(self) -> None:
        """In a process that was forked inside the context: it has no threads, so that results go straight to disk."""
        if self._process == os.getpid():
            return
        self._process, self._forked = os.getpid(), self._threads is not None or self._forked
        self._threads, self._videos, self._lock = None, {}, threading.Lock()
        self._queue = DiskQueue(self._folder, self._head)
        self.report = CollectorReport()
        if self._forked:
            self.report.note(
                f"process {self._process} was forked from the collector's: its results are written to disk, and sent "
                "once it has ended"
            )


def _videos(chunk: Detections) -> set[str]:
    return {image.key for image in chunk.images if image.video}

"""Takes results from an inference loop and sends them in the background; never raises into the loop."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Self

from boxferry.boxes.join import only_images, whole_video
from boxferry.boxes.refine import without_labels
from boxferry.boxes.tally import Tally
from boxferry.diffgram.names import text_problem
from boxferry.errors import InputError, UsageError
from boxferry.reading.read import read
from boxferry.sending.spool import SpoolFile, left_behind

if TYPE_CHECKING:
    import os
    from collections.abc import Callable
    from pathlib import Path

    from boxferry.boxes.detections import Detections
    from boxferry.reading.predictions import Predictions
    from boxferry.sending.manner import Manner
    from boxferry.sending.report import PushReport

log = logging.getLogger("boxferry.collector")

SHOWN = 5


@dataclass(slots=True)
class CollectorReport:
    """What became of what a collector was given.

    Attributes:
        images: images taken.
        boxes: boxes on them, as they came.
        dropped: boxes left out before they were kept, by reason, as in the tally.
        lost: images that were not taken, by reason: 'queue-full' (the disk was slower than the loop), 'unusable' (what
            was handed over is no result), 'not-kept' (the disk took nothing).
        problems: the first few problems, in words.
        pushes: what each push did; of one that failed nothing is here, but in `problems`.
        waiting: files of results that are on this machine still; the next collector of the same run sends them.
    """

    images: int = 0
    boxes: int = 0
    dropped: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)
    problems: list[str] = field(default_factory=list)
    pushes: list[PushReport] = field(default_factory=list)
    waiting: list[Path] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything was taken and sent."""
        return not self.lost and not self.waiting and all(push.exit_code == 0 for push in self.pushes)

    def summary(self) -> str:
        """One line."""
        lost = f", not taken: {', '.join(f'{n} {why}' for why, n in self.lost.items())}" if self.lost else ""
        waiting = f"; {len(self.waiting)} files wait for the next time" if self.waiting else ""
        sent = f"; {self.pushes[-1].summary()}" if self.pushes else ""
        problem = f"; {self.problems[-1]}" if self.problems else ""
        return f"{self.images} images, {self.boxes} boxes taken{lost}{waiting}{sent}{problem}"


class Collector:
    """A context manager that is called with each result. Nothing that goes wrong here reaches the inference loop.

    A result is turned into plain arrays at once, since frameworks use their buffers again, and put into a bounded
    queue; a thread writes it to disk and, every few seconds, pushes what has come into the outbox and on to the server.
    What is on the disk when the process dies, or while the server is down, is sent by the next collector of the run.
    Frames of a video are one packet: they stay in memory until the end.
    """

    def __init__(
        self,
        push: Callable[[Predictions, bool], PushReport],
        folder: Path,
        *,
        options: dict[str, Any],
        images: str | os.PathLike[str] | None = None,
        waiting: int = 1000,
        every_s: float = 5.0,
        close_s: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Prepare; `Diffgram.collector` makes one.

        Args:
            push: pushes predictions; is told whether to wait for their end.
            folder: where results wait.
            options: what `read` is given with each result.
            images: the folder of the images, looked up when results are pushed.
            waiting: how many images may wait in memory; further ones are not taken.
            every_s: seconds between pushes.
            close_s: seconds that leaving the context waits for what is under way.
            clock: seconds.
        """
        self.report = CollectorReport()
        self._push, self._folder, self._options, self._images = push, folder, options, images
        self._videos: dict[str, list[Detections]] = {}
        self._every_s, self._close_s, self._clock = every_s, close_s, clock
        self._queue: queue.Queue[list[Detections] | None] = queue.Queue(maxsize=waiting)
        self._open = False
        self._thread = threading.Thread(target=self._work, name="boxferry-collector", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._open = True
        return self

    def __exit__(self, *_: object) -> None:
        self._open = False
        if not self._thread.is_alive():
            self.report.waiting = sorted(self._folder.glob("*.ndjson"))
            return
        deadline = self._clock() + self._close_s
        try:
            self._queue.put([whole_video(frames) for frames in self._videos.values()], timeout=self._close_s)
            self._queue.put(None, timeout=self._close_s)
            self._thread.join(timeout=max(0.0, deadline - self._clock()))
            if self._thread.is_alive():
                self._note(f"still sending after {self._close_s:g} s; what is left is sent the next time")
            self.report.waiting = sorted(self._folder.glob("*.ndjson"))
        except Exception as error:  # noqa: BLE001 # nothing reaches the loop
            self._note(repr(error))
        log.info("%s", self.report.summary())

    def __call__(self, result: object, image: str | None = None) -> None:
        """Take the result of one image, or a list of such.

        Args:
            result: as a framework gives it.
            image: the image's name or path, where the result does not tell it.

        Raises:
            UsageError: it is called outside its `with`: nothing would be kept or sent.
        """
        if not self._open:
            raise UsageError("the collector is called outside its context: with diffgram.collector(…) as collect: …")
        try:
            self._take(result if image is None else {str(image): result})
        except Exception as error:  # noqa: BLE001 # nothing reaches the loop
            self.report.lost["unusable"] += 1
            self._note(str(error) or repr(error))

    def on_predict_batch_end(self, predictor: Any) -> None:  # noqa: ANN401 # Ultralytics' predictor
        """A callback of Ultralytics: `model.add_callback("on_predict_batch_end", collect.on_predict_batch_end)`."""
        for result in getattr(predictor, "results", None) or ():
            self(result)

    def on_val_end(self, validator: Any) -> None:  # noqa: ANN401 # Ultralytics' validator
        """A callback of Ultralytics, for a validation with `save_json`: `model.add_callback("on_val_end", …)`."""
        try:
            found = results_of_validator(validator)
        except Exception as error:  # noqa: BLE001 # nothing reaches the loop
            self.report.lost["unusable"] += 1
            self._note(str(error) or repr(error))
            return
        for image, results in found.items():
            self(results, image)

    def _take(self, value: object) -> None:
        tally = Tally()
        read_chunks = read(value, **self._options).unrefined(tally)
        chunks = [self._unless_video(_with_texts(chunk, tally)) for chunk in read_chunks]
        try:
            self._queue.put_nowait(chunks)
        except queue.Full:
            self.report.lost["queue-full"] += max(1, tally.images)
            self._note("the queue is full: results come faster than they can be kept")
            return
        self.report.images += tally.images
        self.report.boxes += tally.read
        self.report.dropped += tally.dropped

    def _unless_video(self, chunk: Detections) -> Detections:
        """The still images of a chunk; the frames of videos are kept for the end."""
        videos = {image.key for image in chunk.images if image.video}
        for key in videos:
            self._videos.setdefault(key, []).append(only_images(chunk, {key}))
        return only_images(chunk, {image.key for image in chunk.images} - videos) if videos else chunk

    def _note(self, problem: str) -> None:
        log.warning("%s", problem)
        if len(self.report.problems) < SHOWN and problem not in self.report.problems:
            self.report.problems.append(problem)

    def _work(self) -> None:
        try:
            self._send_left_behind()
            more = True
            while more:
                more = self._one_file()
        except BaseException as error:  # noqa: BLE001 # a thread has nobody to raise to
            self._note(repr(error))

    def _one_file(self) -> bool:
        """Fill one file until it is time to push, push it, and tell whether more can come."""
        with SpoolFile(self._folder) as spool:
            more = self._fill(spool)
            if spool.images and self._pushed(spool.path, wait=not more):
                spool.remove()
        return more

    def _fill(self, spool: SpoolFile) -> bool:
        until = self._clock() + self._every_s
        while True:
            try:
                chunks = self._queue.get(timeout=max(0.05, until - self._clock()))
            except queue.Empty:
                chunks = []
            if chunks is None:
                return False
            self._keep(spool, chunks)
            if self._clock() >= until and spool.images:
                return True

    def _keep(self, spool: SpoolFile, chunks: list[Detections]) -> None:
        try:
            spool.add(chunks)
        except (OSError, ValueError) as error:
            self.report.lost["not-kept"] += sum(len(chunk.images) for chunk in chunks)
            self._note(f"{spool.path}: {(isinstance(error, OSError) and error.strerror) or error}")

    def _send_left_behind(self) -> None:
        for path in left_behind(self._folder):
            if self._pushed(path, wait=False):
                path.unlink(missing_ok=True)

    def _pushed(self, path: Path, *, wait: bool) -> bool:
        """Push a file; tells whether all of it is in the outbox, so that the file can go."""
        try:
            predictions = read(path, format="boxferry", images=self._images, options={"boxferry-media": "written"})
            report = self._push(predictions, wait)
        except Exception as error:  # noqa: BLE001 # the server is down, the outbox is busy: the file stays
            self._note(str(error) or repr(error))
            return False
        self.report.pushes.append(report)
        if report.stopped is not None:
            self._note(str(report.stopped))
        return True


def _with_texts(chunk: Detections, tally: Tally) -> Detections:
    """The boxes whose labels can be written to the disk and sent."""
    problems = {label: problem for label in chunk.labels if (problem := text_problem(label))}
    return without_labels(chunk, problems, tally)


def results_of_validator(validator: Any) -> dict[str, list[dict[str, Any]]]:  # noqa: ANN401 # duck-typed
    """Image → its results with label names, out of the list that Ultralytics' validation makes for `save_json`.

    Raises:
        InputError: there is no such list, or its items do not name their images.
    """
    items = getattr(validator, "jdict", None)
    if not items:
        raise InputError("the validator has no results: run it with save_json=True")
    class_map = list(getattr(validator, "class_map", ()) or range(len(validator.names)))
    found: dict[str, list[dict[str, Any]]] = {}
    for item in items:
        if not item.get("file_name"):
            raise InputError("the validator's results do not name their images: that needs Ultralytics 8.4 or newer")
        x, y, width, height = item["bbox"]
        box = {"xmin": x, "ymin": y, "xmax": x + width, "ymax": y + height}
        label = str(validator.names[class_map.index(item["category_id"])])
        found.setdefault(item["file_name"], []).append({"score": item["score"], "label": label, "box": box})
    return found


def patient(manner: Manner, *, wait: bool) -> Manner:
    """The manner of one push: without waiting for its end, while more is to come."""
    return manner if wait else replace(manner, patience=replace(manner.patience, wait_s=0.0))

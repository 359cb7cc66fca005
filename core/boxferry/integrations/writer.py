"""The one writer of a distributed write: takes what tasks have handed over, and sends it from one outbox."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from boxferry.boxes.tally import Tally
from boxferry.collector.collecting import check_collecting, doing, runs_of, send_waiting, within
from boxferry.collector.disk_queue import DiskQueue, Written
from boxferry.collector.disk_queue_format import DiskQueueHead, disk_queue_folder, lines_of, parsed
from boxferry.collector.pusher import Pusher
from boxferry.collector.report import CollectorReport
from boxferry.collector.waiting import waiting_in
from boxferry.deliver.finish import go_on
from boxferry.deliver.report import PushResult
from boxferry.deliver.run_to_end import SendingOptions
from boxferry.errors import BoxferryError, DiffgramError, StillProcessing, UsageError
from boxferry.integrations.by_image import by_image
from boxferry.integrations.parts import Parts
from boxferry.integrations.written import Sending
from boxferry.outbox.kinds import Mode
from boxferry.plan.make_planner import check_names
from boxferry.plan.options_file import plain
from boxferry.plan.push_options import PushOptions
from boxferry.plugins import plugin_manager
from boxferry.remote.urls import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from boxferry.project import Diffgram

PARTS = "parts"  #: the folder of what tasks have handed over, in that of the run's queue
TRY_AGAIN = {4, 5}  #: exit codes after which the same call may come to a good end
PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
TOGETHER = 1000  #: lines that are written to the disk together, which is waited for
SWEPT_S = 86400.0  #: after a day no task of a write that never ended is run again
EVERY_S = 2.0  #: seconds between pushes


@dataclass(frozen=True, kw_only=True, slots=True)
class Destination:
    """Where the boxes of a write go, and how; without credentials.

    Attributes:
        directory: the directory on the server, by name or id.
        model, run: on every box.
        options: the push options.

    Raises:
        UsageError: one of them is not valid here.
    """

    directory: str | int
    model: str
    run: str
    options: PushOptions = field(default_factory=PushOptions)

    def __post_init__(self) -> None:
        check_names(model=self.model, run=self.run)
        check_collecting(self.options, None)

    def check_secrets(self) -> None:
        """See that it can be handed to another process.

        Raises:
            UsageError: a URL has a password or a query, which may be secret.
        """
        url = self.options.media_url or ""
        if shown(url) != url:
            raise UsageError(f"media_url {shown(url)}: has a password or a query, which would be pickled for the actor")

    def folder(self, diffgram: Diffgram) -> Path:
        """Where the run's results wait: a whole path, since tasks have another working directory."""
        place = (diffgram.server.host, diffgram.server.project, str(self.directory), self.model, self.run)
        return disk_queue_folder(diffgram.outbox_path, *place).absolute()


class Writer:
    """Sends what tasks have handed over, in a thread, while others are at work; then waits for the end of all."""

    def __init__(
        self,
        diffgram: Diffgram,
        destination: Destination,
        *,
        every_s: float = EVERY_S,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Prepare; no I/O.

        Args:
            diffgram: the project, with the outbox.
            destination: where the boxes go.
            every_s: seconds between pushes.
            clock: seconds.
            sleep: waits.
        """
        self._diffgram, self._destination = diffgram, destination
        self._every_s, self._clock, self._sleep = every_s, clock, sleep
        self._options, self._folder = destination.options, destination.folder(diffgram)
        self._head = DiskQueueHead(
            host=diffgram.server.host,
            project=diffgram.server.project,
            directory=destination.directory,
            model=destination.model,
            run=destination.run,
            options=plain(self._options),
        )
        self.parts = Parts(self._folder / PARTS)
        self._report = CollectorReport()
        self._queue = _PartQueue(self._folder, self._head, self.parts, self._options.mode)
        self._pusher: Pusher | None = None

    def check(self) -> None:
        """See that the server accepts us; one that is down may come up meanwhile.

        Raises:
            DiffgramError: it does not accept the credentials, or has no such project, schema or directory.
        """
        self.parts.sweep(SWEPT_S)
        try:
            self._diffgram.labels(self._options.schema)
            if not self._options.create_directory:
                self._diffgram.asked(self._destination.directory)
        except DiffgramError as error:
            if error.exit_code not in TRY_AGAIN:
                raise
            self._report.note(str(error))

    def start(self) -> None:
        """Begin to send, with what an earlier write of the run has left; once."""
        if self._pusher is None:
            way = doing(self._diffgram.workspace, self._head, self._options, plugin_manager())
            self._pusher = Pusher(self._queue, way, self._report, settle=None, every_s=self._every_s, clock=self._clock)
            self._pusher.start()

    def store(self, key: str, lines: bytes) -> None:
        """Take what a task hands over, unless it has done so already."""
        self.start()
        self.parts.store(key, lines)

    def finish(self, keys: Sequence[str], timeout_s: float) -> Sending:
        """Send the rest, wait until the server has applied it, and read it back.

        Args:
            keys: the tasks whose results have to be there.
            timeout_s: seconds that this takes at most.

        Calling it again goes on; `parts.forget` takes away what it leaves, once its answer is there.
        """
        self.start()
        missing = self.parts.missing(keys)
        deadline = self._clock() + timeout_s
        self._queue.gather()
        return self._sending(self._ended(deadline), missing)

    def stop(self) -> Sending:
        """End sending at once; what is left waits on disk, for the same write run again or for `resume`."""
        if self._pusher is not None:
            self._pusher.close(self._clock())
        self._queue.gather()
        self._queue.rotate()
        return self._sending(0, [])

    def _ended(self, deadline: float) -> int:
        """Close the pusher, then go on with the run until all has ended, nothing more can, or the time is over."""
        pusher, self._pusher = self._pusher, None
        closed = pusher is None or pusher.close(deadline)
        self._queue.rotate()
        if not closed:
            return StillProcessing.exit_code
        pause_s, code = PAUSE_S, self._gone_on(deadline)
        while code in TRY_AGAIN and self._clock() + pause_s < deadline:
            self._sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, 2 * pause_s)
            code = self._gone_on(deadline)
        return code

    def _gone_on(self, deadline: float) -> int:
        """Push what is left on disk, wait, and read back; gives the exit code."""
        patience = within(self._options, max(0.0, deadline - self._clock())).patience
        workspace, plugins, tally = self._diffgram.workspace, plugin_manager(), Tally()
        report = PushResult(tally=tally, run=None, outbox=str(workspace.outbox_path))
        try:
            waiting = waiting_in(self._folder)
            if waiting.images or waiting.aside:
                send_waiting(workspace, waiting, patience, plugins, tally)
            if runs := runs_of(workspace, self._head):
                how = SendingOptions(patience=patience, verify=self._options.verify)
                report = go_on(workspace, runs[-1], how, tally, self._options, plugins=plugins)
        except BoxferryError as error:
            self._report.note(str(error))
            return error.exit_code
        self._report.pushed(report)
        return report.exit_code

    def _sending(self, exit_code: int, missing: Sequence[str]) -> Sending:
        report, waiting = self._report, waiting_in(self._folder)
        last = report.pushes[-1] if report.pushes else None
        return Sending(
            states=dict(last.states) if last else {},
            dropped=Counter(report.dropped_by_pushes),
            waiting=waiting.images + self._queue.untaken(),
            aside=[(each.image, each.reason) for each in waiting.aside],
            failed=[(each.file_name, each.reason) for each in [*last.failed, *last.doubtful]] if last else [],
            missing=list(missing),
            problems=list(report.problems),
            exit_code=exit_code,
        )


class _PartQueue(DiskQueue):
    """A disk queue into whose files the parts are gathered.

    Of a way of pushing that takes a file's boxes as a whole, a later packet would take away, or leave out, what an
    earlier one has brought: then the parts are gathered only when all are there, each image with all its boxes.
    """

    def __init__(self, folder: Path, head: DiskQueueHead, parts: Parts, mode: Mode) -> None:
        super().__init__(folder, head)
        self._parts = parts
        self._whole = mode.replaces or mode is Mode.SKIP

    def rotate(self) -> None:
        """Gather the parts that were handed over since, where they may go one by one; then as a queue does."""
        if not self._whole:
            self.gather()
        super().rotate()

    def gather(self) -> None:
        """Gather the parts that are there; those of an earlier write of the run first."""
        with self._parts.taking() as paths:
            for lines in map(by_image, _writes(paths)) if self._whole else map(_lines, paths):
                while group := list(map(_line, islice(lines, TOGETHER))):  # the disk is waited for once for each
                    self.add(group)

    def untaken(self) -> int:
        """The images of the parts that were not gathered."""
        return sum(len(lines_of(path)) for path in self._parts.waiting())


def _writes(paths: Iterable[Path]) -> Iterable[list[Path]]:
    """The parts of each write, the oldest write first; the keys of its tasks begin with the same word."""
    found: dict[str, list[Path]] = {}
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        found.setdefault(path.name.partition(".")[0], []).append(path)
    return found.values()


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        yield from stream


def _line(data: bytes) -> Written:
    found = parsed(data)
    return Written(data, (found.image.key,) if found else (), len(found.xyxy) if found else 0)

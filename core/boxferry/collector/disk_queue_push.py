"""Pushes what waits in a queue, file by file; an image that cannot be sent is set aside, and the others go."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.codes import Code
from boxferry.collector.disk_queue import claims, keep, remove, set_aside
from boxferry.collector.disk_queue_format import head_of, lines_of, parsed
from boxferry.errors import (
    BoxferryError,
    ConfigError,
    DiffgramError,
    OutboxBusy,
    OutboxError,
    Refused,
    StillProcessing,
    UnknownLabel,
)
from boxferry.reading.read import read
from boxferry.remote.urls import is_url

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from boxferry.deliver.report import PushResult
    from boxferry.plugins import Plugins
    from boxferry.reading.predictions import Predictions

#: what is wrong with the server, the way to it or the settings: another attempt may work, and no image is at fault
ELSEWHERE = (DiffgramError, OutboxError, ConfigError, StillProcessing, OSError, MemoryError)


class Doing(NamedTuple):
    """What is needed to push the results of a run.

    Attributes:
        push: pushes predictions; takes the seconds that it may wait for their end, 0 for not at all.
        images: the folder of the images; empty where the results name their paths.
        labels: gives the labels that the server has, where a label that it lacks is an error.
        plugins: the plugins.
        go_on: sends what the outbox has of the run and an earlier push could not; takes the seconds that it may wait
            for the end. Gives None where there is nothing.
    """

    push: Callable[[Predictions, float], PushResult]
    images: str = ""
    labels: Callable[[], Container[str]] | None = None
    plugins: Plugins | None = None
    go_on: Callable[[float], PushResult | None] = lambda _: None


class DiskQueuePush:
    """Pushes the files of one folder.

    What could not be sent stays in files at every moment: a file is taken away when all of it is in the outbox or in
    other files of the folder.
    """

    def __init__(
        self,
        folder: Path,
        doing: Doing,
        *,
        pushed: Callable[[PushResult], None],
        note: Callable[[str], None],
        own: set[Path] | None = None,
    ) -> None:
        """Prepare.

        Args:
            folder: of the queue.
            doing: how it is pushed.
            pushed: given the report of each push.
            note: given what went wrong, in words.
            own: has each file as long as it is pushed.
        """
        self._own = set() if own is None else own
        self._folder, self._doing, self._pushed, self._note = folder, doing, pushed, note
        self._later: set[Path] = set()

    def everything(
        self, wait_s: Callable[[], float], *, more: Callable[[], None] = lambda: None
    ) -> BaseException | None:
        """Push all files that no other process is at; the older ones first.

        Args:
            wait_s: seconds that the next push may wait for its end; under 0 no further one is begun.
            more: called when the files are pushed that were there; those that it adds are pushed too.

        Returns:
            What keeps all of them from being pushed, so that another attempt is worth while; None where nothing does.
            It was noted, unless it is that another process is sending (`OutboxBusy`).
        """
        passed = self._later = set()
        for again in (True, False):
            for path in claims(self._folder, passed):
                if (left := wait_s()) < 0:
                    return None
                if problem := self._file(path, left, lambda: wait_s() < 0):
                    if not isinstance(problem, OutboxBusy):  # workers of one service take turns
                        self._note(str(problem) or repr(problem))
                    return problem
            if again:
                more()
        return None

    def _file(self, path: Path, wait_s: float, over: Callable[[], bool]) -> BaseException | None:
        """Push one file; gives what keeps it from being pushed, where no image is at fault."""
        self._own.add(path)
        lines = self._readable(path)
        if lines and (problem := self._sent(path, lines, wait_s, over)):
            return problem
        remove(path)
        self._own.discard(path)
        return None

    def _sent(self, path: Path, lines: list[bytes], wait_s: float, over: Callable[[], bool]) -> BaseException | None:
        try:
            report = self._push(path, wait_s)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 # SystemExit of a plugin too; the image that causes it is found
            elsewhere = isinstance(error, ELSEWHERE) and not isinstance(error, Refused)
            if elsewhere or over():  # at the end of a process anything fails, threads cannot be started any more
                return error
            self._divide(lines, error)
        else:
            self._pushed(report)
            self._see_to_failed(lines, report)
        return None

    def _readable(self, path: Path) -> list[bytes]:
        """The lines of a file; those that were cut off are set aside."""
        lines = lines_of(path)
        whole = [line for line in lines if parsed(line)]
        if len(whole) < len(lines):
            self._aside([line for line in lines if not parsed(line)], "cut off: the process ended while it was written")
        return whole

    def _push(self, path: Path, wait_s: float) -> PushResult:
        images = self._doing.images
        if images and not is_url(images) and not Path(images).is_dir():
            raise ConfigError(f"no such images folder: {images}; the results wait for it")
        predictions = read(
            path,
            format="boxferry",
            images=images or None,
            names={i: name for i, name in head_of(self._folder).classes if isinstance(i, int)} or None,
            options={"boxferry-media": "written"},
            plugins=self._doing.plugins,
        )
        return self._doing.push(predictions.without_folder(), wait_s)  # no image but those on the lines

    def _divide(self, lines: list[bytes], error: BaseException) -> None:
        """Put the images of a file that cannot be pushed into smaller files, or set aside the one that is at fault."""
        reason = str(error) if isinstance(error, BoxferryError) else f"{type(error).__name__}: {error}"
        if isinstance(error, UnknownLabel) and (lacking := self._lacking(lines)):
            self._aside(lacking, reason)
            keep(self._folder, [line for line in lines if line not in lacking])
        elif len(lines) == 1:
            self._aside(lines, reason)
        else:
            keep(self._folder, lines[: len(lines) // 2])
            keep(self._folder, lines[len(lines) // 2 :])

    def _lacking(self, lines: list[bytes]) -> list[bytes]:
        """The images with a label that the server does not have; none where that cannot be said."""
        if self._doing.labels is None:
            return []
        try:
            there = self._doing.labels()
        except BoxferryError:
            return []
        return [line for line in lines if any(label not in there for label in _labels(line))]

    def _see_to_failed(self, lines: list[bytes], report: PushResult) -> None:
        """Set aside what a push left out; what waits for an earlier packet is tried again later."""
        failed = report.tally.failed
        if not failed:
            return None
        reasons = {
            issue.source: issue
            for issues in report.tally.examples.values()
            for issue in issues
            if issue.kind == "error"
        }
        if len(lines) == 1:
            issue = next(iter(reasons.values()))
            return self._put_away(lines, issue.code, str(issue))
        found = [line for line in lines if _key(line) in reasons]
        for line in found:
            issue = reasons[_key(line)]
            self._put_away([line], issue.code, str(issue))
        if len(found) < failed.total():  # not all of them are named: they are found in smaller files
            left = [line for line in lines if _key(line) not in reasons]
            keep(self._folder, left[: len(left) // 2])
            keep(self._folder, left[len(left) // 2 :])
        return None

    def _put_away(self, lines: list[bytes], code: str, reason: str) -> None:
        if code != Code.PENDING:
            self._aside(lines, reason)
        elif path := keep(self._folder, lines):
            self._later.add(path)

    def _aside(self, lines: list[bytes], reason: str) -> None:
        set_aside(self._folder, lines, reason)
        self._note(f"{len(lines)} images set aside: {reason}" if len(lines) > 1 else f"set aside: {reason}")


def _key(line: bytes) -> str:
    read = parsed(line)
    return read.image.key if read else ""


def _labels(line: bytes) -> set[str]:
    read = parsed(line)
    return set(read.label) if read else set()

"""A metrics file for batch jobs, in Prometheus's text format, as the textfile collector of node_exporter reads it."""

from __future__ import annotations

import errno
import logging
import os
import tempfile
import threading
import time
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from boxferry.observing.events import observed
from boxferry.observing.names import PREFIX, Kind, Metric
from boxferry.observing.observer import Observer
from boxferry.stopping import INTERRUPTED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_log = logging.getLogger("boxferry.metrics")

BATCH: Final = "batch"  #: the label that tells the files of one folder apart: the file's name without its suffix
ENDING: Final = {
    "exit_code": "Exit code of the last command.",
    "duration_seconds": "Duration of the last command.",
    "end_timestamp_seconds": "When the last command ended, seconds since the epoch.",
}  #: what stands in every file, whatever was done → what it means


class Counts(Observer):
    """Adds up what it hears, over all stages and runs of a command.

    Attributes:
        values: metric → label → value.
    """

    def __init__(self) -> None:
        self.values: dict[Metric, dict[str, float]] = {metric: {} for metric in Metric}
        self._runs: dict[Metric, dict[int, Mapping[str, float]]] = defaultdict(dict)
        self._lock = threading.Lock()

    def count(self, metric: Metric, value: float, label: str) -> None:
        """Add it."""
        with self._lock:
            values = self.values[metric]
            values[label] = values.get(label, 0) + value

    def stands(self, run: int, metric: Metric, values: Mapping[str, float]) -> None:
        """Keep the last of each run; several runs are added up."""
        with self._lock:
            runs = self._runs[metric]
            runs[run] = values
            self.values[metric] = {}
            for state, value in (pair for each in runs.values() for pair in each.items()):
                self.values[metric][state] = self.values[metric].get(state, 0) + value


class Recording:
    """What a metrics file will hold.

    Attributes:
        exit_code: of the command; to be set before it ends.
    """

    def __init__(self) -> None:
        self.exit_code = 0
        self.counts = Counts()


@contextmanager
def metrics_file(
    path: str | os.PathLike[str], *, command: str, clock: Callable[[], float] = time.time
) -> Iterator[Recording]:
    """Count what is done inside, and write it to a file at the end, also where that is an error.

    A file that cannot be written then is a warning of the log: what was done is done.

    Args:
        path: the file; it is replaced as a whole, so that no reader finds half of it.
        command: what it is that is done, as a label.
        clock: seconds since the epoch.

    Yields:
        What to set the exit code on; an error that has one sets it.

    Raises:
        OSError: the file cannot be written there; nothing was done.
    """
    _check(Path(path))
    recording, began = Recording(), clock()
    try:
        with observed(recording.counts):
            yield recording
    except BaseException as error:
        recording.exit_code = _exit_code(error)
        raise
    finally:
        ended = clock()
        ending = (recording.exit_code, ended - began, ended)
        labels = {BATCH: Path(path).stem, "command": command}
        try:
            _replace(Path(path), text(recording.counts, dict(zip(ENDING, ending, strict=True)), labels))
        except OSError as error:
            _log.warning("%s: the metrics file was not written: %s", path, error.strerror)


def _check(path: Path) -> None:
    """See that the file can be written, before anything is done.

    Raises:
        OSError: it cannot.
    """
    folder = path.parent
    if not folder.is_dir():
        raise FileNotFoundError(errno.ENOENT, "there is no such folder for the metrics file", str(folder))
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "the metrics file is a folder", str(path))
    if not os.access(folder, os.W_OK):
        raise PermissionError(errno.EACCES, "no metrics file can be written there", str(folder))


def _exit_code(error: BaseException) -> int:
    """What the process ends with where nothing catches the error."""
    if isinstance(error, SystemExit):
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return getattr(error, "exit_code", INTERRUPTED if isinstance(error, KeyboardInterrupt) else 1)


class _Series(NamedTuple):
    name: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


def text(counts: Counts, ending: Mapping[str, float], labels: Mapping[str, str]) -> str:
    """The file's text; all values are gauges, since each command begins anew."""
    return "".join(_lines(each, labels) for each in (*_ended(ending), *_counted(counts)))


def _ended(ending: Mapping[str, float]) -> Iterator[_Series]:
    for name, value in ending.items():
        yield _Series(f"{PREFIX}_{name}", ENDING[name], [({}, value)])


def _counted(counts: Counts) -> Iterator[_Series]:
    for metric, values in counts.values.items():
        found = values or ({} if metric.label else {"": 0.0})
        samples = [({metric.label: label} if metric.label else {}, value) for label, value in sorted(found.items())]
        if samples:
            yield _Series(metric.series, _help(metric), samples)


def _help(metric: Metric) -> str:
    return metric.meaning if metric.kind is Kind.GAUGE else f"{metric.meaning.removesuffix('.')}, by the last command."


def _lines(series: _Series, common: Mapping[str, str]) -> str:
    head = f"# HELP {series.name} {series.help}\n# TYPE {series.name} gauge\n"
    return head + "".join(f"{series.name}{_labels({**common, **own})} {value!r}\n" for own, value in series.samples)


def _labels(labels: Mapping[str, str]) -> str:
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    plain = value.encode("utf-8", "backslashreplace").decode()
    return plain.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _replace(path: Path, content: str) -> None:
    """Write a file that others can read, whole or not at all."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(content)
        Path(name).chmod(0o644)  # node_exporter runs as another user
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

"""How a collector reads what it is handed: a copy is made in the loop's thread, and read later where a format can."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from boxferry.boxes.refine import filter_score, without_labels
from boxferry.boxes.tally import Tally
from boxferry.destination import text_problem
from boxferry.formats import Snapshot
from boxferry.reading.read import read
from boxferry.reading.source import source_of
from boxferry.reading.steps import keep_images_step

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Format
    from boxferry.reading.predictions import Predictions
    from boxferry.reading.steps import Keep


class Taken(NamedTuple):
    """What was read of results.

    Attributes:
        chunks: their boxes.
        tally: how many those are, and what was left out.
        classes: class id → label, as the results say it; empty where they contradict each other.
    """

    chunks: list[Detections]
    tally: Tally
    classes: Mapping[int | str, str]


class Taking:
    """Reads results. The format of the last one is asked first, since a loop's results are of one kind."""

    def __init__(self, options: dict[str, Any], min_score: float | None, keep: Keep | None) -> None:
        """Say how they are read; see `Collector`."""
        self._options, self._min_score = options, min_score
        self._keep = None if keep is None else keep_images_step(keep)
        self._kind: Format | None = None

    def snapshot(self, value: object) -> Snapshot | None:
        """A copy that `read` takes later; None where results must be read at once.

        That is so where their format is not known yet or makes no copies, and where `keep` is asked: a function of the
        loop, which may see only what the loop has now.

        Raises:
            InputError: they cannot be read.
        """
        kind = self._kind
        if kind is None or kind.snapshot is None or self._keep is not None:
            return None
        source = source_of(value)
        return kind.snapshot(source) if kind.sniff(source) else None

    def read(self, value: object) -> Taken:
        """The boxes of results, or of a copy of them.

        Raises:
            BoxferryError: they cannot be read.
        """
        tally, chunks = Tally(), []
        predictions = self._predictions(value)
        classes = predictions.class_table()
        for chunk in predictions.unrefined(tally, classes):
            kept = _with_texts(chunk, tally)
            if self._min_score is not None:
                kept = filter_score(kept, min_score=self._min_score, tally=tally)
            chunks.append(kept if self._keep is None else self._keep(kept, tally))
        return Taken(chunks, tally, {} if classes.clash else classes.names())

    def _predictions(self, value: object) -> Predictions:
        found = read(value, format=self._format(value), **self._options)
        self._kind = found.format
        return replace(found, measured=self._keep is not None)  # else the keeper measures, after the loop has gone on

    def _format(self, value: object) -> str:
        if isinstance(value, Snapshot):
            return value.format
        return self._kind.name if self._kind and self._kind.sniff(source_of(value)) else "auto"


def joined(values: Iterable[Any]) -> Iterator[Any]:
    """The values, but copies of different images that come one after the other as one copy: so they are read faster."""
    last: Snapshot | None = None
    for value in values:
        if last and isinstance(value, Snapshot) and _can_join(last, value):
            last = last._replace(results=[*last.results, *value.results])
            continue
        if last:
            yield last
        last = value if isinstance(value, Snapshot) else None
        if last is None:
            yield value
    if last:
        yield last


def _can_join(one: Snapshot, other: Snapshot) -> bool:
    """Whether no result is of the same image as another: those of a video, or a later one of an image, stay alone."""
    files = [posixpath.basename(name) for name, _, _ in (*one.results, *other.results)]
    return (one.format, one.name) == (other.format, other.name) and "" not in files and len(set(files)) == len(files)


def parts_of(value: Any) -> list[Any]:  # noqa: ANN401 # whatever was handed over
    """The results of several images, each by itself; nothing where it is the result of one image, or may be."""
    if isinstance(value, Snapshot):
        return value.parts() if len(value.results) > 1 else []
    if isinstance(value, Mapping):
        several = len(value) > 1 and not {"boxes", "labels"} <= set(value)
        return [{name: result} for name, result in value.items()] if several else []
    several = isinstance(value, list | tuple) and len(value) > 1
    one = several and all(isinstance(each, dict) and {"label", "box"} <= set(each) for each in value)
    return list(value) if several and not one else []


def _with_texts(chunk: Detections, tally: Tally) -> Detections:
    """The boxes whose labels can be written to the disk and sent."""
    problems = {label: problem for label in chunk.labels if (problem := text_problem(label))}
    return without_labels(chunk, problems, tally)

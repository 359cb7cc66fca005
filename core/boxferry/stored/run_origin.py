"""Where a run is on a server: the boxes of a directory's files that boxferry pushed, and their inputs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from boxferry.boxes.counted import some_of
from boxferry.destination import BOXES_SHARE, Bulk, few, moment
from boxferry.errors import NotFound, UsageError
from boxferry.packets.reference import is_ours, origin, own_origin
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.removals import as_sent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.destination import Client, Directory, FileRecord, InputRecord, ModelRun
    from boxferry.packets.rows import Row


LISTED = 10  #: names in a message


class Held(NamedTuple):
    """What a file holds that was pushed by boxferry.

    Attributes:
        file: as the list shows it.
        size: width and height in pixels; 0 where unknown.
        rows: its boxes with one of our references.
    """

    file: FileRecord
    size: tuple[int, int]
    rows: list[Row]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.file.original_filename or ""


@dataclass(slots=True)
class Origin:
    """One directory of a server, with all that a run can be found by.

    Attributes:
        held: the files that ever had boxes.
        inputs: file id → what was sent to it, the oldest first.
        runs: the project's runs of models.
        unfinished: what the server has not ended.
    """

    held: list[Held]
    inputs: dict[int, list[InputRecord]] = field(default_factory=dict)
    runs: list[ModelRun] = field(default_factory=list)
    unfinished: list[InputRecord] = field(default_factory=list)

    def models(self, run: str) -> list[str]:
        """The models that inputs name beside this run."""
        records = (record for records in self.inputs.values() for record in records)
        boxes = (box for record in records for _, box in sent_boxes(record))
        return sorted({b.model for b in boxes if b.run == run and b.model})

    def has(self, model: str, run: str) -> bool:
        """Whether any file bears a reference of this model and run, or an input carried one."""
        for held in self.held:
            own = own_origin(held.name, model, run)
            records = self.inputs.get(held.file.id, ())
            if any(origin(row.reference) == own for row in held.rows):
                return True
            if any(own == origin(reference) for record in records for reference in record.references):
                return True
        return False


def read_origin(client: Client, place: Directory, run: str) -> Origin:
    """Read a directory's boxes, and the inputs of its files since the run began.

    Raises:
        DiffgramError: the server cannot be asked.
    """
    unfinished = client.unfinished()  # before the files: what ends in between is then on them
    runs = client.model_runs()
    listed = {f.id: f for f in client.files(place.id) if not (f.removed or f.never_had_boxes)}
    by_pages = not few(len(listed), among=len(listed), share=BOXES_SHARE)
    held = [
        Held(listed[found.file_id], found.size, [r.needed for r in found.rows if is_ours(r.reference)])
        for found in Bulk(client, place.id).boxes(list(listed.values()), by_pages=by_pages)
    ]
    inputs = FileInputs(client, place.id, since=lambda: _begun(runs, run, held)).of(list(listed))
    return Origin(sorted(held, key=lambda each: each.file.id), inputs, runs, unfinished)


def _begun(runs: Iterable[ModelRun], run: str, held: Iterable[Held]) -> float | None:
    """When the server first knew of a run of this name; None where it does not tell."""
    named = {each.id: moment(each.created_time) for each in runs if each.reference_id == run}
    times = [time for time in named.values() if time is not None]
    if not times:
        rows = (row for each in held for row in each.rows if row.run_id in named)
        times = [time for row in rows if (time := moment(row.created_time)) is not None]
    return min(times, default=None)


def model_of(found: Origin, place: Directory, run: str, given: str | None, known: Iterable[str]) -> str:
    """The model of a run: the one that was given, or the one that the references were made with.

    Args:
        found: what the server holds.
        place: the directory.
        run: the run's name.
        given: the model's name, where it was given; empty for annotations.
        known: models that the outbox knows; they are tried where no input tells the model.

    Raises:
        NotFound: the directory has no box of it.
        UsageError: the model cannot be told, or several models have a run of this name.
    """
    named = found.models(run)
    tried = [given] if given is not None else (named or list(dict.fromkeys(("", run, *known))))
    there = [model for model in tried if found.has(model, run)]
    if len(there) == 1:
        return there[0]
    where = f"directory '{place.nickname or place.id}'"
    if there:
        raise UsageError(
            f"{where} has boxes of run '{run}' of several models: {some_of(there, LISTED)}; name one with --model"
        )
    if given is not None and named:
        raise NotFound(f"{where} has no box of run '{run}' of model '{given}'; it has of: {some_of(named, LISTED)}")
    ids = {each.id for each in found.runs if each.reference_id == run}
    if any(row.run_id in ids for held in found.held for row in held.rows):
        tried_names = some_of((f"'{name}'" for name in tried), LISTED)
        raise UsageError(
            f"{where} has boxes of run '{run}', and the name of the model that made them is missing (tried: "
            f"{tried_names}): name it with --model"
        )
    runs = some_of(sorted({each.reference_id for each in found.runs if each.reference_id}), LISTED)
    raise NotFound(f"{where} has no box of run '{run}'; the project's runs are: {runs}")


def sent_boxes(record: InputRecord) -> Iterator[tuple[int | None, Row]]:
    """The boxes of an input, each with its frame; rows that a replacing packet sent back as they were are left out."""
    yield from ((None, as_sent(box)) for box in record.boxes if box.id is None)
    yield from ((frame, as_sent(box)) for frame, boxes in record.boxes_by_frame.items() for box in boxes)

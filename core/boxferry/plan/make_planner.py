"""What a push is made of, put together as its options says; and what is seen to before its packets are stored."""

from __future__ import annotations

from collections.abc import Sized
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import some_of
from boxferry.boxes.tally import Place, Tally
from boxferry.destination import text_problem
from boxferry.errors import OptionError, UsageError
from boxferry.outbox.entry import Entry
from boxferry.outbox.kinds import REPLACING, Mode, Via
from boxferry.outbox.outcome import State
from boxferry.packets.contents import boxes_in, references_in
from boxferry.packets.rows import identities, identity
from boxferry.plan.asked_before import AskedBefore
from boxferry.plan.attributes import AttributeResolver
from boxferry.plan.directories import PLANNED_ID
from boxferry.plan.earlier import Memory
from boxferry.plan.existing import FileIndex, ServerSizes, ids_of
from boxferry.plan.labels import LabelResolver, choose_schema
from boxferry.plan.making import Making
from boxferry.plan.plan_file import PlanSummary
from boxferry.plan.planner import Planner
from boxferry.plan.source import source_identity
from boxferry.plan.target_finder import TargetFinder
from boxferry.plan.updates import only_missing
from boxferry.remote.urls import is_url
from boxferry.stored.decided import Names
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.stored_boxes import StoredBoxes
from boxferry.stored.under_way import UnderWay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from boxferry.destination import Client, Directory, FileRecord, InputRecord
    from boxferry.formats import Source
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.plan.plan_file import Counts, PlanHead
    from boxferry.plan.push_options import PushOptions
    from boxferry.reading.predictions import Predictions

T = TypeVar("T")

LABEL_FILES = (".txt", ".xml", ".json")
BYTES_AN_IMAGE = 1000  #: of a file with the boxes of many images, about ten of them each


def check_names(**names: str) -> None:
    """See that a server's database takes the names of a model and a run.

    Raises:
        UsageError: it would not; the message says which and why.
    """
    for what, name in names.items():
        if problem := text_problem(name):
            raise UsageError(f"{what}: {problem}")


def make_planner(
    client: Client,
    predictions: Predictions,
    place: Directory,
    options: PushOptions,
    *,
    model: str,
    run: str,
    memory: Memory | None = None,
) -> Planner:
    """What makes the packets of a push; the server is asked for its labels, and for its files where they count.

    Args:
        client: asks the server.
        predictions: what is pushed.
        place: the directory that it goes to.
        options: how.
        model: the boxes' model.
        run: their run.
        memory: what this machine has of earlier pushes; None for nothing.

    Raises:
        BoxferryError: the labels' schema, an attribute, or a template is not right.
    """
    tally, dry_run = Tally(strict=options.strict), options.dry_run or options.plan is not None
    schema = choose_schema(client.schemas(), options.schema)
    memory = memory or Memory()
    labels = LabelResolver(
        client, schema_id=schema.id, policy=options.labels, dry_run=dry_run, sent=memory.labels
    ).looked_up()
    unfinished = client.unfinished()  # before the files: what ends in between is then on them
    listed = [] if place.id == PLANNED_ID else list(client.files(place.id))
    stored_boxes = StoredBoxes(client, place.id, listed, expected=images_in(predictions.source))
    inputs = FileInputs(client, place.id, since=stored_boxes.first_run)
    files = _index(listed, place, options)
    if options.existing or options.mode != Mode.ERROR:
        predictions = predictions.sized_by(ServerSizes(predictions.images, files, stored_boxes.view))
    if not options.create_empty:
        predictions = predictions.without_folder()
    attributes = None
    if options.wish:
        attributes = AttributeResolver(client, options.wish, tally, schema_id=schema.id, dry_run=dry_run)
        attributes.require(labels.ids)
    making = Making(
        destinations=TargetFinder(
            directory_id=place.id,
            stored_boxes=stored_boxes,
            route=options.route(place.id),
            files=files,
            on_existing=options.mode,
            replace_completed=options.replace_completed,
        ),
        stored_boxes=stored_boxes,
        tally=tally,
        options=options,
        model=model,
        run=run,
        planned=client.now(),
    )
    return Planner(
        predictions=predictions,
        making=making,
        labels=labels,
        attributes=attributes,
        under_way=UnderWay(unfinished, place.id, of_file=lambda file_id: client.inputs(file_id=file_id)),
        classes=predictions.class_table(),
        asked=_asked_before(client, stored_boxes, inputs, labels, options, unfinished, memory),
        earlier=memory.of(place.id, model, run),
        source=source_identity(predictions),
        inputs=inputs,
    )


def _asked_before(
    client: Client,
    stored_boxes: StoredBoxes,
    inputs: FileInputs,
    labels: LabelResolver,
    options: PushOptions,
    unfinished: Iterable[InputRecord],
    memory: Memory,
) -> AskedBefore | None:
    if options.ask_again or options.human_made:
        return None
    return AskedBefore(
        stored_boxes,
        inputs,
        Names(labels.names),
        iou=options.same_iou,
        replace_completed=options.replace_completed,
        begun=client.now(),
        unfinished=unfinished,
        memory=memory,
    )


def _index(files: list[FileRecord], place: Directory, options: PushOptions) -> FileIndex:
    ids = (lambda _: None) if options.file_ids is None else ids_of(options.file_ids)
    return FileIndex(files, str(place.nickname or place.id), ids)


def images_in(source: Source) -> int:
    """About how many images a source is of, to choose how the server is asked; 0 where it does not show."""
    if source.value is not None:
        return len(source.value) if isinstance(source.value, Sized) else 0
    if not source.is_stream:
        return sum(1 for _ in source.files(*LABEL_FILES))
    if is_url(source.name):
        return 0
    path = Path(source.name)
    return path.stat().st_size // BYTES_AN_IMAGE if path.is_file() else 0


class Allowance:
    """Lets the packets of a push pass, and counts what they take away: no more than was allowed.

    Attributes:
        deleting: of each file, how many boxes of people its packet deletes.
    """

    def __init__(self, options: PushOptions) -> None:
        """Allow what the options allows."""
        self.deleting: dict[str, int] = {}
        self._options = options

    def passing(self, planned: Iterable[T]) -> Iterator[T]:
        """What is planned, as it comes; at its end nothing is stored where it removes more than was allowed.

        Raises:
            UsageError: it deletes boxes of people, or more boxes go without others in their place than are sent; the
                message says how many, and of which files.
        """
        removed: dict[str, int] = {}
        sent = 0
        for each in planned:
            if isinstance(each, Entry):
                sent += each.boxes if each.state == State.QUEUED else 0
                if each.removes > each.boxes:
                    removed[each.file_name] = each.removes - each.boxes
                if each.deletes:
                    self.deleting[each.file_name] = each.deletes
            yield each
        _check_removals(removed, sent if self._options.allow_removals is None else self._options.allow_removals)
        if self.deleting and not self._options.delete_people:
            raise OptionError(
                "{on_existing} replace-all would delete {count} boxes that people made or changed ({files}); "
                "nothing was sent; to allow it, add {delete_people}",
                count=sum(self.deleting.values()),
                files=_listed(self.deleting),
            )


def _check_removals(removed: Mapping[str, int], most: int) -> None:
    if (total := sum(removed.values())) > most:
        raise OptionError(
            "{total} boxes would be removed with none in their place ({files}), and {most} may be; nothing was "
            "sent; to allow it, add {allow_removals} {total}",
            total=total,
            files=_listed(removed),
            most=most,
        )


def _listed(counts: Mapping[str, int]) -> str:
    return some_of((f"{name}: {count}" for name, count in counts.items()), 5, "files")


def plan_summary(planner: Planner, counts: Counts) -> PlanSummary:
    """What a plan comes to, once its packets have been gone through."""
    return PlanSummary(
        files=counts.files,
        boxes=counts.boxes,
        schema_id=planner.labels.schema_id,
        create_labels={name: planner.labels.ids[name] for name in planner.labels.created},
        deletes=counts.deletes,
        completed=counts.completed,
        dropped=dict(planner.tally.dropped),
        classes=[] if planner.classes.clash else list(planner.classes.names().items()),
    )


def planned_labels(client: Client, summary: PlanSummary) -> tuple[dict[int, int], list[str]]:
    """The ids of the labels that a plan makes first, by the numbers that stand for them; and those made now."""
    if not summary.create_labels:
        return {}, []
    labels = LabelResolver(client, schema_id=summary.schema_id, policy="create").looked_up()
    return {number: labels.id_of(name) for name, number in summary.create_labels.items()}, labels.created


def with_deletions(client: Client, head: PlanHead, entries: Sequence[Entry]) -> list[Entry]:
    """The packets of a plan with how many boxes of people each deletes as its file is now, whatever the plan says."""
    replaced = {e.file_id: e for e in entries if e.mode == Mode.REPLACE_ALL and e.file_id is not None}
    stored_boxes = StoredBoxes(client, head.directory_id, expected=len(replaced))
    stored_boxes.load(replaced)
    gone: dict[int, int] = {}
    for file_id, entry in replaced.items():
        new = identities(boxes_in(entry.body))
        people = stored_boxes.sorted(file_id, file_name=entry.file_name, model=head.model).people
        gone[file_id] = sum(identity(row) not in new for row in people)
    return [msgspec.structs.replace(entry, deletes=gone.get(entry.file_id or 0, 0)) for entry in entries]


def unsent(outbox: Outbox, run: Run, entries: Iterable[Entry], tally: Tally) -> Iterator[Entry]:
    """The packets of a plan with those boxes that the run does not have yet; the others are counted as sent already.

    What the server has of them from elsewhere is asked just before each goes out.
    """
    names: set[str] = set()
    for entry in entries:
        tally.images += entry.file_name not in names
        names.add(entry.file_name)
        tally.read += entry.boxes
        left = _left_of(entry, outbox.earlier(run.id, entry.file_name), tally)
        if gone := entry.boxes - (left.boxes if left else 0):
            tally.discard(Code.ALREADY_SENT, "in this run already", Place(entry.file_name), boxes=gone)
        if left:
            yield left


def _left_of(entry: Entry, earlier: list[Entry], tally: Tally) -> Entry | None:
    """What of a plan's packet is still to be sent; None for nothing."""
    wanted = references_in(entry.body)
    if entry.mode in REPLACING or not wanted:
        same = any(e.mode == entry.mode and references_in(e.body) >= wanted for e in earlier)
        return None if same else entry
    left = wanted - set().union(*(references_in(e.body) for e in earlier))
    if not left or (left == wanted and not earlier):
        return entry if left else None
    file_id = entry.file_id or next((e.file_id for e in reversed(earlier) if e.file_id is not None), None)
    if file_id is None:
        message = f"an earlier packet for '{entry.file_name}' is not finished: run boxferry resume, then push again"
        tally.fail(Code.PENDING, message)
        return None
    body, boxes = only_missing(entry.body, file_id, left)
    onto = {"route": Via.EXISTING, "mode": Mode.APPEND, "file_id": file_id, "media": "", "mark": ""}
    return msgspec.structs.replace(entry, body=body, boxes=boxes, **onto)

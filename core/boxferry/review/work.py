"""What is left to do in a directory: how far the review of its pictures is, what failed, and what to review next."""

from __future__ import annotations

import csv
import dataclasses
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from boxferry.deliver.stalls import PASSED_OVER, VIDEOS_TAKE
from boxferry.outbox.outcome import State, input_outcome
from boxferry.packets.reference import origin
from boxferry.plan.patience import STUCK_S
from boxferry.review.shelf import pictures_of
from boxferry.review.work_order import History, waiting, worth

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from boxferry.destination import InputRecord
    from boxferry.review.pictures import Picture
    from boxferry.review.shelf import OpenDirectory

Progress = Literal["to review", "pushed since", "reviewed", "done", "people's", "untouched"]
PROGRESS: tuple[Progress, ...] = ("to review", "pushed since", "reviewed", "done", "people's", "untouched")
TAKEN = "already exists"  #: of a name, in the server's words: two senders made one file at once, and it is there
OPEN: tuple[Progress, ...] = PROGRESS[:2]  #: what is left to review


@dataclass(frozen=True, kw_only=True, slots=True)
class NextPicture:
    """A picture that is left to review.

    Attributes:
        file_id, file_name: the file.
        directory: the name of its directory.
        state: 'to review', or 'pushed since' where people have looked at it before.
        boxes: how many predictions wait there.
        runs: how many runs they are of.
        worth: how much reviewing it would teach.
    """

    file_id: int
    file_name: str
    directory: str
    state: str
    boxes: int
    runs: int
    worth: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Trouble:
    """A picture whose last packet did not arrive.

    Attributes:
        file_id: the file; None where none was made.
        file_name: its name, as far as it is known.
        reason: the server's words, or why it will never be applied.
    """

    file_id: int | None
    file_name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class DirectoryWork:
    """One directory.

    Attributes:
        directory: its name.
        files: how many it has.
        progress: state → pictures, each in one: 'to review' (predictions, and no person has looked), 'pushed since'
            (people have looked, and boxes came or went since), 'reviewed', 'done' (reviewed, and completed), "people's"
            (annotated by people alone), 'untouched' (neither predictions nor annotations).
        under_way: how many packets the server has not ended, those that are stuck among them.
        failed: pictures whose last packet the server refused.
        stuck: pictures on whose packet the server is at work no more.
        next: what is left to review, in the order in which it would teach most.
    """

    directory: str
    files: int
    progress: dict[Progress, int]
    under_way: int = 0
    failed: list[Trouble] = field(default_factory=list)
    stuck: list[Trouble] = field(default_factory=list)
    next: list[NextPicture] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return dataclasses.asdict(self)


def progress_of(picture: Picture) -> Progress:
    """How far the review of a picture is."""
    if not picture.ours:
        return "people's" if picture.looked else "untouched"
    if picture.settled:
        return "done" if picture.file.complete else "reviewed"
    return "pushed since" if picture.looked else "to review"


def work_of(
    opened: Sequence[OpenDirectory], newest: Sequence[InputRecord], failed: Sequence[InputRecord], now: float
) -> list[DirectoryWork]:
    """What is left to do in directories.

    Args:
        opened: the directories as they are.
        newest: the newest inputs of the project, the newest first.
        failed: the newest of those that failed, likewise.
        now: seconds since the epoch by the server's clock.
    """
    history = History.of(pictures_of(opened))
    return [_work(each, history, newest, failed, now) for each in opened]


def _work(
    opened: OpenDirectory, history: History, newest: Sequence[InputRecord], failed: Sequence[InputRecord], now: float
) -> DirectoryWork:
    states: dict[int, Progress] = {picture.file.file_id: progress_of(picture) for picture in opened.pictures}
    under_way = [record for record in opened.unfinished if _is_of(record, opened.place.id, states)]
    names = {picture.file.file_id: picture.file.file_name for picture in opened.pictures}
    late = [(record, reason) for record in under_way if (reason := stuck_reason(record, newest, now))]
    refused = [record for record in _last_ones(failed, newest) if _is_of(record, opened.place.id, states)]
    listed = list(states.values())
    return DirectoryWork(
        directory=opened.name,
        files=len(states),
        progress={state: listed.count(state) for state in PROGRESS},
        under_way=len(under_way),
        failed=[_trouble(record, names, _refusal(record)) for record in refused],
        stuck=[_trouble(record, names, reason) for record, reason in late],
        next=_next(opened, states, history),
    )


def _next(opened: OpenDirectory, states: dict[int, Progress], history: History) -> list[NextPicture]:
    found = []
    for picture in opened.pictures:
        if (state := states[picture.file.file_id]) in OPEN:
            boxes = waiting(picture)
            one = NextPicture(
                file_id=picture.file.file_id,
                file_name=picture.file.file_name,
                directory=opened.name,
                state=state,
                boxes=len(boxes),
                runs=len({origin(box.reference) for box in boxes}),
                worth=round(worth(picture, history), 4),
            )
            found.append(one)
    return in_order(found)


def in_order(pictures: Iterable[NextPicture]) -> list[NextPicture]:
    """The pictures, those first whose review would teach most."""
    return sorted(pictures, key=lambda each: (-each.worth, each.file_name, each.file_id))


def next_lines(pictures: Iterable[NextPicture]) -> str:
    """A CSV of pictures in the order of their review; `file_id` is what a job of the server takes."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [each.name for each in dataclasses.fields(NextPicture)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(dataclasses.asdict(each) for each in pictures)
    return text.getvalue()


def _is_of(record: InputRecord, directory_id: int, files: Collection[int]) -> bool:
    """Whether an input is of a file of a directory, or was to make one there."""
    if record.file_id is not None:
        return record.file_id in files
    return record.directory is not None and record.directory.id == directory_id


def _last_ones(failed: Iterable[InputRecord], newest: Iterable[InputRecord]) -> list[InputRecord]:
    """The failed inputs after which nothing arrived for the same file, or name; the newest of each."""
    arrived: dict[object, int] = {}
    for record in newest:
        outcome = input_outcome(record)
        if outcome is not None and outcome.state == State.APPLIED:
            for key in _keys(record):
                arrived[key] = max(record.id or 0, arrived.get(key, 0))
    found: dict[object, InputRecord] = {}
    for record in failed:
        keys = _keys(record)
        taken = record.file_id is None and TAKEN in _refusal(record).lower() and any(key in arrived for key in keys)
        if not taken and (record.id or 0) > max((arrived.get(key, 0) for key in keys), default=0):
            found.setdefault(keys[0] if keys else record.id, record)
    return list(found.values())


def _keys(record: InputRecord) -> list[object]:
    """What tells that two inputs are of one picture: the file, or the name in a directory."""
    place = record.directory.id if record.directory else None
    named: list[object] = [(place, record.original_filename)] if record.original_filename else []
    return named if record.file_id is None else [record.file_id, *named]


def _trouble(record: InputRecord, names: dict[int, str], reason: str) -> Trouble:
    name = names.get(record.file_id or 0) or record.original_filename or ""
    return Trouble(file_id=record.file_id, file_name=name, reason=reason)


def _refusal(record: InputRecord) -> str:
    outcome = input_outcome(record)
    return outcome.reason if outcome is not None else record.status or ""


def stuck_reason(record: InputRecord, newest: Iterable[InputRecord], now: float) -> str:
    """Why the server will most likely never apply an input; empty while it may.

    It has had its time, and several later ones have ended: a worker of the server has died on it.
    """
    limit_s = STUCK_S * (VIDEOS_TAKE if record.media_type == "video" else 1.0)
    waited_s = now - (record.created or now)
    later = sum((each.id or 0) > (record.id or 0) and input_outcome(each) is not None for each in newest)
    if waited_s < limit_s or later < PASSED_OVER:
        return ""
    return f"input {record.id} is '{record.status}' for {waited_s:.0f} s, and {later} later ones ended"

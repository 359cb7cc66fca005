"""What people decided on each prediction of a directory's pictures: when, and who. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.review.judged import PEOPLES, by_people

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from boxferry.review.judged import Judged
    from boxferry.review.pictures import Picture, RunName


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What people decided on one box of one run.

    Attributes:
        run: the run; of a box that people added, each run that it is not of has one.
        label: the label that was predicted; of an added box, its own.
        fate: 'kept', 'moved', 'relabelled', 'deleted' or 'added'.
        at: when, seconds since the epoch by the server's clock: of a box that people changed or drew, that of its row;
            else when the picture was last changed, or at the latest when the next boxes came.
        file_id: the picture.
        row_id: the box as it is; None for one that is gone.
        reviewer: the server's number of who did it; None where it does not tell.
    """

    run: RunName
    label: str
    fate: str
    at: float
    file_id: int
    row_id: int | None
    reviewer: int | None


def decisions(pictures: Iterable[Picture]) -> Iterator[Decision]:
    """All that people decided; boxes that no person has looked at have none."""
    for picture in pictures:
        when, only = reviewed_at(picture), _only_reviewer(picture)
        for run, boxes in picture.judged.items() if picture.looked else ():
            for box in boxes:
                if box.fate in PEOPLES:
                    yield _decision(picture, run, box, when, only)


def _decision(picture: Picture, run: RunName, box: Judged, when: float, only: int | None) -> Decision:
    row = box.stored if box.stored is not None and by_people(box.stored) else None
    return Decision(
        run=run,
        label=box.label,
        fate=box.fate,
        at=(row.created if row else 0.0) or when,
        file_id=picture.file.file_id,
        row_id=box.stored.row_id if box.stored else None,
        reviewer=row.member if row and row.member is not None else only,
    )


def reviewed_at(picture: Picture) -> float:
    """When people last acted on a picture, as far as the server tells; 0 where they never did.

    Where boxes have come since: when they last saved one, or at the latest when those came.
    """
    if picture.settled:
        return picture.changed
    saved = max((box.created for box in picture.file.stored if by_people(box)), default=0.0)
    latest = picture.pushes[-1].came if picture.pushes else picture.changed
    return (saved or latest) if picture.looked else 0.0


def _only_reviewer(picture: Picture) -> int | None:
    """Who reviewed a picture, where all that people saved on it is of one member."""
    members = {box.member for box in picture.file.stored if by_people(box)}
    return members.pop() if len(members) == 1 else None

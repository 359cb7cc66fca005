"""Which pictures belong to a dataset: those of the named runs, or of any run, that people have settled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from boxferry.errors import NotFound, UsageError
from boxferry.review.pictures import RunName
from boxferry.upkeep.retire_names import known_runs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from boxferry.outbox.entry import Run
    from boxferry.review.pictures import Picture

LISTED = 10  #: names in a message


class Chosen(NamedTuple):
    """Pictures, and how many others there are.

    Attributes:
        pictures: those that people have settled.
        waiting: how many no person has looked at.
        pushed_since: how many have boxes that came, or lack some that went, since people looked.
        by_people: how many people have settled on which no run put a box.
    """

    pictures: list[Picture]
    waiting: int
    pushed_since: int
    by_people: int


def chosen(pictures: Iterable[Picture], runs: Sequence[str], known: Iterable[Run], *, people: bool) -> Chosen:
    """The pictures of a dataset.

    Args:
        pictures: those of the directories.
        runs: the runs that are meant, each by its number in the outbox, its name, its model's, or 'model/run'; all of
            them where none is named.
        known: the runs of the outbox.
        people: those too on which no run put a box.

    Raises:
        NotFound: no picture has a box of a run that is named.
        UsageError: pictures that no run touched are wanted, and runs are named.
    """
    if runs and people:
        raise UsageError("pictures that no run touched belong to no run: name a directory and no runs for them")
    listed, numbers = list(pictures), {name: known_runs(name, known) for name in runs}
    ours = [picture for picture in listed if picture.ours]
    if runs:
        of_each = {name: [p for p in ours if _means(p, name, numbers[name])] for name in runs}
        _check(of_each, ours)
        some = {picture.file.file_id for found in of_each.values() for picture in found}
        ours = [picture for picture in ours if picture.file.file_id in some]
    others = [picture for picture in listed if not (picture.ours or picture.blank) or _is_background(picture)]
    others = [picture for picture in others if picture.settled]
    settled = [picture for picture in ours if picture.settled]
    return Chosen(
        pictures=[*settled, *others] if people else settled,
        waiting=sum(not picture.looked for picture in ours),
        pushed_since=sum(picture.looked and not picture.settled for picture in ours),
        by_people=len(others),
    )


def _is_background(picture: Picture) -> bool:
    """Whether people have completed a picture on which no box was ever put: there is nothing on it."""
    return picture.blank and picture.file.complete


def _means(picture: Picture, name: str, runs: Iterable[Run]) -> bool:
    """Whether a picture has a box of the run that is named."""
    if any(picture.of_run(RunName(run.model, run.name)) for run in runs):
        return True
    return any(name in {each.name.run, each.name.model, str(each.name)} for each in picture.sent)


def _check(of_each: dict[str, list[Picture]], ours: Iterable[Picture]) -> None:
    missing = next((name for name, found in of_each.items() if not found), None)
    if missing is None:
        return
    seen = list(dict.fromkeys(str(each.name) for picture in ours for each in picture.sent))
    more = f" and {len(seen) - LISTED} more" if len(seen) > LISTED else ""
    raise NotFound(f"no box of a run or model '{missing}' was found; the runs are: {', '.join(seen[:LISTED])}{more}")

"""The runs at a glance: what was sent, when and from where, and how far people have come with it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxferry.destination import moment
from boxferry.errors import NotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.destination import ModelRun
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox
    from boxferry.review.reviewed import Reviewed


@dataclass(frozen=True, kw_only=True, slots=True)
class RunFacts:
    """One run.

    Attributes:
        id: its number in the outbox; None for one that only the server knows.
        model, run: the names on its boxes; the model is empty for annotations, and where only the server knows the run.
        directory: the directory's name; its id where that is not known.
        directory_id: its id; 0 where it is not known.
        began: when it was pushed first, seconds since the epoch.
        last: when something of it was last applied, seconds since the epoch; 0 where nothing was.
        files, boxes: how many were applied.
        source: what its first push read; empty where unknown.
        retired: when it was retired from here, seconds since the epoch; 0 where it was not.
        untouched: how many of its boxes no person has changed, on the server now; None where that was not asked.
        reviewed: how many of its files people have looked at; None where that was not asked.
        there: how many of its files the server has; None where that was not asked.
        problem: why the server could not tell; empty where it could, or was not asked.
    """

    id: int | None
    model: str
    run: str
    directory: str = ""
    directory_id: int = 0
    began: float = 0.0
    last: float = 0.0
    files: int = 0
    boxes: int = 0
    source: str = ""
    retired: float = 0.0
    untouched: int | None = None
    reviewed: int | None = None
    there: int | None = None
    problem: str = ""

    @property
    def reviewed_share(self) -> float | None:
        """The share of its files that people have looked at, from 0 to 1; None where that is not known."""
        return None if self.reviewed is None or not self.there else self.reviewed / self.there

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for JSON."""
        return {**dataclasses.asdict(self), "reviewed_share": self.reviewed_share}


def known_here(outbox: Outbox, run: Run) -> RunFacts:
    """What the outbox tells of a run."""
    files, boxes, last = outbox.sent(run.id)
    return RunFacts(
        id=run.id,
        model=run.model,
        run=run.name,
        directory=run.where,
        directory_id=run.directory_id,
        began=run.created,
        last=last,
        files=files,
        boxes=boxes,
        source=run.source,
        retired=run.retired,
    )


def known_there(facts: RunFacts, pull: Callable[[str], Reviewed], names: dict[str, str]) -> RunFacts:
    """The same with what the server tells.

    Args:
        facts: what the outbox tells.
        pull: fetches a run by its number in the outbox.
        names: directory id → its name.
    """
    facts = dataclasses.replace(facts, directory=names.get(str(facts.directory_id)) or facts.directory)
    try:
        review = pull(str(facts.id))
    except (NotFound, Refused) as error:
        return dataclasses.replace(facts, problem=str(error))
    boxes = (box for file in review.files for box in file.judged)
    untouched = sum(box.predicted is not None and box.stored is not None and not box.stored.touched for box in boxes)
    reviewed = len(review.reviewed) + len(review.overtaken)
    return dataclasses.replace(facts, untouched=untouched, reviewed=reviewed, there=len(review.files))


def elsewhere(runs: Iterable[ModelRun], known: Iterable[RunFacts]) -> list[RunFacts]:
    """The runs that the server has and this outbox does not; of what model they are, it does not tell."""
    names = {each.run for each in known}
    return [
        RunFacts(id=None, model="", run=run.reference_id, began=moment(run.created_time) or 0.0)
        for run in runs
        if run.reference_id and run.reference_id not in names
    ]

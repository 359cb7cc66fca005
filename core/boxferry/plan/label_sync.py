"""A project's labels held against a model's classes, and those that are missing made where that is asked for."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from boxferry.boxes.tally import Place
from boxferry.destination import label_problem
from boxferry.errors import UsageError
from boxferry.outbox.label_history import INPUTS, sent_by_anyone
from boxferry.plan.label_check import checked, pushed_notes
from boxferry.plan.labels import LabelResolver, choose_schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.destination import Client
    from boxferry.plan.label_check import LabelCheck
    from boxferry.plan.planner import Planner

    Sent = Callable[[], dict[int, set[str]]]


class LabelSync:
    """The labels of one schema."""

    def __init__(self, client: Client, schema_id: int, sent_here: Sent) -> None:
        """Prepare; `sent_here` gives label id → the names under which this machine sent boxes with it."""
        self._client, self._schema_id, self._sent_here = client, schema_id, sent_here

    def check(self, names: Iterable[str]) -> LabelCheck:
        """Compare; nothing is changed.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        there = self._client.label_names(self._schema_id)
        sent = sent_by_anyone(self._client.inputs(limit=INPUTS))
        for number, found in self._sent_here().items():
            sent.setdefault(number, set()).update(found)
        of_schema = {number: found for number, found in sent.items() if number in there}
        return checked(names, there, of_schema)

    def create(self, names: Iterable[str], *, near: bool) -> LabelCheck:
        """Make the labels that are missing, and look again.

        Another process may make them at the same moment: then a label is there twice, which the result says; boxes get
        the smaller id wherever they come from.

        Args:
            names: the classes.
            near: make those too that the server has under a near name.

        Raises:
            UsageError: a name is none that the server takes; no label was made.
            DiffgramError: the server cannot be asked.
        """
        listed = list(names)
        wanted = to_create(self.check(listed), near=near)
        for name in wanted:
            if problem := label_problem(name):
                raise UsageError(f"label '{name}': {problem}; no label was made")
        labels = LabelResolver(self._client, schema_id=self._schema_id, policy="create").looked_up()
        for name in wanted:
            labels.id_of(name)
        return dataclasses.replace(self.check(listed), created=labels.created, dry_run=False)


def to_create(found: LabelCheck, *, near: bool) -> list[str]:
    """The missing classes that are to be made; those with a near label only where that is asked for."""
    doubtful = set() if near else {each.name for each in found.near if each.missing}
    return [name for name in found.missing if name not in doubtful]


def note_labels(planner: Planner, sent: Sent) -> None:
    """Note what is worth knowing of the labels of a push, once its packets have been gone through."""
    labels = planner.labels
    earlier = sent() if labels.created else {}
    classes = [] if planner.classes.clash else list(planner.classes.names().values())
    for code, message in pushed_notes(labels.used, classes, labels.names, earlier):
        planner.tally.note(code, message, Place("labels"))


def label_sync(client: Client, schema: str | None, sent_here: Sent) -> LabelSync:
    """The labels of one schema by its name or id, or of the default one."""
    return LabelSync(client, choose_schema(client.schemas(), schema).id, sent_here)

"""Label names → the server's ids, by the policy that the user chose."""

from __future__ import annotations

from collections import Counter
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Literal, Self

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.counted import counted
from boxferry.boxes.label_map import near_misses
from boxferry.boxes.refine import without_labels
from boxferry.destination import label_problem
from boxferry.errors import DiffgramError, NotFound, UnknownLabel
from boxferry.outbox.label_history import called_now
from boxferry.pages.colours import colour_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from boxferry.boxes.detections import Detections
    from boxferry.boxes.tally import Tally
    from boxferry.destination import Client, Schema

    Sent = Callable[[], Mapping[int, Collection[str]]]

Policy = Literal["error", "skip", "create"]


def choose_schema(schemas: list[Schema], wanted: str | None) -> Schema:
    """The schema of this name or id, or the project's default one.

    Raises:
        NotFound: there is none; the message lists those that are there.
    """
    alive = [schema for schema in schemas if not schema.archived]
    if wanted is None:
        found = [schema for schema in alive if schema.is_default] or alive[:1]
    else:
        found = [schema for schema in alive if wanted in {str(schema.id), schema.name}]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{schema.name} (id {schema.id})" for schema in found or alive) or "none"
    problem = f"several schemas fit '{wanted}'" if found else f"no labels schema '{wanted}'"
    raise NotFound(f"{problem}; there are: {listed}")


@dataclass(eq=False)
class LabelResolver:
    """Knows which labels the server has, and meets the others by one policy.

    Attributes:
        ids: label name → `label_file_id`, of all labels that can be used so far.
        names: `label_file_id` → name, of all labels that the server has.
        schema_id: the schema that the labels are in.
        created: the names of labels that were made on the way (or would be, in a dry run).
        client: asks the server.
        policy: 'error' ends in an error that lists every label the server does not have, 'skip' drops their
            boxes, 'create' makes the labels.
        dry_run: make no label; numbers below 0 stand for the ids of those that would be made.
        sent: gives label id → the names under which boxes were sent with it: a label that is missing may have
            another name now.
    """

    client: Client
    _: KW_ONLY
    schema_id: int
    policy: Policy
    dry_run: bool = False
    sent: Sent = dict
    ids: dict[str, int] = field(default_factory=dict, init=False)
    names: dict[int, str] = field(default_factory=dict, init=False)
    created: list[str] = field(default_factory=list, init=False)
    _twice: dict[str, list[int]] = field(default_factory=dict, init=False)
    _used: dict[str, int] = field(default_factory=dict, init=False)
    _unknown: Counter[str] = field(default_factory=Counter, init=False)

    def looked_up(self) -> Self:
        """The same, once the server was asked for its labels."""
        self._look_up()
        return self

    def _look_up(self) -> None:
        """Ask for the labels; of several of one name, the one with the smallest id counts for every process."""
        found: dict[str, list[int]] = {}
        there = self.client.label_names(self.schema_id)
        self.names |= there
        for number, name in there.items():
            found.setdefault(name, []).append(number)
        self.ids |= {name: numbers[0] for name, numbers in found.items()}
        self._twice |= {name: numbers for name, numbers in found.items() if len(numbers) > 1}

    def resolve(self, detections: Detections, tally: Tally) -> Detections:
        """The boxes whose labels have an id; the others are dropped as 'no-such-label', or their labels made.

        A label that no server takes (too long, empty) is not made: its boxes are dropped as 'bad-label'.
        """
        counts = np.bincount(detections.label, minlength=len(detections.labels)).tolist()
        missing = {name: n for name, n in zip(detections.labels, counts, strict=True) if n and name not in self.ids}
        bad = {name: problem for name in missing if (problem := label_problem(name))}
        if self.policy == "create":
            self._create([name for name in missing if name not in bad])
        self._use([name for name, n in zip(detections.labels, counts, strict=True) if n and name in self.ids], tally)
        if self.policy == "create":
            return without_labels(detections, bad, tally)
        self._unknown.update(missing)
        kept = np.array([name in self.ids for name in detections.labels], bool)[detections.label]
        tally.drop(Code.NO_SUCH_LABEL, "the server has no such label", detections, ~kept)
        return detections.take(kept) if missing else detections

    @property
    def used(self) -> list[str]:
        """The names of the labels that boxes got so far."""
        return list(self._used)

    def id_of(self, name: str) -> int:
        """The id of a label; one that is not there is made."""
        if name not in self.ids:
            self._create([name])
        return self.ids[name]

    def _create(self, names: list[str]) -> None:
        """Make labels. Another process may be making them too, and then there are two: so they are looked up after."""
        for name in names:
            self.ids[name] = (
                -1 - len(self.created)
                if self.dry_run
                else self.client.create_label(name, schema_id=self.schema_id, colour={"hex": colour_of(name)})
            )
            self.created.append(name)
        if names and not self.dry_run:
            self._look_up()

    def _use(self, names: list[str], tally: Tally) -> None:
        """Remember the ids that boxes get; of a label that is there several times, say once which one is used."""
        for name in names:
            self._used.setdefault(name, self.ids[name])
            if numbers := self._twice.pop(name, []):
                listed = ", ".join(map(str, numbers))
                tally.note(
                    Code.LABEL_TWICE, f"label '{name}' is there {len(numbers)} times ({listed}): {numbers[0]} is used"
                )

    def finish(self) -> None:
        """End the look-up.

        Raises:
            UnknownLabel: the policy is 'error' and labels were missing; the message lists them with near misses.
            DiffgramError: a label that was made now turns out to have been made by another process before.
        """
        self._see_again()
        if self.policy != "error" or not self._unknown:
            return
        listed = "; ".join(self._described(name, n) for name, n in self._unknown.most_common(5))
        more = f" and {len(self._unknown) - 5} more" if len(self._unknown) > 5 else ""
        raise UnknownLabel(
            f"the server has no label {listed}{more}: rename with --map 'from=to', or pass --labels create or skip",
            near={name: next(iter(near_misses(name, self.ids)), "") for name in self._unknown},
        )

    def _see_again(self) -> None:
        """See that the labels that were made are still the first of their names: boxes have their ids by now."""
        if self.dry_run or not self.created:
            return
        self._look_up()
        if other := next((name for name, number in self._used.items() if self.ids[name] != number), None):
            raise DiffgramError(
                f"label '{other}' was being made by another process too, and the first one ({self.ids[other]}) counts: "
                "nothing was sent; push again"
            )

    def _described(self, name: str, boxes: int) -> str:
        near = near_misses(name, self.ids)
        said = [counted(boxes, "box"), f"near: {', '.join(near)}" if near else "", self._renamed(name)]
        return f"'{name}' ({'; '.join(filter(None, said))})"

    def _renamed(self, name: str) -> str:
        """What a label that the server lacks is called now, in words; empty where it was not renamed."""
        found = called_now(name, self.names, self.sent())
        return f"renamed there to {', '.join(map(repr, found))}" if found else ""


def label_ids(client: Client, schema: str | None = None) -> dict[str, int]:
    """The project's labels, name → `label_file_id`, of one schema by its name or id, or of the default one."""
    return client.label_ids(choose_schema(client.schemas(), schema).id)

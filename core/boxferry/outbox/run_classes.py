"""The table of classes that a run keeps, so that its boxes come home under the ids that they went out with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import ClassTable, class_text, classes_in

if TYPE_CHECKING:
    from boxferry.boxes.tally import Tally
    from boxferry.outbox.entry import Run
    from boxferry.outbox.outbox import Outbox


def keep_classes(outbox: Outbox, run: Run, found: ClassTable, tally: Tally) -> None:
    """Add the classes of what was read to those that a run keeps; an id stays with the name that it had first.

    Args:
        outbox: keeps them.
        run: the run.
        found: what the source told while it was read.
        tally: notes where two sources contradict each other.
    """
    if found.clash:
        tally.note(Code.CLASS_IDS, f"{found.clash}: pull renumbers the classes of this run")
        return
    outbox.keep_classes(run.id, lambda kept: class_text(_joined(classes_in(kept), found.names(), tally)))


def _joined(kept: dict[int | str, str], found: dict[int | str, str], tally: Tally) -> dict[int | str, str]:
    for class_id, name in found.items():
        if kept.get(class_id, name) != name:
            tally.note(
                Code.CLASS_IDS,
                f"class {class_id} is '{name}', and '{kept[class_id]}' where the run was pushed before: pull keeps "
                "the earlier table, or takes another one with --names",
            )
            break
    return {**kept, **{class_id: name for class_id, name in found.items() if class_id not in kept}}


def table_of(pairs: list[tuple[int | str, str]]) -> ClassTable:
    """The table of classes that a plan holds."""
    table = ClassTable()
    table.learn(dict(pairs), "the plan")
    return table

"""`boxferry labels`: the labels that the server has, and a model's classes held against them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import Command
from boxferry.cli.output import say, table, tell, write_json
from boxferry.cli.server import diffgram_of, server_options
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from boxferry.plan.label_check import LabelCheck


@click.command("labels", cls=Command)
@server_options
@click.option("--schema", metavar="NAME|ID", help="The labels schema. [default: the project's default one]")
@click.option(
    "--check", metavar="NAMES", help="Compare class names (data.yaml, classes.txt, 'cat,dog') with the labels."
)
@click.option("--sync", metavar="NAMES", help="As --check, and list the labels to create; --create creates them.")
@click.option("--create", is_flag=True, help="With --sync: create the missing labels.")
@click.option("--near", is_flag=True, help="With --sync: include labels that the server has under a similar name.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, name → label_file_id.")
def labels_command(
    schema: str | None, check: str | None, sync: str | None, create: bool, near: bool, as_json: bool, **given: Any
) -> int:
    """List the project's labels with their ids, or compare a model's classes with them.

    The comparison lists classes that are missing on the server or have a similar name there (case, blanks, plural, a
    few letters), and labels that exist twice, were renamed after boxes were sent, or are no class of the model. The
    exit code is 1 where classes are missing, or labels exist twice or were renamed.
    """
    _check_options(check, sync, create=create, near=near)
    names = check if check is not None else sync
    if names is None:
        return _list(schema, given, as_json=as_json)
    from boxferry.reading.names import load_names

    classes = list(load_names(names).values())
    with diffgram_of(given) as diffgram:
        if sync is None:
            found = diffgram.check_labels(classes, schema=schema)
        else:
            found = diffgram.sync_labels(classes, schema=schema, create=create, near=near)
    if as_json:
        write_json(found.as_dict())
    else:
        _print(found)
    return found.exit_code


def _check_options(check: str | None, sync: str | None, *, create: bool, near: bool) -> None:
    if check is not None and sync is not None:
        raise UsageError("--check cannot be combined with --sync")
    if (create or near) and sync is None:
        raise UsageError(f"{'--create' if create else '--near'} needs --sync NAMES")


def _list(schema: str | None, given: dict[str, Any], *, as_json: bool) -> int:
    with diffgram_of(given) as diffgram:
        labels = diffgram.labels(schema)
    if as_json:
        write_json({"labels": labels})
    else:
        tell(table(("label", "label_file_id"), sorted(labels.items())))
    return 0


def _print(found: LabelCheck) -> None:
    rows: list[tuple[str, str, str]] = [(name, "missing", _near_of(found, name)) for name in found.missing]
    rows += [(each.name, "near", f"{each.label} differs in {each.by}") for each in found.near if not each.missing]
    rows += [(name, "twice", f"ids {', '.join(map(str, ids))}; {ids[0]} is used") for name, ids in found.double.items()]
    rows += [(each.before, "renamed", f"{each.now} now, id {each.label_file_id}") for each in found.renamed]
    rows += [(name, "unused", "no class of this name") for name in found.unused]
    if rows:
        tell(table(("label", "what", "more"), rows))
    else:
        say("all classes have a label, and all labels are classes")
    if found.created:
        made = "labels to create, with --create" if found.dry_run else "labels created"
        say(f"{made}: {', '.join(found.created)}")
    if left := [name for name in found.missing if name not in found.created and _near_of(found, name)]:
        say(f"similar labels exist: rename with --map when pushing, or add --near to create {', '.join(left)}")


def _near_of(found: LabelCheck, name: str) -> str:
    return ", ".join(f"{each.label} differs in {each.by}" for each in found.near if each.name == name)

"""The directory that a push goes to: one that exists, or a new one."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, NamedTuple

from boxferry.destination import Directory
from boxferry.errors import NotFound, OptionError, Refused, Unsure

if TYPE_CHECKING:
    from boxferry.destination import Client
    from boxferry.plan.push_options import PushOptions

PLANNED_ID = 0  #: of a directory that a dry run would create


class Place(NamedTuple):
    """The directory of a push.

    Attributes:
        directory: itself; its id is `PLANNED_ID` where a dry run would create it.
        created: its name where it is new; else empty.
        near: the name of a directory that is called nearly the same, where it is new; else empty.
    """

    directory: Directory
    created: str = ""
    near: str = ""


def place_of(client: Client, wanted: str | int, options: PushOptions) -> Place:
    """Find the directory by its name or id; with `create_directory` one of a new name is created.

    Raises:
        NotFound: it is missing, or several share the name.
        OptionError: a plan is to be written for a directory that does not exist yet.
        DiffgramError: the server cannot be asked, or does not take the name.
    """
    name = str(wanted).strip()
    if not options.create_directory or name.isdecimal():
        return Place(client.find_directory(wanted))
    names = [each.nickname for each in client.directories() if each.nickname]
    if name in names:
        return Place(client.find_directory(name))
    near = next(iter(difflib.get_close_matches(name.casefold(), [each.casefold() for each in names], n=1)), "")
    shown = next((each for each in names if each.casefold() == near), "")
    if options.plan is not None:
        raise OptionError(
            "{plan} needs an existing directory: create it with {create_directory} first, then plan again"
        )
    if options.dry_run:
        return Place(Directory(id=PLANNED_ID, nickname=name), name, shown)
    return Place(_created(client, name), name, shown)


def _created(client: Client, name: str) -> Directory:
    """A new directory; another machine may have made it in the same moment, and an answer may have been lost."""
    try:
        return client.create_directory(name)
    except (Refused, Unsure) as error:
        problem = error
    try:
        return client.find_directory(name)
    except NotFound:
        raise problem from None

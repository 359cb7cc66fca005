"""The class names of a dataset, beside those that the user gives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.formats import Id


def agreed(own: Mapping[Id, str] | None, given: Mapping[Id, str], name: str) -> Mapping[Id, str]:
    """The names of a dataset, or those given; both may speak only where they agree.

    Raises:
        InputError: they name one class differently.
    """
    for class_id, label in (own or {}).items():
        if given.get(class_id, label) != label:
            raise InputError(f"{name}: category id {class_id} is '{label}', but '{given[class_id]}' in the names given")
    return own or given

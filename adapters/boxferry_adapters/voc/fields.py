"""The further fields of an object: difficult, truncated, occluded and pose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.parsing.xml_values import text_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from xml.etree.ElementTree import Element

    from boxferry.formats import Context

FLAGS = ("difficult", "truncated", "occluded")
FIELDS = (*FLAGS, "pose")
MEANT = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def note_unknown(context: Context) -> None:
    """Note the fields that are asked for and that the format does not have."""
    if unknown := [name for name in context.attributes if name not in FIELDS]:
        message = f"no field {', '.join(map(repr, unknown))} in VOC; it has {', '.join(FIELDS)}"
        context.tally.note(Code.NO_SUCH_FIELD, message)


def fields_of(element: Element, names: Iterable[str]) -> tuple[dict[str, bool | str], tuple[str, ...]]:
    """The named fields that an object has, flags as bool and the pose as text; and what is wrong with the others."""
    found: dict[str, bool | str] = {}
    problems = []
    for name in names:
        text = text_of(element, name)
        value = MEANT.get(text.lower()) if name in FLAGS else text
        if value is None and text:
            problems.append(f"{name}: expected 0 or 1, found '{text[:40]}'; left out")
        elif text and value is not None:
            found[name] = value
    return found, tuple(problems)

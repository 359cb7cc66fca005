"""Texts and numbers out of XML elements, and texts that go into them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from boxferry.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

NOT_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  #: no escape can stand for these


def xml_text(text: str, key: str) -> str:
    """A text that is to be written, of the image `key`.

    Raises:
        InputError: it has a character that XML cannot hold.
    """
    if found := NOT_XML.search(text):
        raise InputError(f"{key}: {text!r} has the character {found[0]!r}, which XML cannot hold; rename it (--map)")
    return text


def text_of(element: Element | None, tag: str) -> str:
    """The text of an element's first child of that name, stripped; empty where there is none."""
    return (element.findtext(tag) or "").strip() if element is not None else ""


def number_of(text: str) -> float:
    """The number, or NaN."""
    try:
        return float(text) if "_" not in text else math.nan
    except ValueError:
        return math.nan


def whole_of(element: Element | None, tag: str) -> int:
    """A child's number from 1, without its fraction; 0 where there is none."""
    number = number_of(text_of(element, tag))
    return int(number) if number > 0 and math.isfinite(number) else 0

"""Texts and numbers out of XML elements."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element


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

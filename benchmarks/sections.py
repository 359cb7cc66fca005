"""The section of docs/performance.md that a script of its own measures: it stays where the page is written anew."""

from __future__ import annotations

import re

BEGIN, END = "<!-- growth: written by make bench-ray -->", "<!-- /growth -->"
SECTION = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}\n", re.DOTALL)


def without(page: str) -> str:
    """The page without its section."""
    return SECTION.sub("", page).rstrip() + "\n"


def with_section(page: str, section: str) -> str:
    """The page with a section, a whole one, at its end; without one where that is empty."""
    return f"{without(page)}\n{section}" if section else without(page)


def section_of(page: str) -> str:
    """The section of a page; empty where it has none."""
    found = SECTION.search(page)
    return found[0] if found else ""

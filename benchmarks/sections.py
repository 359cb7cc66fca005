"""The sections of docs/performance.md that scripts of their own measure: they stay where the page is written anew."""

from __future__ import annotations

import re

COMMANDS = {"growth": "make bench-ray", "collector": "make bench-collector"}  #: in the order of the page


def marked(name: str, text: str) -> str:
    """A section as it stands in the page, between marks that name the command that writes it."""
    return f"<!-- {name}: written by {COMMANDS[name]} -->\n\n{text.strip()}\n\n<!-- /{name} -->\n"


def sections_of(page: str) -> dict[str, str]:
    """The sections of a page with their marks, by their names."""
    found = {name: _pattern(name).search(page) for name in COMMANDS}
    return {name: match[0] for name, match in found.items() if match}


def with_sections(page: str, sections: dict[str, str]) -> str:
    """The page with these sections at its end, in place of those that it had."""
    for name in COMMANDS:
        page = _pattern(name).sub("", page)
    parts = [page.rstrip() + "\n", *(sections[name] for name in COMMANDS if name in sections)]
    return "\n".join(parts)


def replaced(page: str, name: str, text: str) -> str:
    """The page with one section written anew."""
    return with_sections(page, sections_of(page) | {name: marked(name, text)})


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(f"<!-- {name}: .*?<!-- /{name} -->\n", re.DOTALL)

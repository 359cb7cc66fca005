"""Code blocks of the pages, and what their markers ask for.

A marker is a comment on the line before the block: `<!-- run -->`, `<!-- output -->` (lines of what the block before it
printed), `<!-- file: NAME -->` (written before what follows runs), `<!-- not run: WHY -->`. A line `<!-- by hand -->`
alone stands for what the reader does in a browser.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_MARKED = r"(?:^<!-- ([^\n]+?) -->\n)?^( *)```(\w*)[^\n]*\n(.*?)^\2```$"
_BLOCK = re.compile(_MARKED + r"|^<!-- (by hand) -->$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One code block.

    Attributes:
        page: the file.
        line: where it begins, from 1.
        marker: the text of the comment before it; empty without one.
        language: of the fence.
        text: what is in it.
    """

    page: Path
    line: int
    marker: str
    language: str
    text: str

    @property
    def place(self):
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page):
    """The blocks of a page, in its order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        marker, indent, language, body, by_hand = found.groups()
        lines = "\n".join(line.removeprefix(indent or "") for line in (body or "").splitlines())
        yield Block(page, text.count("\n", 0, found.start()) + 1, marker or by_hand or "", language or "", lines)


def pages():
    """Every page with code: the README and the documentation."""
    return [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]

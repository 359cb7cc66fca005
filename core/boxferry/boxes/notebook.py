"""How objects look in a notebook: their `_repr_html_`, without style or script."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def paragraph(shown: object) -> str:
    """An object's short `repr`, as a paragraph."""
    return f"<p>{escape(repr(shown).strip('<>'))}</p>"


def plain_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table of texts and numbers."""
    top = "".join(f"<th>{escape(name)}</th>" for name in head)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"

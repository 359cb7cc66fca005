"""docs/formats.md: its table is what reading and writing show, and every format stands in it."""

import re
from pathlib import Path

import pytest

from formats.reading import FORMATS
from formats.table import parts, table

ROOT = Path(__file__).parents[2]


def test_the_table_is_what_the_formats_do():
    """Each cell is found out; `PYTHONPATH=tests .venv/bin/python tests/formats/table.py` writes it."""
    pytest.importorskip("pyarrow")
    assert parts()[1] == table()


def test_every_format_of_files_stands_in_the_page():
    """With a word on it."""
    page = "".join(parts()[::2])
    assert [name for name, fmt in FORMATS.items() if not fmt.live and f"`{name}`" not in page] == []


def test_every_formats_definition_is_named():
    """In its module's docstring, by an address."""
    own = {"live", "media", "native"}
    for folder in (ROOT / "adapters" / "boxferry_adapters").iterdir():
        if folder.is_dir() and not folder.name.startswith(("_", ".")) and folder.name not in own:
            assert re.search("https?://", (folder / "__init__.py").read_text(encoding="utf-8")), folder.name

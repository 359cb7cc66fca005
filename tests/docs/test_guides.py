"""The tutorial, the guides and the configuration page: each runs from top to bottom as a reader does it."""

import pytest

from boxferry.cli.sandbox import settings_lines
from docs.blocks import DOCS, blocks_of
from docs.stories import DOCS_HOST, Story

PAGES = ["tutorial.md", "configuration.md", *sorted(f"guides/{path.name}" for path in (DOCS / "guides").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES)
def test_the_page_runs_from_top_to_bottom(page, sandbox, tmp_path, monkeypatch, capfd):
    """Every command ends with exit code 0, and prints what the page shows."""
    folder = tmp_path / "clone"
    folder.mkdir()
    Story(sandbox, folder, monkeypatch, capfd).tell(DOCS / page)


def test_the_tutorial_shows_the_settings_that_the_sandbox_prints(sandbox):
    shown = next(block.text for block in blocks_of(DOCS / "tutorial.md") if block.marker == "run")
    assert shown == settings_lines(sandbox, DOCS_HOST)

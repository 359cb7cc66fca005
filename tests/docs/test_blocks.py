"""Every code block of the documentation is run by a test, or says why not."""

import re

import pytest

from docs.blocks import DOCS, ROOT, blocks_of, pages

OWN_TESTS = {
    "commands.md": {"text"},  # made from the code: test_docs.py
    "ways.md": {"sh", "json"},  # tests/cli/test_ways.py
    "weeks.md": {"sh"},  # tests/cli/test_weeks_docs.py
}  #: page → the languages of its blocks that a test of its own runs, all of them
MARKERS = re.compile(r"run(: \w+)?|without a server|output|file: [\w./-]+|by hand|not run: \S[^\n]{10,}")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_block_is_run_or_says_why_not(page):
    own = OWN_TESTS.get(page.name, set())
    unmarked = [block.place for block in blocks_of(page) if not block.marker and block.language not in own]
    assert not unmarked
    assert not [block.place for block in blocks_of(page) if block.marker and not MARKERS.fullmatch(block.marker)]


def test_every_page_that_has_a_test_of_its_own_is_there():
    assert not [name for name in OWN_TESTS if not (DOCS / name).exists()]

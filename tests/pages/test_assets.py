"""The scripts of pages: each name at the top of one, since a page in one file has them joined."""

import re
from collections import Counter

from boxferry.pages.assets import SCRIPTS, asset

TOP = re.compile(r"^(?:export )?(?:async )?(?:(?:let|function|class) (\w+)|const (.+))", re.MULTILINE)
NAMES = re.compile(r"(?:^|, )(\w+) = ")


def test_no_two_scripts_have_a_name_in_common():
    """A browser would run none of them."""
    found = Counter()
    for script in SCRIPTS:
        for name, constants in TOP.findall(asset(script)):
            found.update([name] if name else set(NAMES.findall(constants)))
    assert {"TAGS", "FEW", "drawShapes", "Viewer"} <= found.keys()
    assert [name for name, count in found.items() if count > 1] == []

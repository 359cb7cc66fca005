"""docs/profiles.md: `make profile` writes it, and what it names is still there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "profiles.md").read_text("utf-8")
ROWS = re.findall(r"^\| (\w+) \| (boxferry\S+\.py) \|", PAGE, re.MULTILINE)
UNNAMED = {"listcomp", "genexpr", "setcomp", "dictcomp", "lambda", "module"}  #: what Python calls them itself


def test_the_page_names_functions_of_each_part():
    """Of the core and of the adapters."""
    assert {module.partition("/")[0] for _, module in ROWS} == {"boxferry", "boxferry_adapters"}


@pytest.mark.parametrize(("function", "module"), sorted(set(ROWS)))
def test_a_function_that_the_page_names_is_there(function, module):
    """Where it is not, the page is of an older state: `make profile` writes it anew."""
    folder = "adapters" if module.startswith("boxferry_adapters") else "core"
    text = (ROOT / folder / module).read_text("utf-8")
    assert function in UNNAMED or re.search(rf"def {function}\(", text)

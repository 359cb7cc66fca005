"""The files that pages are made with: the stylesheet, and the scripts as one or by name."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

STYLE = "style.css"
SCRIPTS = (
    "dom.js", "stage.js", "shapes.js", "boxlist.js", "tables.js", "matching.js", "images.js", "threshold.js",
    "filters.js", "viewer.js", "gallery.js", "main.js",
)  #: in the order in which they need each other  # fmt: skip
KINDS = {".css": "text/css", ".js": "text/javascript", ".html": "text/html"}

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import .* from "\./[a-z]+\.js";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|let|class) )", re.MULTILINE)


@cache
def asset(name: str) -> str:
    """The text of a file of this folder.

    Raises:
        KeyError: there is no such file for pages.
    """
    if name != STYLE and name not in SCRIPTS and name != "gallery.html":
        raise KeyError(name)
    return (_FOLDER / name).read_text(encoding="utf-8")


@cache
def whole_script() -> str:
    """All scripts as one module, for a page that needs nothing besides itself."""
    return "".join(_EXPORT.sub("", _IMPORT.sub("", asset(name))) for name in SCRIPTS)

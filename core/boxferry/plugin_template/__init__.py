"""Writes a plugin to begin with: a distribution with its entry point, a format that reads, and tests that pass."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from string import Template

from boxferry.errors import UsageError

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
FILES = {"pyproject.toml": "pyproject.toml.in", "{module}.py": "module.py.in", "test_{module}.py": "test_module.py.in"}


def write_plugin(name: str, folder: Path | None = None) -> Path:
    """Write the distribution `boxferry-<name>`.

    Args:
        name: of the format, and of the entry point: 'csv'.
        folder: where; it is made, and has to be empty where it is there. Left out, `boxferry-<name>`.

    Returns:
        The folder.

    Raises:
        UsageError: the name is no word in small letters, or the folder holds something or cannot be written.
    """
    if not NAME.fullmatch(name):
        raise UsageError(f"plugin '{name}': expected a word in small letters, digits and hyphens, such as 'csv'")
    target = Path(f"boxferry-{name}") if folder is None else folder
    try:
        target.mkdir(parents=True, exist_ok=True)
        if any(target.iterdir()):
            raise UsageError(f"{target}: not empty; choose a new folder")
        for path, text in contents(name).items():
            (target / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{target}: cannot be written: {error.strerror}") from error
    return target


def contents(name: str) -> dict[str, str]:
    """The files of the distribution: relative path → text."""
    module = f"boxferry_{name.replace('-', '_')}"
    files = resources.files(__name__) / "files"
    texts = {path.format(module=module): (files / source).read_text("utf-8") for path, source in FILES.items()}
    return {path: Template(text).substitute(format=name, module=module) for path, text in texts.items()}

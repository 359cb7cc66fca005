"""The door: runs a command, and turns how it ended into an exit code and at most one line on standard error."""

from __future__ import annotations

import sys

from boxferry.version import __version__


def main() -> None:
    """Run the command line; `--version` alone is answered before anything else is imported."""
    if sys.argv[1:] == ["--version"]:
        sys.stdout.write(f"boxferry {__version__}\n")
        return
    from boxferry.cli.app import run

    sys.exit(run(sys.argv[1:]))

"""The door: runs a command, and turns how it ended into an exit code and at most one line on standard error."""

from __future__ import annotations

import sys

from boxferry.version import __version__


def main() -> None:
    """Run the command line; `--version` is answered before anything else is imported."""
    if "--version" in sys.argv and set(sys.argv[1:]) <= {"--version", "-v", "--verbose"}:
        sys.stdout.write(_version(verbose=len(sys.argv) > 2))
        return
    import os
    from pathlib import Path

    from boxferry.cli.app import run
    from boxferry.cli.uncaught import log_uncaught
    from boxferry.stopping import end_in_order

    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 # to the end of the process
    log_uncaught()
    end_in_order()
    sys.exit(run(sys.argv[1:]))


def _version(*, verbose: bool) -> str:
    if not verbose:
        return f"boxferry {__version__}\n"
    from boxferry.parsing import compiled

    return f"boxferry {__version__}\nspeedups {compiled.state}\n"

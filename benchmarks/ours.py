"""boxferry does the work: `python ours.py WARM_UP … -- ARGUMENTS …`; prints the seconds of the second command.

The first one is the same on a tiny input: it imports what is needed, as the other tools do before their clocks start.
"""

from __future__ import annotations

import io
import sys
import time
from contextlib import redirect_stderr

from boxferry.cli.app import run


def main() -> None:
    """Run both commands."""
    given = sys.argv[1:]
    at = given.index("--")
    with redirect_stderr(io.StringIO()) as said:
        run(given[:at])
        started = time.perf_counter()
        code = run(given[at + 1 :])
    if code:
        sys.exit(said.getvalue())
    print(f"{time.perf_counter() - started:.4f}")


if __name__ == "__main__":
    main()

"""Writes what a push did as Markdown: python3 summary.py FOLDER, with what push.sh has left there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

MEANINGS = {
    "0": "all done",
    "1": "some items failed",
    "2": "usage, format or configuration",
    "3": "credentials or permission",
    "4": "the server cannot be reached, or gave up: run the job again",
    "5": "the server is still processing: run the job again",
}
SHOWN = 10  #: files, and lines of the log
LONGEST = 1000  #: characters of a text of others, so that a comment is not longer than GitHub takes
FATES = ("kept", "moved", "relabelled", "deleted", "added", "unreviewed")


def main(folder: Path) -> None:
    """Print the summary."""
    code, run = os.environ["EXIT_CODE"], os.environ["RUN"]
    pushed, report = _read(folder / "push.json"), _read(folder / "report.json")
    lines = [
        marker(os.environ["MODEL"] or run),
        f"### boxferry: {code_text(run)}: {MEANINGS.get(code, f'exit code {code}')}",
        "",
    ]
    if pushed:
        lines += _pushed(pushed)
    else:
        log = (folder / "push.log").read_text(encoding="utf-8", errors="replace").splitlines()
        lines += ["```", *[_cut(line).replace("```", "'''") for line in log[-SHOWN:]], "```"]
    if report and report["files"]:
        lines += _reviewed(report)
    print("\n".join(lines))


def marker(name: str) -> str:
    """What tells the comment of a model from others; invisible in a page."""
    return f"<!-- boxferry {json.dumps(name).replace('-', '&#45;').replace('>', '&gt;')} -->"


def code_text(text: str) -> str:
    """A text of others, which is no Markdown, on one line."""
    return f"`{' '.join(_cut(text).replace('`', chr(39)).split())}`"


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _read(path: Path) -> dict[str, Any]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    found: dict[str, Any] = json.loads(text) if text.strip() else {}
    return found if "error" not in found else {}


def _pushed(pushed: dict[str, Any]) -> list[str]:
    boxes = pushed["boxes"]
    states = {state: each["boxes"] for state, each in pushed["states"].items()}
    rows = [
        ("read", boxes["read"]),
        *states.items(),
        *(("left out: " + code, n) for code, n in boxes["dropped"].items()),
    ]
    lines = ["| boxes | |", "|---|---|", *(f"| {name} | {count} |" for name, count in rows), ""]
    wrong = [*pushed["failed"], *pushed["doubtful"]]
    lines += [f"- {code_text(each['file'])}: {each['state']}: {code_text(each['reason'])}" for each in wrong[:SHOWN]]
    lines += [f"- and {len(wrong) - SHOWN} more files"] if len(wrong) > SHOWN else []
    lines += [f"Stopped: {code_text(pushed['stopped'])}"] if pushed["stopped"] else []
    return [*lines, ""] if wrong or pushed["stopped"] else lines


def _reviewed(report: dict[str, Any]) -> list[str]:
    counts = [(name, report["fates"][name]) for name in FATES]
    told = ", ".join(f"{count} {name}" for name, count in counts if count)
    return [f"{report['reviewed']} of {report['files']} images of the run are reviewed: {told or 'no boxes'}."]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

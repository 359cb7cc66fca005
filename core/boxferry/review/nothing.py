"""What to say where a run has nothing to show: one sentence with the reason and the next step."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from boxferry.boxes.counted import counted
from boxferry.review.judged import PEOPLES

if TYPE_CHECKING:
    from boxferry.review.reviewed import Reviewed

STEP = "correct boxes in Diffgram, or complete files there"


def nothing_reviewed(review: Reviewed) -> str:
    """Why nothing of a run was reviewed, and what to do; empty where something was."""
    files, run = counted(len(review.files), "file"), shlex.quote(review.run.name)
    if any(file.reviewed or any(box.fate in PEOPLES for box in file.judged) for file in review.files):
        return ""
    if not review.files:
        return _no_file(review, run)
    if not any(file.judged for file in review.files):
        return f"it sent {files} and no boxes, and people have drawn none since: {STEP}, or push predictions"
    if all(box.fate == "replaced" for file in review.files for box in file.judged):
        return "a later push replaced all of its boxes before they were reviewed: use that push's run"
    before = sum(file.complete for file in review.files)
    also = f" ({before} of them were completed before)" if before else ""
    return f"none of its {files} has been reviewed{also}: {STEP}, then try again"


def _no_file(review: Reviewed, run: str) -> str:
    if review.gone:
        return f"the server no longer has its {counted(len(review.gone), 'file')}: push it again, or name another run"
    if not review.packets:
        return "its push had nothing to send: push predictions, or name another run"
    return f"nothing of it was applied: see boxferry status {run}, or continue with boxferry resume {run}"

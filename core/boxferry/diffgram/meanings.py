"""What the server's answers and its records of inputs mean: the one table of statuses, codes and words.

An HTTP answer to a call:

| answer | meaning |
|---|---|
| 2xx with the JSON that is expected | an answer |
| 3xx, 404, 405 | the path is wrong: nothing has happened |
| 401, 403 | credentials, role or project are not accepted: nothing has happened |
| 429 | slower; nothing has happened |
| 400 and other 4xx | refused: nothing has happened |
| 500 with JSON, or a status line that is no HTTP | the server's own error: it has ended, and may have acted |
| 503 with Retry-After | turned away by a gateway: nothing has happened |
| other 5xx, an HTML page, a cut answer, none | not known: the server may still be at work on it |

An input, as the server's list shows it:

| status | meaning |
|---|---|
| `success` | applied, unless `status_text` or `update_log` say otherwise |
| `success` with `See Update Log`, or with errors in `update_log` | refused, with the log's words |
| `failed` | refused |
| any other, `init` and `processing` and `processing_frames_in_queue` among them | not yet |
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.diffgram.inputs import InputRecord

SEE_LOG = "See Update Log"
LONGEST_REASON = 200  #: characters of a reason that is shown in one line
NOT_BEGUN = ("init", "local_processing_queue", None)  #: statuses of an input that no worker has taken yet

#: what the database's codes mean that stand in the place of a status in a broken status line
DATABASE_CODES = {
    "9h9h": "a value that its database does not take",
    "gkpj": "a reference to something that is not there, or twice the same key",
    "7s2a": "an earlier error in the same transaction",
    "2j85": "its database failed in between",
    "e3q8": "its database cannot be reached",
}
_NAMES: Final = "give it a name that ends in .jpg, .png, .bmp, .tif or .mp4"
_TAKEN: Final = "choose on_existing=append, skip or replace-own, or another name for the new file"
_LABELS: Final = "the label is not one of this project's: list them with boxferry labels, then push again"

#: a part of the server's words → what to do; the first that fits counts
REMEDIES: Final = {
    "already exists in dir": _TAKEN,
    "in the directory already": _TAKEN,
    "could not open file": "check that the image opens; convert webp and gif to jpg or png",
    "not supported yet": _NAMES,
    "invalid extension": _NAMES,
    "invalid file type": _NAMES,
    "invalid media type": _NAMES,
    "does not belong to project": _LABELS,
    "missing label_file_id": _LABELS,
    "media_type undefined": "the file was still being processed: resume the run",
    "invalid url": "check that the server itself can fetch the URL",
    "check that filename exists": "the file was removed or renamed meanwhile: push again",
}  # fmt: skip


class Answered(StrEnum):
    """What the status of an HTTP answer means."""

    DONE = "done"
    WRONG_PATH = "wrong path"
    NOT_ALLOWED = "not allowed"
    SLOWER = "slower"
    REFUSED = "refused"
    TURNED_AWAY = "turned away"
    SERVER_ERROR = "server error"
    UNKNOWN = "unknown"


def meaning(status: int, headers: Mapping[str, str], body: bytes) -> Answered:
    """What an answer's status means, see the table above."""
    exact = {401: Answered.NOT_ALLOWED, 403: Answered.NOT_ALLOWED, 404: Answered.WRONG_PATH, 405: Answered.WRONG_PATH}
    if found := exact.get(status):
        return found
    if status == 429:
        return Answered.SLOWER
    if status == 503 and "Retry-After" in headers:
        return Answered.TURNED_AWAY
    if status == 500 and body.lstrip()[:1] == b"{":
        return Answered.SERVER_ERROR
    by_hundred = {2: Answered.DONE, 3: Answered.WRONG_PATH, 4: Answered.REFUSED}
    return by_hundred.get(status // 100, Answered.UNKNOWN)


class State(StrEnum):
    """What the server's record of an input says."""

    APPLIED = "applied"
    REFUSED = "refused"
    WORKING = "working"


def input_state(record: InputRecord) -> State:
    """What an input came to, see the table above."""
    if record.status == "failed":
        return State.REFUSED
    if record.status != "success":
        return State.WORKING
    return State.REFUSED if record.status_text == SEE_LOG or log_errors(record.update_log) else State.APPLIED


def begun(record: InputRecord) -> bool:
    """Whether a worker has taken an input that has not ended."""
    return record.status not in NOT_BEGUN


def log_errors(log: Any) -> str:  # noqa: ANN401 # whatever the server put there
    """The errors of an update log, as text; empty where there are none."""
    return flat(log.get("error")) if isinstance(log, dict) else ""


def reason_of(record: InputRecord) -> tuple[str, str]:
    """Why an input was refused: in one short line, and whole.

    The words are the update log's where the status only points there; of a traceback the short line has the end.
    """
    text, errors = record.status_text or "", log_errors(record.update_log)
    said = errors if errors and text in {"", SEE_LOG} else "; ".join(filter(None, (text, errors)))
    whole = said or f"the input ended as '{record.status}' without a reason"
    return short(whole), whole


def flat(said: Any) -> str:  # noqa: ANN401 # whatever the server put there
    """A text, or nested entries of a log, as 'key: value; key: value'."""
    if isinstance(said, dict):
        return "; ".join(f"{key}: {flat(value)}" for key, value in said.items())
    if isinstance(said, list):
        return "; ".join(map(flat, said))
    return str(said or "")


def short(text: str) -> str:
    """A reason in one line of at most `LONGEST_REASON` characters."""
    if "<html" in text.lower() or "<!doctype" in text.lower():
        text = f"{text[: text.index('<')].strip()} an HTML page".strip()
    if "Traceback (most recent call last)" in text:
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        text = f"an error of the server: {lines[-1]}" if len(lines) > 1 else text
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_REASON else f"{line[: LONGEST_REASON - 1]}…"


def remedy_of(reason: str) -> str:
    """What to do about a reason; empty where only its words are known."""
    words = reason.casefold()
    return next((remedy for part, remedy in REMEDIES.items() if part in words), "")

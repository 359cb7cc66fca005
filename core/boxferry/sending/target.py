"""Where an image's boxes go: a file on the server, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """Why nothing can be sent for an image.

    Attributes:
        code: a fixed word, as in the tally.
        message: one sentence, with the remedy.
    """

    code: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The file on the server that an image's boxes go to.

    Attributes:
        file_name: its name there.
        file_id: its id, for a file that is there already.
        media: the local path or the URL of a new file's image.
    """

    file_name: str
    file_id: int | None = None
    media: str = ""

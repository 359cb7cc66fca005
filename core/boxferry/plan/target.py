"""Where an image's or a video's boxes go: a new file, a file on the server, or why there is none."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from boxferry.outbox.kinds import Mode

if TYPE_CHECKING:
    from collections.abc import Iterable

OnExisting = Literal["error", "append", "skip", "replace-own", "replace-all"]


@dataclass(frozen=True, slots=True)
class SkipReason:
    """Why nothing is sent for an image.

    Attributes:
        code: a fixed word, as in the tally.
        message: one sentence, with the remedy.
        fails: whether the image counts as failed, rather than left alone as it was asked for.
    """

    code: str
    message: str
    fails: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Target:
    """The file on the server that boxes go to.

    Attributes:
        file_name: its name there.
        file_id: its id, for a file that is there already.
        media: the local path, the URL or the blob's path of a new file's media.
        mode: 'new', or what happens to the boxes that the file has: 'append', 'replace-own', 'replace-all', or
            'error', which appends where there is none of another run.
        video: whether it is a video.
        width, height: the size in pixels of the picture that the boxes were made for; 0 where unknown.
        mark: of the local picture as it is now, see `picture`; empty where there is none.
        taken: whether a new file was meant, and the file of its name was found.
        original: the source's own file of the image, where it is kept.
        key, image_id: what the source calls the image, and its id there; None where it has none.
    """

    file_name: str
    file_id: int | None = None
    media: str = ""
    mode: str = Mode.NEW
    video: bool = False
    width: int = 0
    height: int = 0
    mark: str = ""
    taken: bool = False
    key: str = ""
    image_id: int | str | None = None
    original: bytes = b""


def models_text(models: Iterable[str]) -> str:
    """Names of models as the outbox keeps them; empty for none."""
    listed = list(models)
    return json.dumps(listed, ensure_ascii=False) if listed else ""


def models_in(text: str) -> list[str]:
    """The names of models that the outbox has kept."""
    return [str(name) for name in json.loads(text)] if text else []

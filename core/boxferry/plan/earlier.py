"""What this machine knows of a run before a push of it is planned: its packets, and the pictures uploaded from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.boxes.counted import counted
from boxferry.outbox.label_history import sent_from_here
from boxferry.packets.contents import references_in
from boxferry.plan.picture import digest_of, mark_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.outbox.entry import Entry, Run
    from boxferry.outbox.outbox import Outbox


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an outbox has of one run; without an outbox or a run, nothing.

    Attributes:
        outbox: the outbox; None where nothing was ever pushed.
        run: the run in it; None where it is new.
    """

    outbox: Outbox | None = None
    run: Run | None = None

    @property
    def source(self) -> str:
        """What the run was pushed from before; empty where unknown, or where it has no packets yet."""
        return self.run.source if self.outbox and self.run and self.outbox.has_own(self.run.id) else ""

    def of(self, file_name: str) -> list[Entry]:
        """The packets that the run has for a file, the oldest first; those that were refused are left out."""
        return self.outbox.earlier(self.run.id, file_name) if self.outbox and self.run else []

    def other_picture(self, file_id: int, name: str, media: str) -> str:
        """Why a local picture is not the one that was uploaded from here as this file; empty where it may be.

        A server that was restored gives an id to another file: what was uploaded under another name is not that file.
        """
        if not (self.outbox and self.run and media):
            return ""
        known = self.outbox.picture(self.run.host, self.run.project, file_id)
        if known is None or known.file_name != name or (known.media == media and known.mark == mark_of(media)):
            return ""
        if digest_of(media) in {"", known.digest}:
            return ""
        return f"{media} differs from the image of file {file_id}, which was uploaded from {known.media}"


@dataclass(frozen=True, slots=True)
class Memory:
    """What this machine remembers of a project: its outbox; None where nothing was ever pushed from it."""

    outbox: Outbox | None = None
    host: str = ""
    project: str = ""

    def labels(self) -> dict[int, set[str]]:
        """Label id → the names under which boxes were sent with it from here."""
        return sent_from_here(self.outbox, self.host, self.project) if self.outbox else {}

    def of(self, directory_id: int, model: str, run: str) -> Earlier:
        """What there is of a run; of one that is new, nothing."""
        wanted = (self.host, self.project, directory_id, model, run)
        runs = self.outbox.runs() if self.outbox else []
        found = [r for r in runs if (r.host, r.project, r.directory_id, r.model, r.name) == wanted]
        return Earlier(self.outbox, found[0]) if found else Earlier()


class Strangers:
    """The pictures of a push that the run does not have, where it was pushed from another source before.

    Two sources are two runs: a push of such pictures under the run's name is an error.
    """

    def __init__(self, earlier: Earlier, source: str) -> None:
        """Compare with what the run was pushed from; `source` is empty where it has no name that tells it apart."""
        self._former, self._source = earlier.source, source
        self._names: list[str] = []

    def see(self, name: str, size: tuple[int, int], packets: Iterable[Entry]) -> None:
        """Note a picture that the run has no packet for."""
        if self._former in {"", self._source} or not self._source:
            return
        if not any((entry.width, entry.height) == size for entry in packets):
            self._names.append(name)

    def problem(self, run: str) -> str:
        """Why nothing is sent, in one line with the remedy; empty where no picture is another source's."""
        if not self._names:
            return ""
        some = ", ".join(self._names[:3]) + (", …" if len(self._names) > 3 else "")
        return (
            f"run '{run}' was pushed from {self._former} and lacks {counted(len(self._names), 'picture')} of "
            f"{self._source} ({some}): nothing was sent; name another run with --run"
        )


def references_of(entries: Iterable[Entry]) -> set[str]:
    """The references of all boxes in packets."""
    return set().union(*(references_in(entry.body) for entry in entries))

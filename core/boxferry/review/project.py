"""`Diffgram` as users hold it: what sends, and what brings the corrections home."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError
from boxferry.formats import Context, still_images
from boxferry.reading.images import ImageIndex
from boxferry.reading.read import option_values
from boxferry.review import corrected as boxes
from boxferry.review.cache import Cache
from boxferry.review.evaluate import coco_metrics
from boxferry.review.pull import pulled
from boxferry.review.summary import Clicks, Summary, summarized
from boxferry.sending.project import Diffgram as Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from boxferry.boxes.detections import Detections
    from boxferry.formats import Format
    from boxferry.review.pull import ReviewedFile
    from boxferry.sending.outbox import Run


@dataclass(frozen=True, slots=True)
class Review:
    """A run with what became of its boxes.

    Attributes:
        run: the run.
        files: its files.
    """

    run: Run
    files: list[ReviewedFile]

    @property
    def reviewed(self) -> list[ReviewedFile]:
        """The files that somebody has looked at, as far as the server can tell."""
        return [file for file in self.files if file.reviewed]

    def corrected(self, *, everything: bool = False, tally: Tally | None = None) -> Iterable[Detections]:
        """The boxes as they are now, of the reviewed files or of all."""
        return boxes.corrected(self.files if everything else self.reviewed, tally or Tally())

    def predicted(self, *, everything: bool = False, tally: Tally | None = None) -> Iterable[Detections]:
        """The boxes as they were sent, of the reviewed files or of all."""
        return boxes.predicted(self.files if everything else self.reviewed, tally or Tally())

    def summary(self, clicks: Clicks | None = None) -> Summary:
        """The fates, counted."""
        return summarized(self.files, clicks or Clicks())

    def metrics(self, truth: Iterable[Detections] | None = None) -> dict[str, float]:
        """COCO's twelve numbers of the predictions against the corrected boxes of the reviewed files, or a `truth`."""
        if truth is not None:
            return coco_metrics(truth, self.predicted(everything=True))
        return coco_metrics(self.corrected(), self.predicted())

    def write(
        self,
        fmt: Format,
        target: Path,
        tally: Tally,
        *,
        everything: bool = False,
    ) -> None:
        """Write the corrected boxes in a format, of the reviewed files or of all.

        Raises:
            UsageError: the format cannot be written.
        """
        if fmt.write is None:
            raise UsageError(f"format '{fmt.name}' can be read, not written")
        context = Context(images=ImageIndex.build(), tally=tally, options=option_values(fmt, {}))
        chunks = self.corrected(everything=everything, tally=tally)
        fmt.write(chunks if fmt.writes_videos else still_images(chunks, fmt.name), target, context)


class Diffgram(Sending):
    """One project on a Diffgram server: predictions go there, corrections come home. See `sending.project`."""

    def pull(self, run: str, *, on_file: Callable[[int, int], None] = lambda _done, _all: None) -> Review:
        """The files of a run with their boxes as they are now; a pull that was broken off goes on where it ended.

        Args:
            run: its number or name in the outbox.
            on_file: is told after each file how many are done, of how many.

        Raises:
            OutboxError: there is no such run.
            UsageError: the run belongs to another server or project.
            DiffgramError: the server cannot be asked.
        """
        found = self.outbox.find_run(run)
        if (found.host, found.project) != (self.server.host, self.server.project):
            raise UsageError(f"run '{run}' belongs to project '{found.project}' on {found.host}: name those settings")
        labels = {
            number: name
            for schema in self._client.schemas()
            for name, number in self._client.label_ids(schema.id).items()
        }
        path = Path(f"{self.outbox_path}.pull") / f"{found.id}.ndjson"
        files: list[ReviewedFile] = []
        total = self.outbox.counts(found.id).get("applied", (0, 0))[0]
        with Cache(path) as cache:
            for file in pulled(self._client, self.outbox, found, labels, cache, connections=self._connections):
                files.append(file)
                on_file(len(files), total)
        return Review(found, files)

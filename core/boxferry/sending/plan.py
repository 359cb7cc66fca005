"""From predictions to the packets that are to be sent: file by file, with every box that is left out on the tally."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.boxes.tally import Place
from boxferry.packets.build import BoxMaker
from boxferry.packets.reference import references_in
from boxferry.sending.routes import append_entry, entry
from boxferry.sending.target import Problem, Target

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Tally
    from boxferry.packets.wire import Box
    from boxferry.reading.predictions import Predictions
    from boxferry.sending.labels import LabelResolver
    from boxferry.sending.outbox import Entry, Outbox
    from boxferry.sending.routes import Route


@dataclass(frozen=True, kw_only=True, slots=True)
class Planner:
    """Makes the packets of one push.

    Attributes:
        predictions: what is pushed.
        route: how the boxes get to the server.
        labels: knows the labels' ids.
        model, run: name the boxes' model and run.
        tally: counts what is read, dropped and left out.
        references_on: the references of the boxes that a file on the server holds; asked for files that are there and
            of which the outbox knows nothing.
        outbox: with `run_id`, tells what this run has for a file already; None where nothing was ever pushed.
        run_id: the run in the outbox, or None.
        skip_empty: send no image that has no boxes.
    """

    predictions: Predictions
    route: Route
    labels: LabelResolver
    model: str
    run: str
    tally: Tally
    references_on: Callable[[int], set[str]]
    outbox: Outbox | None = None
    run_id: int | None = None
    skip_empty: bool = False

    def entries(self) -> Iterator[Entry]:
        """The packets, in the order of the images; nothing is stored or sent.

        Raises:
            InputError: the source cannot be read, or an image's size is unknown.
            UnknownLabel: at the end, the server lacks labels and the policy is 'error'.
        """
        maker = BoxMaker(model=self.model, run=self.run, label_ids=self.labels.ids)
        taken: dict[str, str] = {}
        for fitted in self.predictions.fitted(self.tally):
            chunk = self.labels.resolve(fitted, self.tally)
            targets = self._targets(chunk, taken)
            names = [target.file_name if target else None for target in targets]
            for index, boxes in maker.instance_lists(chunk, names):
                if (target := targets[index]) and (made := self._entry(target, boxes)):
                    yield made
        self.labels.finish()

    def _targets(self, chunk: Detections, taken: dict[str, str]) -> list[Target | None]:
        """(M,) where each image's boxes go; an image that cannot be sent is recorded, with its boxes, as failed."""
        targets: list[Target | None] = []
        for image, count in zip(chunk.images, chunk.counts.tolist(), strict=True):
            found = self._target(image, taken) if count or self._sends_empty else None
            if isinstance(found, Problem):
                self.tally.fail(found.code, found.message, Place(image.key), boxes=count)
                found = None
            targets.append(found)
        return targets

    @property
    def _sends_empty(self) -> bool:
        return self.route.creates and not self.skip_empty

    def _target(self, image: Image, taken: dict[str, str]) -> Target | Problem:
        found = self.route.target(image)
        if isinstance(found, Problem):
            return found
        other = taken.setdefault(found.file_name, image.key)
        if other != image.key:
            return Problem("name-clash", f"its name on the server, '{found.file_name}', is that of '{other}' too")
        return found

    def _entry(self, target: Target, boxes: list[Box]) -> Entry | None:
        """The packet for one file; None where the run has all of it already."""
        earlier = self.outbox.earlier(self.run_id, target.file_name) if self.outbox and self.run_id else []
        known = set().union(*(references_in(e.body) for e in earlier))
        if not earlier and target.file_id is not None:
            known = self.references_on(target.file_id)
        if not earlier and not known:
            return entry(self.route, target, boxes)
        new = [box for box in boxes if box.creation_ref_id not in known]
        if len(new) < len(boxes):
            self.tally.discard(
                "already-sent", "in this run already", Place(target.file_name), boxes=len(boxes) - len(new)
            )
        if new and not earlier:
            return entry(self.route, target, new)
        return self._appended(target, new, earlier) if new else None

    def _appended(self, target: Target, boxes: list[Box], earlier: list[Entry]) -> Entry | None:
        """More boxes for a file that this run has sent before: appended, since the file is there by now."""
        file_id = next((e.file_id for e in reversed(earlier) if e.file_id is not None), None)
        if file_id is None:
            message = f"an earlier packet for '{target.file_name}' has not ended: finish that first (boxferry status)"
            self.tally.fail("pending", message, boxes=len(boxes))
            return None
        return append_entry(target.file_name, file_id, boxes)

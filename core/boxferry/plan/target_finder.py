"""Which file each image's boxes go to: one that is there, or a new one, as the user chose."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.boxes.codes import Code
from boxferry.destination import server_name
from boxferry.outbox.kinds import REPLACING, Mode
from boxferry.plan.target import SkipReason, Target

if TYPE_CHECKING:
    from collections.abc import Sequence

    from boxferry.boxes.detections import Image
    from boxferry.plan.existing import FileIndex
    from boxferry.plan.routes import Route
    from boxferry.stored.stored_boxes import StoredBoxes


@dataclass(frozen=True, kw_only=True, slots=True)
class TargetFinder:
    """Knows the file of each image.

    Attributes:
        directory_id: the directory that the files are in.
        stored_boxes: tells what a file holds.
        route: makes new files; None where only files that are there are meant.
        files: the files that are there.
        on_existing: what happens to a file that is there. Without a route 'skip' leaves those alone that have boxes.
        replace_completed: replace boxes of files that people have marked as completed too.
    """

    directory_id: int
    stored_boxes: StoredBoxes
    route: Route | None = None
    files: FileIndex | None = None
    on_existing: Mode = Mode.ERROR
    replace_completed: bool = False

    @property
    def creates(self) -> bool:
        """Whether files are made, so that an image without boxes is worth sending."""
        return self.route is not None

    def of(self, images: Sequence[Image]) -> list[Target | SkipReason]:
        """(M,) where the boxes of each image go, or why they cannot.

        What the server has to be asked of the files, it is asked for all of them together.
        """
        found = [self._there(image) if self.route is None else self._made(image, self.route) for image in images]
        there = [target.file_id for target in found if isinstance(target, Target) and target.file_id is not None]
        self.stored_boxes.load_sizes(there)
        if self.route is None and self.on_existing == Mode.SKIP:
            self.stored_boxes.load(there)
            return [self._unless_boxes(target) for target in found]
        return found

    def _made(self, image: Image, route: Route) -> Target | SkipReason:
        made = route.target(image)
        if self.files is None or isinstance(made, SkipReason):
            return made
        found = self.files.exact(made.file_name, server_name(made.file_name))
        if found is None or isinstance(found, SkipReason):
            return found or made
        if self.on_existing == Mode.SKIP:
            return SkipReason(Code.FILE_EXISTS, f"'{found.original_filename}' (id {found.id}) is there", fails=False)
        target = self._update(found.original_filename or made.file_name, found.id, video=image.video)
        if isinstance(target, SkipReason) or self.on_existing != Mode.ERROR:
            return target
        return dataclasses.replace(target, taken=True)

    def _there(self, image: Image) -> Target | SkipReason:
        if self.files is None:
            raise ValueError(self.files)
        found = self.files.find(image)
        if isinstance(found, SkipReason):
            return found
        return self._update(found.original_filename or image.key, found.id, video=image.video)

    def _unless_boxes(self, found: Target | SkipReason) -> Target | SkipReason:
        if isinstance(found, Target) and found.file_id and self.stored_boxes.rows(found.file_id, video=found.video):
            return SkipReason(Code.HAS_BOXES, f"file {found.file_id} has boxes already", fails=False)
        return found

    def _update(self, name: str, file_id: int, *, video: bool) -> Target | SkipReason:
        if video and self.on_existing in REPLACING:
            message = "Diffgram cannot replace boxes of a video; use on_existing=append"
            return SkipReason(Code.VIDEO_REPLACE, message)
        mode = Mode.APPEND if self.on_existing == Mode.SKIP else self.on_existing
        if mode in REPLACING and not self.replace_completed and self.stored_boxes.complete(file_id):
            message = f"file {file_id} is completed: its boxes were kept; use replace_completed=True to change them"
            return SkipReason(Code.COMPLETED, message, fails=False)
        return Target(file_name=name, file_id=file_id, mode=mode, video=video)

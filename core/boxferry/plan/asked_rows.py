"""Which boxes of a source people have decided about, before a push of it is planned: what a preview shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boxferry.destination import FileRecord
from boxferry.plan.asked_before import AskedBefore, Question
from boxferry.plan.existing import FileIndex
from boxferry.stored.decided import Names, Spot
from boxferry.stored.file_inputs import FileInputs
from boxferry.stored.stored_boxes import StoredBoxes

if TYPE_CHECKING:
    from boxferry.boxes.detections import Detections, Image
    from boxferry.destination import Client
    from boxferry.plan.earlier import Memory


@dataclass(eq=False)
class AskedRows:
    """Compares fitted boxes with what people decided on the files of one directory; changes nothing.

    Attributes:
        files: finds the files of the directory by the names of images.
        stored_boxes: reads their sizes and boxes.
        asked: compares boxes with what people decided.
    """

    files: FileIndex
    stored_boxes: StoredBoxes
    asked: AskedBefore

    def codes(self, chunk: Detections) -> list[str]:
        """(N,) why a push leaves each box out, 'people-have-it' or 'rejected-before'; empty for what is undecided.

        Files are found by their names. Of one whose size is not that of the picture nothing is said.

        Raises:
            DiffgramError: the server cannot be asked.
        """
        found = ((self.files.find(image), image, rows) for image, rows in chunk.each_image() if rows.stop > rows.start)
        there = [(file, image, rows) for file, image, rows in found if isinstance(file, FileRecord)]
        self.stored_boxes.load_sizes([file.id for file, *_ in there])
        there = [each for each in there if self._fits(each[0].id, each[1])]
        self.stored_boxes.load([file.id for file, *_ in there])
        questions = [
            Question(file_id=file.id, predicted=_spots(chunk, rows, video=image.video), video=image.video)
            for file, image, rows in there
        ]
        codes = [""] * len(chunk)
        for decided in self.asked.codes(questions).values():
            for row, code in decided.items():
                codes[int(row)] = code
        return codes

    def _fits(self, file_id: int, image: Image) -> bool:
        return self.stored_boxes.size(file_id) == (image.width, image.height)


def _spots(chunk: Detections, rows: slice | range, *, video: bool) -> dict[str, Spot]:
    """The boxes of an image by their rows."""
    frames = chunk.frame if video else None
    return {
        str(row): Spot(
            chunk.labels[chunk.label[row]],
            None if frames is None else int(frames[row]),
            tuple(chunk.xyxy[row].tolist()),
        )
        for row in range(rows.start, rows.stop)
    }


def asked_rows(
    client: Client,
    directory: str | int,
    memory: Memory,
    *,
    iou: float,
    expected: int,
) -> AskedRows:
    """What people have decided on the files of a directory, and what an outbox knows beside.

    Args:
        client: asks the server.
        directory: the directory, by name or id.
        memory: what was sent from here.
        iou: from this overlap on two boxes of one label are the same object.
        expected: about how many images are going to be compared; 0 where unknown.

    Raises:
        DiffgramError: the server cannot be asked, or has no such directory.
    """
    place = client.find_directory(directory)
    listed = list(client.files(place.id))
    stored_boxes = StoredBoxes(client, place.id, listed, expected=expected)
    names = Names({n: name for s in client.schemas() for n, name in client.label_names(s.id).items()})
    inputs = FileInputs(client, place.id, since=stored_boxes.first_run)
    asked = AskedBefore(stored_boxes, inputs, names, iou=iou, memory=memory)
    return AskedRows(FileIndex(listed, str(place.nickname or place.id)), stored_boxes, asked)

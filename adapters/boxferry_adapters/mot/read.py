"""Reads files of rows into chunks, each of one video."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from boxferry.boxes.codes import Code
from boxferry.boxes.detections import Detections, Image, objects
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import open_text
from boxferry.parsing.gather import BadImage
from boxferry_adapters.mot.files import files_of
from boxferry_adapters.mot.labels import Labels, shift_of
from boxferry_adapters.mot.rows import LARGEST_WHOLE, Rows, parse
from boxferry_adapters.mot.sequence import video_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from boxferry.formats import Context, Source
    from boxferry_adapters.mot.files import File

    Table = NDArray[np.void]  # (N,) records as `rows.ROW` says

NO_SCORE = -1.0  #: what results hold that have no scores, in every row


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for each file, which is about one video.

    Raises:
        InputError: no file has rows, or some are results and some ground truth, or a class is unknown, or
            a frame 0 or a box at 0 contradicts the format, or the source is standard input.
    """
    if source.name == "-":
        raise InputError("standard input: MOT needs files, since a file's name tells its video; name a file or folder")
    files = files_of(source, context)
    reader = _Reader(context, Labels(context, shift_of(_classes(files, context), context, source.name)))
    for file in files:
        if (chunk := reader.chunk(file)) is not None:
            yield chunk
    reader.labels.finish()


def _classes(files: list[File], context: Context) -> set[float]:
    """The classes that occur in all files, where a list of names does not say from which number they count."""
    found: set[float] = set()
    if not context.names_counted or context.options["mot-first-class"]:
        return found
    for file in files:
        with suppress(OSError), open_text(file.path) as lines:
            found.update(np.unique(parse(lines).good["class_id"]).tolist())
    return found - {-1.0}


@dataclass(slots=True)
class _Reader:
    context: Context
    labels: Labels
    seen: dict[str, str] = field(default_factory=dict)

    def chunk(self, file: File) -> Detections | None:
        """The boxes of a file, counted as read; None where it fails as a whole, which is told."""
        place, rows = Place(file.shown), Rows()
        try:
            with open_text(file.path) as lines:
                rows = parse(lines)
            image = self._image(file)
        except OSError as error:
            self.context.tally.fail(Code.UNREADABLE, f"cannot be read: {error.strerror}", place)
            return None
        except BadImage as error:
            self.context.tally.fail(error.code, str(error), place, boxes=len(rows), counted=False)
            return None
        for line, problem in rows.bad:
            self.context.tally.skip(Code.BAD_ROW, problem, place._replace(line=line))
        return self._detections(image, rows.good, ground_truth=file.ground_truth)

    def _image(self, file: File) -> Image:
        """The video that a file is about.

        Raises:
            BadImage: it cannot be told, or another file is about it too.
        """
        image = video_of(file, self.context)
        if (first := self.seen.setdefault(image.key, file.shown)) != file.shown:
            raise BadImage(f"is about video '{image.key}', and so is {first}", Code.DUPLICATE_FILE)
        return image

    def _detections(self, image: Image, rows: Table, *, ground_truth: bool) -> Detections:
        first_frame, origin = self._first_frame(rows, image.source), self._origin(rows, image.source)
        scores = np.full(len(rows), np.nan) if ground_truth else self._scores(rows, image.source)
        usable = self._usable(image, rows, first_frame, ground_truth=ground_truth)
        rows, scores = rows[usable], scores[usable]
        codes = self.labels.codes(rows, image.source)
        named = codes >= 0
        rows, track = rows[named], rows["track"][named]
        detections = Detections.from_counts(
            [image],
            [len(rows)],
            _corners(rows, origin),
            codes[named],
            self.labels.vocabulary.labels,
            score=scores[named],
            row=rows["line"],
            frame=rows["frame"] - first_frame,
            track=track if (track >= 0).any() else None,
            attributes=self._attributes(rows, ground_truth=ground_truth),
        )
        self.context.tally.count(detections)
        return detections

    def _first_frame(self, rows: Table, shown: str) -> int:
        """The number that the first frame has.

        Raises:
            InputError: it is not said, and a frame 0 contradicts the format's own.
        """
        said = self.context.options["mot-first-frame"]
        zero = np.flatnonzero(rows["frame"] == 0)
        if len(zero) and not said:
            raise InputError(
                f"{Place(shown, line=int(rows['line'][zero[0]]))}: a frame 0, but MOT counts frames from 1: pass "
                "--mot-first-frame 0 if this counts from 0, or --mot-first-frame 1 to leave such rows out"
            )
        return 0 if said == "0" else 1

    def _origin(self, rows: Table, shown: str) -> int:
        """The number that the first pixel has.

        Raises:
            InputError: it is not said, and boxes that begin at 0 contradict the format's own.
        """
        said, corners = self.context.options["mot-origin"], rows["box"][:, :2]
        at = np.flatnonzero(((corners >= 0) & (corners < 1)).any(axis=1))
        if said or not len(at):
            return int(said or 1)
        place = Place(shown, line=int(rows["line"][at[0]]))
        found = f"a box that begins at {corners[at[0]].min():g}, but MOT counts pixels from 1"
        if (corners < 0).any():
            message = f"{found}; others reach out of the image: --mot-origin 0 if this counts from 0"
            self.context.tally.note(Code.ORIGIN, message, place)
            return 1
        raise InputError(
            f"{place}: {found}: pass --mot-origin 0 if this counts from 0, or --mot-origin 1 if its boxes reach out of "
            "their images"
        )

    def _usable(self, image: Image, rows: Table, first_frame: int, *, ground_truth: bool) -> NDArray[np.bool_]:
        """(N,) the rows that are boxes of the video; each of the others is skipped with its line and the reason."""
        usable = np.ones(len(rows), np.bool_)
        for code, gone, message in self._refusals(image, rows, first_frame, ground_truth=ground_truth):
            for row in rows[usable & gone]:
                self.context.tally.skip(code, message(row), Place(image.source, line=int(row["line"])))
            usable &= ~gone
        return usable

    def _refusals(
        self, image: Image, rows: Table, first_frame: int, *, ground_truth: bool
    ) -> Iterator[tuple[str, NDArray[np.bool_], Callable[[np.void], str]]]:
        """Why rows cannot be used: a reason in a fixed word, (N,) the rows, and what to say of one."""
        if ground_truth:
            yield Code.IGNORED, rows["value"] == 0, lambda _: "column 7 is 0: the benchmark ignores it"
        frame, number = rows["frame"] - first_frame, rows["class_id"]
        expected = f"{first_frame} to {image.frames - 1 + first_frame}" if image.frames else f"{first_frame} or more"
        late = (frame >= image.frames) & (image.frames > 0)
        yield Code.NO_SUCH_FRAME, (frame < 0) | late, lambda row: f"frame {row['frame']:.0f}, expected {expected}"
        odd = self.labels.classed(rows) & ((number % 1 != 0) | (np.abs(number) > LARGEST_WHOLE))
        yield Code.BAD_ROW, odd, lambda row: f"class {row['class_id']:g} in column 8, expected a whole number"

    def _scores(self, rows: Table, shown: str) -> NDArray[np.float64]:
        """(N,) the scores, of any range; NaN where every row has the -1 of results without scores."""
        scores = np.asarray(rows["value"])
        if not len(rows) or (scores != NO_SCORE).any():
            return scores
        self.context.tally.note(Code.NO_SCORES, "column 7 is -1 in every row: the boxes have no scores", Place(shown))
        return np.full(len(rows), np.nan)

    def _attributes(self, rows: Table, *, ground_truth: bool) -> NDArray[np.object_] | None:
        """(N,) the visibility that ground truth has; None where it is not asked for."""
        if "visibility" not in self.context.attributes:
            return None
        seen = rows["visibility"].tolist()
        return objects([{"visibility": share} if ground_truth and share >= 0 else None for share in seen])


def _corners(rows: Table, origin: int) -> NDArray[np.float64]:
    """(N, 4) xyxy, 0-based: the first pixel is number `origin`, and the size is as it stands."""
    low = rows["box"][:, :2] - origin
    return np.hstack((low, low + rows["box"][:, 2:]))

"""`Review`: a run with the fates of its boxes, and all that is made of it: datasets, numbers, pages."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from boxferry.boxes.join import together
from boxferry.boxes.tally import Tally
from boxferry.errors import OptionError
from boxferry.option_checks import check_word
from boxferry.plugins import plugin_manager
from boxferry.reading.dataset import Dataset
from boxferry.reading.names import given_names
from boxferry.reading.tables import data_frame
from boxferry.reading.writing import Writing
from boxferry.review.calibration import WISHED
from boxferry.review.dataset import TrainingSet
from boxferry.review.dataset_images import OwnImages
from boxferry.review.fate_table import fate_columns
from boxferry.review.notebook import review_html
from boxferry.review.own import own_boxes
from boxferry.review.pictures import Picture
from boxferry.review.report import reports_of
from boxferry.review.reviewed import Reviewed
from boxferry.review.summary import Clicks
from boxferry.review.trackers import active_run, log_reports

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Mapping

    from pandas import DataFrame

    from boxferry.review.dataset import Placing
    from boxferry.review.trackers import Tracker

Placed = Literal["copy", "link"]


@dataclass(frozen=True, slots=True, repr=False)
class Review(Reviewed):
    """A run with what people did to its boxes, as `Diffgram.pull` gives it."""

    def corrected(self, *, everything: bool = False) -> Dataset:
        """The boxes as they are now, in memory: of the reviewed files, or of all.

        Args:
            everything: files too that no person has looked at.

        Raises:
            InputError: two files have one name.
        """
        tally, classes = Tally(), self.classes()
        found = together(list(self.corrected_chunks(everything=everything, tally=tally)))
        return Dataset(found, tally=tally, names={} if classes.clash else classes.names())

    def to_pandas(self) -> DataFrame:
        """A table of what people did to each box, one a row: file, fate, label and corners before and after.

        The columns are file, file_id, reviewed, fate; label, score, xmin, ymin, xmax, ymax as they were sent; and
        now_label, now_xmin, … as they are now. What a box did not have, or has not any more, is missing (NaN).

        Raises:
            UsageError: pandas is not installed.
        """
        return data_frame(fate_columns(self.files))

    def write(
        self,
        path: str | os.PathLike[str],
        to: str = "coco",
        *,
        everything: bool = False,
        names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None = None,
        split: float | None = None,
        images: Placed | None = None,
        tally: Tally | None = None,
        **options: str,
    ) -> Tally:
        """Write the corrected boxes; classes have the ids that the run was pushed with, new labels come after.

        Args:
            path: a file or a folder, as the format has it; with `split` a folder, new or of an earlier dataset.
            to: the format's name; with `split` the layout: 'yolo', 'coco' or 'voc'.
            everything: files too that no person has looked at; not with `split`.
            names: the classes with their ids, in place of those that the run was pushed with.
            split: the share of the images that are for validation: a dataset is written as training takes it, and an
                image stays in its part from week to week.
            images: with `split`, 'copy' or 'link' the images of this machine too; only listed where left out.
            tally: counts what is written and what is left out; a new one where left out.
            options: those of the format, with underscores.

        Returns:
            The tally.

        Raises:
            UnknownFormat: there is no such format.
            UsageError: options that do not go together, the format cannot be written, or the path cannot.
            InputError: the names cannot be read.
        """
        if images is not None:
            check_word("images", images, ("copy", "link"))
        if split is None and images is not None:
            raise OptionError("{images} needs {split}, which says where images are placed")
        if split is not None and everything:
            raise OptionError("{split} cannot be combined with {everything}: a dataset has what people have looked at")
        if split is not None:
            return self._dataset(path, to, split, images, names, options)
        how, tally = Writing.of(plugin_manager().formats(), to, names=names, options=options), tally or Tally()
        own = {name.replace("_", "-"): str(value) for name, value in options.items()}
        self.write_as(how.format, Path(path), tally, everything=everything, names=how.names, options=own)
        return tally

    def _dataset(
        self,
        path: str | os.PathLike[str],
        to: str,
        split: float,
        images: Placed | None,
        names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None,
        options: Mapping[str, str],
    ) -> Tally:
        files = [own_boxes(file) if self.own else file for file in self.reviewed]
        found = TrainingSet(
            directories=[],
            pictures=[Picture(file=file, changed=0.0, sent=[], looked=True) for file in files],
            labels=list(self.labels),
        )
        table = self.classes(None if names is None else given_names(names).names).names()
        local = OwnImages({file.file_name: file.media for file in files}) if images else None
        given = {name.replace("_", "-"): str(value) for name, value in options.items()}
        placing: Placing = "link" if images == "link" else "copy"
        return found.write(
            path, to=to, names=table or None, val=split, local=local, placing=placing, options=given
        ).tally

    def __repr__(self) -> str:
        reviewed, all_of_them = len(self.reviewed), len(self.files)
        return f"<Review: run {self.run.name}, {reviewed} of {all_of_them} files reviewed>"

    def _repr_html_(self) -> str:
        """The fates of its boxes, and the images that people corrected most, for a notebook."""
        return review_html(self, self.summary())

    def log(self, tracker: Tracker, *, precision: float = WISHED) -> dict[str, float]:
        """Record fates, corrected share, COCO's numbers, thresholds and the report page in the active run of a tracker.

        Args:
            tracker: 'mlflow' or 'wandb'.
            precision: the share of right boxes that thresholds are given for.

        Returns:
            The numbers that were recorded, by name.

        Raises:
            UsageError: the package is not installed, or no run is active.
            BoxferryError: the tracker fails.
        """
        into = active_run(tracker)
        return log_reports(reports_of([self], Clicks(), precision=precision, metrics=True), into)

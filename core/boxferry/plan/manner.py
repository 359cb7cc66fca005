"""How a push is carried out: which files the boxes go to, what is on each box, and how long is waited."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.errors import UsageError
from boxferry.option_checks import check_type, check_words
from boxferry.plan.attributes import AttributeWish
from boxferry.plan.labels import Policy
from boxferry.plan.patience import Patience
from boxferry.plan.planner import VIDEO_RATE
from boxferry.plan.routes import BlobRoute, NewFiles, UploadRoute, UrlRoute
from boxferry.plan.target import REPLACING, OnExisting
from boxferry.plan.templates import Template
from boxferry.stored.decided import SAME_IOU

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

    from boxferry.plan.routes import Route


@dataclass(frozen=True, kw_only=True, slots=True)
class Manner:
    """How a push is carried out; the defaults are those of the command line.

    With none of `media_url`, `blob_path` and `existing` the images are uploaded from the folder that the predictions
    were read with.

    Attributes:
        media_url: a URL template; the server fetches each image from its URL.
        blob_path: a template of paths in a bucket; the server fetches each image out of it, by `connection` (its id)
            and `bucket` (its name).
        existing: take the files that are in the directory, by id or name, and make none.
        file_ids: with `existing`, image name → file id.
        on_existing: what happens to a file that is there: 'error', 'append', 'skip', 'replace-own' or 'replace-all'.
            With 'error' a name that a file has already fails, unless the file is this run's own; with `existing`, files
            that have boxes of another run fail, and boxes are appended to the others.
        replaces: models whose untouched boxes go from the files that boxes of this push come to, in the same packet; it
            means 'replace-own', whose other rules hold.
        delete_people: let 'replace-all' delete boxes that people made or changed.
        file_name: a template of the names under which new files appear; the images' own where left out.
        job: the id of the job that new files are attached to.
        video_split_s: seconds after which the server cuts new videos.
        video_rate: the project's frames a second, to which the server resamples faster videos.
        annotations: the boxes are annotations, no predictions: they go without score and model.
        human_made: annotations that count as people's work; reviewers see them so.
        attributes: which attributes are sent.
        schema: the labels schema by name or id; the project's default one where left out.
        labels: what happens to labels that the server does not have: 'error', 'skip' or 'create'.
        skip_empty: make no file for an image whose predictions are empty.
        create_empty: make files of the pictures of the images folder too that the source does not mention.
        replace_completed: let replacing ways change files that people have marked as completed.
        allow_removals: how many boxes may go without others coming in their place on the same file; None allows as
            many as are sent.
        resend_missing: send again what was applied and is gone from the server, where no person removed it.
        ask_again: send predictions too about which people have decided on an earlier day, whichever run had asked them.
        same_iou: from this overlap (IoU) on a prediction and a box of one label are the same object to `ask_again`.
        patience: how long is waited, and for what.
        verify: read back what was applied in this push, since the server's success can mean that no box was stored,
            or one twice.
        dry_run: send and change nothing; the report lists what would be sent.
        plan: a file that the packets of a dry run are written to, to be carried out later.
        strict: a box that cannot be used is an error, not a drop.

    Raises:
        UsageError: two of them contradict each other.
    """

    media_url: str | None = None
    blob_path: str | None = None
    connection: int | None = None
    bucket: str | None = None
    existing: bool = False
    file_ids: Mapping[str, int] | None = None
    on_existing: OnExisting = "error"
    replaces: str | Sequence[str] = ()
    delete_people: bool = False
    file_name: str | None = None
    job: int | None = None
    video_split_s: int | None = None
    video_rate: float = VIDEO_RATE
    annotations: bool = False
    human_made: bool = False
    attributes: AttributeWish = field(default_factory=AttributeWish)
    schema: str | None = None
    labels: Policy = "error"
    skip_empty: bool = False
    create_empty: bool = False
    replace_completed: bool = False
    allow_removals: int | None = None
    resend_missing: bool = False
    ask_again: bool = False
    same_iou: float = SAME_IOU
    patience: Patience = field(default_factory=Patience)
    verify: bool = True
    dry_run: bool = False
    plan: str | os.PathLike[str] | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        check_words(self, on_existing=OnExisting, labels=Policy)
        self._take_replaces()
        self._check_files()
        self._check_boxes()

    def _check_files(self) -> None:
        """See that what is said of files fits together."""
        if self.create_empty and (self.existing or self.on_existing in REPLACING):
            raise UsageError("create_empty makes new files: it cannot be combined with existing or replace-…")
        ways = {"--media-url": self.media_url, "--blob-path": self.blob_path, "--existing": self.existing}
        given = [option for option, value in ways.items() if value]
        if len(given) > 1:
            raise UsageError(f"{' and '.join(given)}: a file is there, or it is fetched from one place; choose one")
        if self.blob_path and (self.connection is None or not self.bucket):
            raise UsageError("--blob-path: needs --connection ID and --bucket NAME, which say where the path is")
        for value, option in ((self.job, "--job"), (self.file_name, "--file-name")):
            if self.existing and value is not None:
                raise UsageError(f"{option}: is for new files; those that are there stay as they are")
        if self.file_ids is not None and not self.existing:
            raise UsageError("--file-ids: says which files are there; add --existing")

    def _take_replaces(self) -> None:
        """See that models are named, and replace one's own boxes too where they are."""
        check_type("replaces", self.replaces, str, tuple, list)
        names = tuple(filter(None, [self.replaces])) if isinstance(self.replaces, str) else tuple(self.replaces)
        for name in names:
            check_type("replaces", name, str)
            if not name.strip():
                raise UsageError("--replaces: the name of a model is empty")
        object.__setattr__(self, "replaces", names)
        if self.replaces and self.on_existing not in {"error", "replace-own"}:
            raise UsageError(f"--replaces: replaces a model's own boxes too, not --on-existing {self.on_existing}")
        if self.replaces:
            object.__setattr__(self, "on_existing", "replace-own")

    def _check_boxes(self) -> None:
        """See that what is said of the boxes fits together."""
        if self.human_made and not self.annotations:
            raise UsageError(
                "--human-made: predictions are a model's; add --as annotations if these are people's boxes"
            )
        if self.annotations and self.replaces:
            raise UsageError("--replaces: replaces a model's predictions, and annotations have no model")
        if self.annotations and self.on_existing == "replace-own":
            raise UsageError("--on-existing replace-own: replaces a model's predictions, and annotations have no model")
        if not 0 < self.same_iou <= 1:
            raise UsageError(f"--same-iou: {self.same_iou}, expected more than 0, and 1 at most")
        if not self.video_rate > 0:
            raise UsageError(f"--video-rate: {self.video_rate}, expected more than 0 frames a second")
        if self.plan is not None and self.attributes.policy == "create" and self.attributes:
            raise UsageError("--plan: --attributes create changes the server; make the attributes first")

    def route(self, directory_id: int) -> Route | None:
        """What makes new files; None where only those that are there are meant.

        Raises:
            UsageError: a template is wrong, or a setting is none that the way takes.
        """
        if self.existing:
            return None
        new = NewFiles(
            directory_id=directory_id,
            naming=Template(self.file_name or "{file_name}", "--file-name"),
            job_id=self.job,
            video_split_s=self.video_split_s,
        )
        if self.media_url:
            return UrlRoute(new=new, template=Template(self.media_url, "--media-url", encoded=True))
        if self.blob_path:
            template = Template(self.blob_path, "--blob-path")
            return BlobRoute(new=new, template=template, connection_id=self.connection or 0, bucket=self.bucket or "")
        return UploadRoute(new=new)

"""The options of a push: which files the boxes go to, what is on each box, and how long is waited."""

from __future__ import annotations

import dataclasses
import difflib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from boxferry.boxes.notebook import paragraph
from boxferry.errors import OptionError, UsageError
from boxferry.option_checks import check_range, check_type, check_words
from boxferry.outbox.kinds import Mode
from boxferry.plan.attributes import AttributeWish
from boxferry.plan.labels import Policy
from boxferry.plan.patience import Patience
from boxferry.plan.routes import BlobRoute, NewFiles, Template, UploadRoute, UrlRoute
from boxferry.plan.server_size import VIDEO_RATE
from boxferry.plan.target import OnExisting
from boxferry.stored.decided import SAME_IOU

if TYPE_CHECKING:
    import os

    from boxferry.plan.routes import Route


class PushKeywords(TypedDict, total=False):
    """The options of a push as keyword arguments; `PushOptions` says what each means and what its default is."""

    media_url: str | None
    blob_path: str | None
    connection: int | None
    bucket: str | None
    existing: bool
    file_ids: Mapping[str, int] | None
    on_existing: OnExisting
    replaces: str | Sequence[str]
    delete_people: bool
    file_name: str | None
    job: int | None
    video_split_s: int | None
    video_rate: float
    annotations: bool
    human_made: bool
    attributes: AttributeWish | Mapping[str, str] | Sequence[str]
    schema: str | None
    labels: Policy
    skip_empty: bool
    create_empty: bool
    create_directory: bool
    replace_completed: bool
    allow_removals: int | None
    resend_missing: bool
    ask_again: bool
    same_iou: float
    wait_s: float | None
    patience: Patience
    verify: bool
    dry_run: bool
    plan: str | os.PathLike[str] | None
    strict: bool


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class PushOptions:
    """The options of a push, for pushes that have them in common: `diffgram.push(…, options=options)`.

    Each of them is a keyword argument of `push` too, which then counts before that of `options`. The defaults are those
    of the command line.

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
        attributes: which attributes are sent: the source's fields, as a list of names or as field → the attribute's
            name on the server; or an `AttributeWish`.
        schema: the labels schema by name or id; the project's default one where left out.
        labels: what happens to labels that the server does not have: 'error', 'skip' or 'create'.
        skip_empty: make no file for an image whose predictions are empty.
        create_empty: make files of the pictures of the images folder too that the source does not mention.
        create_directory: create the directory on the server where its name is missing.
        replace_completed: let replacing ways change files that people have marked as completed.
        allow_removals: how many boxes may go without others coming in their place on the same file; None allows as
            many as are sent.
        resend_missing: send again what was applied and is gone from the server, where no person removed it.
        ask_again: send predictions too about which people have decided on an earlier day, whichever run had asked them.
        same_iou: from this overlap (IoU) on a prediction and a box of one label are the same object to `ask_again`.
        wait_s: seconds to wait for the server until it has applied everything; 0 does not wait for that, but up to a
            minute for the first packet of a new run where others follow. The default, None, is that of `patience`: 600.
        patience: further settings of waiting.
        verify: read back what was applied in this push, since the server's success can mean that no box was stored,
            or one twice.
        dry_run: send and change nothing; the report lists what would be sent.
        plan: a file that the packets of a dry run are written to, to be carried out later.
        strict: a box that cannot be used is an error, not a drop.

    Raises:
        OptionError: two of them contradict each other, or a value is out of its range; the message has their names.
        UsageError: a value is of another type, or the option does not take a word.
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
    attributes: AttributeWish | Mapping[str, str] | Sequence[str] = field(default_factory=AttributeWish)
    schema: str | None = None
    labels: Policy = "error"
    skip_empty: bool = False
    create_empty: bool = False
    create_directory: bool = False
    replace_completed: bool = False
    allow_removals: int | None = None
    resend_missing: bool = False
    ask_again: bool = False
    same_iou: float = SAME_IOU
    wait_s: float | None = None
    patience: Patience = field(default_factory=Patience)
    verify: bool = True
    dry_run: bool = False
    plan: str | os.PathLike[str] | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        check_words(self, on_existing=OnExisting, labels=Policy)
        check_type("patience", self.patience, Patience)
        self._take_wait()
        self._take_attributes()
        self._take_replaces()
        self._check_files()
        self._check_boxes()

    @property
    def mode(self) -> Mode:
        """What happens to a file that is there."""
        return Mode(self.on_existing)

    def __repr__(self) -> str:
        """Those that are not the defaults."""
        default = PushOptions()
        given = {each.name: getattr(self, each.name) for each in dataclasses.fields(self)}
        changed = (f"{name}={value!r}" for name, value in given.items() if value != getattr(default, name))
        return f"PushOptions({', '.join(changed)})"

    def _repr_html_(self) -> str:
        """The same as a paragraph, for a notebook."""
        return paragraph(self)

    def _set(self, **values: object) -> None:
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def _take_wait(self) -> None:
        """Have one number of seconds to wait."""
        if self.wait_s is not None:
            check_range("wait_s", self.wait_s, 0)
            self._set(patience=dataclasses.replace(self.patience, wait_s=float(self.wait_s)), wait_s=None)

    def _take_attributes(self) -> None:
        """Have names of fields as a wish."""
        given = self.attributes
        if isinstance(given, AttributeWish):
            return
        check_type("attributes", given, Mapping, list, tuple, AttributeWish)
        fields = dict(given) if isinstance(given, Mapping) else {name: name for name in given}
        for each in (*fields, *fields.values()):
            check_type("attributes", each, str)
        self._set(attributes=AttributeWish(fields=fields))

    @property
    def wish(self) -> AttributeWish:
        """Which attributes are sent."""
        assert isinstance(self.attributes, AttributeWish)  # noqa: S101 # made so in __post_init__
        return self.attributes

    def _check_files(self) -> None:
        """Check that the options about files can be combined."""
        if self.create_empty and (self.existing or self.mode.replaces):
            raise OptionError("{create_empty} makes new files: it cannot be combined with {existing} or replace-…")
        if self.create_directory and self.existing:
            raise OptionError("{create_directory} cannot be combined with {existing}: a new directory has no files")
        ways = ("media_url", "blob_path", "existing")
        given = [f"{{{name}}}" for name in ways if getattr(self, name)]
        if len(given) > 1:
            raise OptionError(f"{' and '.join(given)}: choose one of {{media_url}}, {{blob_path}}, {{existing}}")
        if self.blob_path and (self.connection is None or not self.bucket):
            raise OptionError("{blob_path} needs {connection} and {bucket}: the id of the connection, and the bucket")
        for name in ("job", "file_name"):
            if self.existing and getattr(self, name) is not None:
                raise OptionError(f"{{{name}}} cannot be combined with {{existing}}: it is for new files")
        if self.file_ids is not None and not self.existing:
            raise OptionError("{file_ids} needs {existing}")

    def _take_replaces(self) -> None:
        """See that models are named, and replace one's own boxes too where they are."""
        check_type("replaces", self.replaces, str, tuple, list)
        names = tuple(filter(None, [self.replaces])) if isinstance(self.replaces, str) else tuple(self.replaces)
        for name in names:
            check_type("replaces", name, str)
            if not name.strip():
                raise OptionError("{replaces}: the name of a model is empty")
        self._set(replaces=names)
        if self.replaces and self.mode not in {Mode.ERROR, Mode.REPLACE_OWN}:
            raise OptionError(
                "{replaces} cannot be combined with {on_existing} {word}: it replaces a model's own boxes too",
                word=self.on_existing,
            )
        if self.replaces:
            self._set(on_existing=Mode.REPLACE_OWN.value)

    def _check_boxes(self) -> None:
        """Check that the options about boxes can be combined."""
        if self.human_made and not self.annotations:
            raise OptionError("{human_made} needs {annotations}: predictions are a model's, not people's")
        if self.annotations and self.replaces:
            raise OptionError("{replaces} cannot be combined with {annotations}, which have no model")
        if self.annotations and self.mode == Mode.REPLACE_OWN:
            raise OptionError("{on_existing} replace-own cannot be combined with {annotations}, which have no model")
        if not 0 < self.same_iou <= 1:
            raise OptionError("{same_iou}: {value}, expected more than 0, and 1 at most", value=self.same_iou)
        if not self.video_rate > 0:
            raise OptionError("{video_rate}: {value}, expected more than 0 frames a second", value=self.video_rate)
        if self.plan is not None and self.wish.policy == "create" and self.wish:
            raise OptionError("{plan} cannot be combined with {attribute_policy} create, which changes the server")

    def route(self, directory_id: int) -> Route | None:
        """What makes new files; None where only those that are there are meant.

        Raises:
            UsageError: a template is wrong, or the way does not take a setting.
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


def given_options(
    options: PushOptions | None, given: Mapping[str, Any], former: PushOptions | None = None
) -> PushOptions:
    """The options of one call: those given as keyword arguments before those of `options`.

    Args:
        options: those that several calls have in common, or None.
        given: keyword arguments.
        former: what came under the former name `manner`.

    Raises:
        UsageError: there is no option of a name, with the nearest one; or a value cannot be.
        OptionError: two of them contradict each other.
    """
    if former is not None:
        warnings.warn("manner= is called options= now", DeprecationWarning, stacklevel=3)
    options = options if options is not None else former
    check_type("options", options, PushOptions, type(None))
    known = [each.name for each in dataclasses.fields(PushOptions)]
    for name in given:
        if name not in known:
            raise UsageError(f"{name}: no such option{_meant(name, known)}; there are {', '.join(known)}")
    return PushOptions(**given) if options is None else dataclasses.replace(options, **given)


def _meant(name: str, known: Sequence[str]) -> str:
    near = FORMER.get(name) or next(iter(difflib.get_close_matches(name, known, n=1)), "")
    return f"; did you mean '{near}'?" if near else ""


#: words that people try, and what they are called
FORMER = {"timeout": "wait_s", "timeout_s": "wait_s", "wait": "wait_s", "video_split": "video_split_s"}

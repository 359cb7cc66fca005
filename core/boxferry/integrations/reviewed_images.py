"""The reviewed images of one run, whichever machine sent it: by the outbox, or by the server alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from boxferry.destination import server_name
from boxferry.errors import NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.outbox.entry import Run
    from boxferry.project import Diffgram
    from boxferry.review.pull import ReviewedFile
    from boxferry.review.review import Review

LOOK_S = 1.0  #: seconds for a look at what the server had not applied yet


@dataclass(frozen=True, kw_only=True, slots=True)
class Sent:
    """What was sent, and where to.

    Attributes:
        directory_id: the directory on the server.
        model, run: as on the boxes.
        images: image key → the sample's id.
        since: when sending began, seconds since the epoch by the server's clock.
    """

    directory_id: int
    model: str
    run: str
    since: float
    images: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReviewedImages:
    """What a run's review has of the samples.

    Attributes:
        reviewed: sample id → its image, for those that people have looked at.
        overtaken: the ids of those that people have looked at, and that a later push took boxes from.
        waiting: the ids of all others.
    """

    reviewed: dict[str, ReviewedFile] = field(default_factory=dict)
    overtaken: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


def reviewed_images(diffgram: Diffgram, sent: Sent) -> ReviewedImages:
    """Fetch the review of a run; what this machine's outbox does not know of it is added from the server.

    Raises:
        DiffgramError: the server cannot be asked.
        OutboxBusy: another process is sending from the outbox.
    """
    files = _by_sample(_pulled(diffgram, sent), sent)
    if len(files) < len(sent.images) and _adopted(diffgram, sent):
        files = _by_sample(_pulled(diffgram, sent), sent)
    if missing := set(sent.images.values()) - set(files):
        files |= _of_people(diffgram, sent, missing)
    found = ReviewedImages()
    for sample in sent.images.values():
        file = files.get(sample)
        if file is None or not file.reviewed:
            found.waiting.append(sample)
        elif file.overtaken:
            found.overtaken.append(sample)
        else:
            found.reviewed[sample] = file
    return found


def _run(diffgram: Diffgram, sent: Sent) -> Run | None:
    named = (sent.directory_id, sent.model, sent.run)
    runs = diffgram.workspace.runs()
    return next((run for run in runs if (run.directory_id, run.model, run.name) == named), None)


def _pulled(diffgram: Diffgram, sent: Sent) -> Review | None:
    """The run as this machine's outbox knows it; what the server had not applied yet is looked at again."""
    if (run := _run(diffgram, sent)) is None:
        return None
    if str(run.id) in diffgram.unfinished():
        diffgram.resume(str(run.id), wait_s=LOOK_S)
    return diffgram.pull(str(run.id), own=True)


def _adopted(diffgram: Diffgram, sent: Sent) -> bool:
    """Whether the server has something of the run that the outbox does not."""
    try:
        return diffgram.adopt(sent.run, directory=sent.directory_id, model=sent.model).files > 0
    except NotFound:
        return False  # no box of it is there: all were without, or people have deleted them


def _by_sample(review: Review | None, sent: Sent) -> dict[str, ReviewedFile]:
    files = [] if review is None else review.files
    owners = _owners(sent)
    named = ((owners.get(file.image.key) or owners.get(file.file_name), file) for file in files)
    return {sample: file for sample, file in named if sample is not None}


def _owners(sent: Sent) -> dict[str, str]:
    """The name of an image in the source, and on the server → the sample's id."""
    return {server_name(key): sample for key, sample in sent.images.items()} | dict(sent.images)


def _of_people(diffgram: Diffgram, sent: Sent, missing: set[str]) -> dict[str, ReviewedFile]:
    """Images that were sent without boxes bear no trace of the run: those that people drew on since, or completed."""
    owners, since = _owners(sent), _since(diffgram, sent)
    found: dict[str, ReviewedFile] = {}
    for picture in diffgram.dataset(directory=sent.directory_id, people=True).pictures:
        sample = owners.get(picture.file.file_name)
        ours = any(each.name == (sent.model, sent.run) for each in picture.sent)  # no trace is missing of these
        if sample in missing and not ours:
            found[sample] = picture.judged_since(since)
    return found


def _since(diffgram: Diffgram, sent: Sent) -> float:
    """When the run began: it may have been sent before, from here or elsewhere."""
    run = _run(diffgram, sent)
    entries = [] if run is None else diffgram.outbox.entries(run.id)
    return min([sent.since, *(entry.ended for entry in entries if entry.ended)])

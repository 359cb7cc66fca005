"""What FiftyOne stores with an annotation run: which samples and labels were sent, and where; no credentials."""

from __future__ import annotations

import json
import webbrowser
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import fiftyone as fo
import fiftyone.utils.annotations as foua

from boxferry.errors import BoxferryError, NotFound, StillProcessing, UsageError
from boxferry.integrations.fiftyone_labels import all_samples
from boxferry.integrations.label_ids import new_id
from boxferry.integrations.reviewed_images import ReviewedImages, Sent, reviewed_images

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from boxferry.deliver.report import PushResult
    from boxferry.integrations.label_ids import Decided, Places
    from boxferry.project import Diffgram
    from boxferry.review.judged import Stored

STORED = ("images", "sent", "added", "place")


class DiffgramResults(foua.AnnotationResults):  # type: ignore[misc] # FiftyOne ships no types
    """One annotation run.

    Attributes:
        id_map: FiftyOne's: label field → sample id → the ids of the labels that the next load may change or delete.
        images: the image's name → the sample's id.
        sent: sample id → each box as it was sent → the ids of its labels.
        added: sample id → the ids of labels that loads have added.
        place: where it was sent: host, project, directory_id, model and run, and since when, by the server's clock.
    """

    def __init__(
        self,
        samples: Any,  # noqa: ANN401 # FiftyOne's
        config: Any,  # noqa: ANN401 # likewise
        anno_key: str,
        id_map: dict[str, Any],
        *,
        images: dict[str, str],
        sent: dict[str, Places],
        added: dict[str, list[str]],
        place: dict[str, Any],
        backend: Any = None,  # noqa: ANN401 # likewise
    ) -> None:
        super().__init__(samples, config, anno_key, id_map, backend=backend)
        self.images, self.sent, self.added, self.place = images, sent, added, place

    @classmethod
    def _from_dict(cls, d: Mapping[str, Any], samples: Any, config: Any, anno_key: str) -> Self:  # noqa: ANN401 # likewise
        return cls(samples, config, anno_key, d["id_map"], **{name: d[name] for name in STORED})

    @property
    def model_and_run(self) -> str:
        """The run as boxferry's commands take it: 'model/run'."""
        return f"{self.place['model']}/{self.place['run']}"

    def review(self) -> ReviewedImages:
        """What people have done so far; nothing is changed.

        Raises:
            UsageError: the settings name another project than it was sent to.
            DiffgramError: the server cannot be asked.
        """
        where = {name: self.place[name] for name in ("directory_id", "model", "run", "since")}
        with self._diffgram() as diffgram:
            return reviewed_images(diffgram, Sent(**where, images=self.images))

    def launch_editor(self) -> None:
        """Open the server's interface in a browser."""
        webbrowser.open(self.place["host"])

    def cleanup(self) -> None:
        """Take the boxes of this run that no person has touched off the server; what people made stays, files too.

        Raises:
            BoxferryError: something could not be done.
        """
        try:
            with self._diffgram() as diffgram:
                report = diffgram.retire(self.model_and_run, directories=[self.place["directory_id"]], remove=True)
        except NotFound:
            return  # nothing of it is there
        if report.exit_code:
            problem = next((f"{file.file_name}: {file.problem}" for file in report.files if file.problem), "")
            kind = StillProcessing if report.exit_code == StillProcessing.exit_code else BoxferryError
            raise kind(f"{self.model_and_run}: not all boxes could be removed; {problem or 'packets are under way'}")

    def ids_of(self, drawn: Iterable[Stored], field: str) -> dict[str, Stored]:
        """The id of the label of each box that people drew: the same in every load of the field, on every machine."""
        return {new_id(box, self.place["project"], field): box for box in drawn}

    def refresh(self) -> None:
        """Take in what loads of other processes have stored since."""
        stored = self.backend._get_run_doc(self.samples, self.key)  # noqa: SLF001 # FiftyOne has no other way
        found = json.loads(type(stored).objects.get(id=stored.id).results.read())
        self.id_map, self.added = found["id_map"], found["added"]

    def take(self, field: str, decisions: Mapping[str, Decided], added: Mapping[str, Iterable[str]]) -> None:
        """Have FiftyOne change and delete the labels that people have decided about, and no others.

        Args:
            field: the label field that was sent; labels may have been loaded into others too.
            decisions: sample id → what people decided, of the samples that they have reviewed.
            added: sample id → the ids of the labels of boxes that people drew.
        """
        for sample, ids in added.items():
            self.added[sample] = list(dict.fromkeys([*self.added.get(sample, ()), *ids]))
        fields = all_samples(self.samples).get_field_schema(embedded_doc_type=fo.Detections)
        for name in {field, *fields}:  # a load goes to any of them
            before = {sample: _listed(ids) for sample, ids in self.id_map.get(name, {}).items()}
            there = self._ids_in(name, decisions) if name in fields else {}
            self.id_map[name] = {
                sample: self._loaded(sample, decided, {*before.get(sample, ()), *there.get(sample, ())}, name == field)
                for sample, decided in decisions.items()
            }

    def _loaded(self, sample: str, decided: Decided, known: set[str], own: bool) -> list[str]:  # noqa: FBT001 # of take alone
        """The ids of a sample's labels in one field that a load may change or delete."""
        sent = [*decided.there, *decided.deleted]
        added = [each for each in self.added.get(sample, ()) if each in known]
        return [each for each in sent if own or each in known] + added

    def _ids_in(self, field: str, samples: Iterable[str]) -> dict[str, list[str]]:
        """Sample id → the ids of the labels that a field has now."""
        view = all_samples(self.samples).select(list(samples))
        found = zip(*view.values(["id", f"{field}.detections.id"]), strict=True)
        return {sample: ids or [] for sample, ids in found}

    @contextmanager
    def _diffgram(self) -> Iterator[Diffgram]:
        """The project; where something fails FiftyOne forgets these results, so that the next call has new settings."""
        try:
            yield self._checked(self.connect_to_api().diffgram)
        except BaseException:
            self.use_api(None)
            self.samples._root_dataset._annotation_cache.pop(self.key, None)  # noqa: SLF001 # FiftyOne has no other way
            raise

    def _checked(self, diffgram: Diffgram) -> Diffgram:
        """The project, if it is the one that the run was sent to."""
        here = {"host": diffgram.server.host, "project": diffgram.server.project}
        sent = {name: self.place[name] for name in here}
        if any(here[name] != sent[name] for name in here if name not in self.config.settings):
            raise UsageError(
                f"annotation run '{self.key}' was sent to project '{sent['project']}' on {sent['host']}, and the "
                f"settings here name '{here['project']}' on {here['host']}: pass host= and project= where that is right"
            )
        return diffgram


def place_of_run(result: PushResult, since: float) -> dict[str, Any]:
    """Where a push went, and since when, as it is stored."""
    run = result.run
    assert run is not None  # noqa: S101 # something was pushed
    names = ("host", "project", "directory_id", "model")
    return {name: getattr(run, name) for name in names} | {"run": run.name, "since": since}


def _listed(ids: str | list[str] | None) -> list[str]:
    """FiftyOne stores one id without a list."""
    return [ids] if isinstance(ids, str) else ids or []

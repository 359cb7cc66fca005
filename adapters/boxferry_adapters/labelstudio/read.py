"""Reads tasks into chunks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Code
from boxferry.errors import InputError
from boxferry.parsing.documents import items_of
from boxferry.parsing.gather import BadBox, BadImage, Box, Gathering, located
from boxferry.parsing.values import TRACK, is_field, label_of, score_of, shown, track_of
from boxferry_adapters.labelstudio.names import names_of
from boxferry_adapters.labelstudio.regions import LABEL_KEYS, Region, regions_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.boxes.tally import Place
    from boxferry.formats import Context, Source

DERIVED = "regions are no rectangles along the axes: their boxes are their bounds"
WHOLE_SCORES = "predictions have a score of their own and none for each box: it is left out"
KINDS = {"predictions": ("predictions",), "annotations": ("annotations", "completions")}


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Chunks of tasks; one that does not say which image it is about fails alone.

    Raises:
        InputError: it is no JSON, or a task has predictions and annotations and no option says which are meant.
    """
    gathering = Gathering(context, source=source.name)
    reader = _Reader(context, gathering)
    return gathering.read(items_of(source, context, ".json", ".jsonl"), reader.image)


class _Reader:
    def __init__(self, context: Context, gathering: Gathering) -> None:
        self._context = context
        self._gathering = gathering
        self._take = context.options["labelstudio-take"]
        self._model = context.options["labelstudio-model"]
        self._several = context.options["labelstudio-several"]

    def image(self, task: Any, place: Place) -> tuple[Image, list[Box]]:  # noqa: ANN401 # any JSON value
        if not isinstance(task, dict):
            raise BadImage(f"expected a task, found {shown(task)}", Code.BAD_TASK)
        data = task.get("data")
        regions = self._regions(task, place) if isinstance(data, dict) else _least(task)
        said = next((region.size for region in regions if all(region.size)), (0, 0))
        try:
            names = names_of(data if isinstance(data, dict) else task)
        except BadImage as error:
            error.boxes = len(regions)
            raise
        image = located(self._context, names, said=said, source=place.source, boxes=len(regions), shares=True)
        return image, [box for region in regions for box in self._boxes(region, image, place)]

    def _regions(self, task: dict[str, Any], place: Place) -> list[Region]:
        results = self._results(task, place)
        if len(results) > 1 and not self._several:
            boxes = sum(len(each) for each in results)
            raise BadImage(
                f"has {len(results)} {self._take or 'results'}: --labelstudio-several last takes the newest, all takes "
                "all, and --labelstudio-model those of one model",
                Code.SEVERAL_RESULTS,
                boxes,
            )
        return [region for result in (results[-1:] if self._several == "last" else results) for region in result]

    def _results(self, task: dict[str, Any], place: Place) -> list[list[Region]]:
        """The regions of each prediction, or of each annotation, as is meant; those without one are left out.

        Raises:
            InputError: there are both, and nothing says which is meant.
        """
        found = {
            kind: [each for key in keys for each in self._entries(task.get(key), place)] for kind, keys in KINDS.items()
        }
        if self._take:
            return found[self._take]
        if all(found.values()):
            raise InputError(
                f"{place}: a task with predictions and with annotations: --labelstudio-take predictions or "
                "--labelstudio-take annotations says which are meant"
            )
        return found["predictions"] or found["annotations"]

    def _entries(self, entries: Any, place: Place) -> Iterator[list[Region]]:  # noqa: ANN401 # any JSON value
        for entry in entries if isinstance(entries, list) else ():
            if not isinstance(entry, dict) or not isinstance(entry.get("result"), list):
                continue
            if self._model and "model_version" in entry and entry["model_version"] != self._model:
                continue
            regions = regions_of(entry["result"])
            if entry.get("was_cancelled"):
                if regions:
                    message = "an annotation that was cancelled"
                    self._context.tally.skip(Code.CANCELLED, message, place, boxes=len(regions))
                continue
            if entry.get("score") is not None and all(region.item.get("score") is None for region in regions):
                self._gathering.remark(Code.WHOLE_SCORES, WHOLE_SCORES)
            if regions:
                yield regions

    def _boxes(self, region: Region, image: Image, place: Place) -> Iterator[Box]:
        """A box for each label of a region."""
        try:
            corners, rings = shape_of(region, image.width, image.height)
            labels = [label_of(label) for label in region.labels or [""]]
            score = score_of(region.item.get("score", region.value.get("score")))
        except BadBox as error:
            self._context.tally.skip(error.code, str(error), place)
            return
        if rings:
            self._gathering.remark(Code.DERIVED, DERIVED)
        for label in labels:
            yield Box(
                code=self._gathering.vocabulary.add(label),
                corners=corners,
                score=score,
                row=-1 if place.item is None else place.item,
                track=track_of(_meta(region).get(TRACK)),
                rings=rings,
                fields=_fields(region),
            )


def _meta(region: Region) -> dict[str, Any]:
    meta = region.item.get("meta")
    return meta if isinstance(meta, dict) else {}


def _fields(region: Region) -> dict[str, Any]:
    """What the controls say of a region, and what its `meta` holds; `meta` is the name of the text in it, too."""
    meta = {name: value for name, value in _meta(region).items() if is_field(value)}
    if isinstance(texts := meta.get("text"), list) and texts:
        meta["text"] = texts[0] if len(texts) == 1 else texts
        meta.setdefault("meta", " ".join(texts))
    return {**meta, **region.fields}


def _least(item: dict[str, Any]) -> list[Region]:
    """The regions of an item of JSON-MIN: the shapes stand in lists, under their controls' names."""
    found = []
    for values in item.values():
        for value in values if isinstance(values, list) else ():
            kind = next((key for key in LABEL_KEYS if key in value), "") if isinstance(value, dict) else ""
            if kind:
                labels = [str(label) for label in value[kind]] if isinstance(value[kind], list) else []
                found.append(Region(kind, value, value, labels))
    return found

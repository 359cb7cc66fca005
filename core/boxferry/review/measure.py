"""`evaluate`: result files and predictions in memory against a ground truth, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from boxferry.boxes.detections import Detections
from boxferry.boxes.tally import Tally
from boxferry.boxes.truth import Truth
from boxferry.errors import InputError
from boxferry.formats import Catalog
from boxferry.plugins import plugin_manager
from boxferry.reading.images import ImageIndex
from boxferry.reading.predictions import Predictions
from boxferry.reading.read import choose_format, read, read_catalog
from boxferry.reading.source import source_of
from boxferry.review.evaluate import coco_metrics
from boxferry.review.predicted import BBOX
from boxferry.review.truth import truth_of

if TYPE_CHECKING:
    from boxferry.plugins import Plugins
    from boxferry.review.metrics import Metrics


def evaluate(predicted: object, truth: object) -> Metrics:
    """COCO's metrics of predictions against a ground truth, those of pycocotools to the last digit.

    Args:
        predicted: what `read` takes or gives, or chunks of `Detections`. Results without images and names of their own
            take those of the truth.
        truth: likewise, or a `Truth`. Of a COCO dataset crowd regions and areas count as they are written.

    Raises:
        InputError: one of them cannot be read, or they have no image in common.
    """
    right = ground_truth(truth, Tally())
    return coco_metrics(right, _chunks(predicted, truth))


def _chunks(predicted: object, truth: object) -> Iterable[Detections]:
    if isinstance(predicted, Predictions):
        return predicted.chunks(Tally())
    if _are_chunks(predicted):
        return predicted  # type: ignore[return-value] # as was seen
    against = truth if isinstance(truth, str | Mapping) or hasattr(truth, "__fspath__") else None
    return results(predicted, against=against).chunks(Tally())


def _are_chunks(value: object) -> bool:
    """Whether it is `Detections`, several of them, or an iterator, which can only be one of them."""
    if isinstance(value, list | tuple):
        return not value or isinstance(value[0], Detections)
    return isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping) and iter(value) is value


def ground_truth(
    source: object,
    tally: Tally,
    *,
    names: str | None = None,
    images: str | None = None,
    plugins: Plugins | None = None,
) -> Truth:
    """What `evaluate` takes as a truth.

    Args:
        source: what `evaluate` takes.
        tally: counts what is read.
        names: as in `read`, for a source that does not say what its classes are called.
        images: as in `read`.
        plugins: likewise.

    Raises:
        InputError: it cannot be read.
    """
    if isinstance(source, Truth):
        return source
    if _are_chunks(source):
        return truth_of(source)  # type: ignore[arg-type] # as was seen
    if isinstance(source, Predictions):
        predictions = source
    else:
        own = _catalog(source, plugins or plugin_manager())
        predictions = read(source, names=None if own and own.names else names, images=images, plugins=plugins)
    found = predictions.truth(tally)
    return truth_of(predictions.chunks(tally)) if found is None else found


def results(source: object, *, against: Any = None, plugins: Plugins | None = None, **given: Any) -> Predictions:  # noqa: ANN401 # as `read` has them
    """Predictions to be measured: their numbers digit for digit, classes that the truth does not have left out.

    Args:
        source: what `read` takes.
        against: the truth, a file or in memory: results that have image and class ids alone take images and names
            from it.
        plugins: the plugins to use; those that are installed where left out.
        given: further arguments of `read`.

    Raises:
        InputError: it cannot be read.
    """
    plugins = plugins or plugin_manager()
    catalog = None if against is None or given.get("categories") else _catalog(against, plugins)
    if catalog is not None and _needs_names(source, given, plugins):
        given["categories"] = against
    found = read(source, **{"unknown": "skip", **given}, attributes=(BBOX,), plugins=plugins)
    if catalog is None or found.format.catalog is not None:
        return found
    sizes = Catalog(names={}, images=catalog.images)  # class ids of another format are not those of the truth
    return found.sized_by(ImageIndex.build(folder=given.get("images"), catalog=sizes))


def _needs_names(source: object, given: Mapping[str, Any], plugins: Plugins) -> bool:
    """Whether results hold ids alone, of which the file of the truth knows the names."""
    if source == "-":
        return True  # one file, which can be looked at once only
    fmt, _ = choose_format(source_of(source), given.get("format", "auto"), plugins.formats())
    return fmt.catalog is not None and _catalog(source, plugins) is None


def _catalog(source: Any, plugins: Plugins) -> Catalog | None:  # noqa: ANN401 # what `source_of` takes
    """Names and images of a dataset; None where the source is no file of one."""
    try:
        found = read_catalog(source_of(source), plugins.formats())
    except InputError:
        return None
    return found if found.images else None


def in_whole_pixels(truth: Truth, predictions: Predictions) -> Metrics:
    """The metrics of predictions as Diffgram keeps them: whole pixels inside their image, no box twice.

    Raises:
        InputError: the size of an image is not known.
    """
    return coco_metrics(truth, predictions.fitted(Tally()))

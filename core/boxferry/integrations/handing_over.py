"""Results on their way to a collector: what goes wrong before it has them is counted, and does not reach the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import Loss
from boxferry.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from boxferry.collector.collector import Collector


def hand_over(collect: Collector, given: Callable[[], Sequence[tuple[Any, str | None]]]) -> None:
    """Hand over what is given: results, each with the name of its image, None where the result tells it.

    Raises:
        UsageError: the collector's context was not entered, or was left.
    """
    try:
        pairs = given()
    except Exception as error:  # noqa: BLE001 # what the caller has is right all the same
        collect.report.lose(Loss.UNUSABLE, 1)
        collect.report.note(str(error) or repr(error))
        return
    for result, image in pairs:
        collect(result, image)


def paired(results: Any, images: Sequence[Any]) -> list[tuple[Any, Any]]:  # noqa: ANN401 # as a framework gives them
    """Each result with its image.

    Raises:
        InputError: there are more images than results, or fewer; or this is no sequence of results.
    """
    if not isinstance(results, dict) and hasattr(results, "__len__") and len(results) == len(images):
        return list(zip(results, images, strict=True))
    what = f"{len(results)} results" if hasattr(results, "__len__") else type(results).__name__
    raise InputError(f"{what} for {len(images)} images; expected a list with one result for each image")

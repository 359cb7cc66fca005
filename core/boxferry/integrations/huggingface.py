"""Hugging Face: what an object detection pipeline gives goes to a collector too; nothing of theirs is imported.

A `TrainerCallback` is of no use for this: it is handed the metrics of an evaluation, and no predictions.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.collector import Collector


def image_name(image: Any) -> str | None:  # noqa: ANN401 # what a pipeline takes
    """The path or URL of what a pipeline was given; None where it says none.

    A text, a path, a picture of Pillow that was opened from a file, or a dict that has one of these as 'image'.
    """
    if isinstance(image, str | os.PathLike):
        return os.fspath(image)
    if isinstance(image, dict):
        return image_name(image.get("image"))
    return getattr(image, "filename", None) or None


class Collecting:
    """A pipeline that is called as before, and gives what it gave; its results go to a collector too."""

    def __init__(
        self,
        pipeline: Callable[..., Any],
        collect: Collector,
        *,
        name: Callable[[Any], str | None] = image_name,
    ) -> None:
        """Wrap a pipeline.

        Args:
            pipeline: of the task `object-detection` or `zero-shot-object-detection`.
            collect: takes the results; its context is entered.
            name: the name or path of an image, out of what the pipeline is given for it.
        """
        self._pipeline, self._collect, self._name = pipeline, collect, name

    def __call__(self, images: Any, *args: Any, **options: Any) -> Any:  # noqa: ANN401 # as the pipeline's own
        """Call the pipeline with one image, a list of them, or a generator, whose results come one by one."""
        if isinstance(images, str | dict | os.PathLike) or not isinstance(images, Iterable):
            found = self._pipeline(images, *args, **options)
            self._collect(found, self._name(images))
            return found
        if not isinstance(images, list | tuple):
            return self._each(images, args, options)
        found = self._pipeline(images, *args, **options)
        for image, result in zip(images, found, strict=False):
            self._collect(result, self._name(image))
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # the pipeline's own
        return getattr(self._pipeline, name)

    def _each(self, images: Iterable[Any], args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Any]:
        """The results of a generator; it is taken from before its results come, so that names wait for them."""
        names: deque[str | None] = deque()

        def noted() -> Iterator[Any]:
            for image in images:
                names.append(self._name(image))
                yield image

        for result in self._pipeline(noted(), *args, **options):
            self._collect(result, names.popleft())
            yield result

"""Hugging Face: what an object detection pipeline gives goes to a collector too; nothing of theirs is imported.

A `TrainerCallback` is of no use for this: it is handed the metrics of an evaluation, and no predictions.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from boxferry.integrations.handing_over import hand_over, paired

if TYPE_CHECKING:
    from collections.abc import Callable

    from boxferry.collector.collector import Collector

GIVEN_AS = ("inputs", "images", "image")  #: how the pipelines call what they are given


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

    def __call__(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401 # as the pipeline's own
        """Call the pipeline with one image, a list of them, or a generator or data set, whose results come one by one.

        Images come first, or under one of the pipelines' own names: `inputs`, `images`, `image`.
        """
        name = next((name for name in GIVEN_AS if name in options and not args), None)
        images = options.pop(name) if name else args[0] if args else ()
        args = args if name else args[1:]
        if not _several(images):
            found = self._pipeline(images, *args, **options)
            hand_over(self._collect, lambda: [(found, self._name(images))])
            return found
        if not isinstance(images, list | tuple):
            return self._each(images, args, options)
        found = self._pipeline(images, *args, **options)
        hand_over(self._collect, lambda: paired(found, [self._name(image) for image in images]))
        return found

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 # the pipeline's own
        return getattr(self._pipeline, name)

    def _each(self, images: Any, args: tuple[Any, ...], options: dict[str, Any]) -> Iterator[Any]:  # noqa: ANN401
        """The results of a generator; it is taken from before its results come, so that names wait for them."""
        taken: deque[Any] = deque()

        def noted() -> Iterator[Any]:
            for image in images if isinstance(images, Iterable) else (images[i] for i in range(len(images))):
                taken.append(image)
                yield image

        if options.get("num_workers") or getattr(self._pipeline, "_num_workers", None):
            options = options | {"num_workers": 0}  # another process would take the images, and their names
        for result in self._pipeline(noted(), *args, **options):
            image = taken.popleft()
            hand_over(self._collect, lambda: [(result, self._name(image))])  # noqa: B023 # called at once
            yield result


def _several(images: Any) -> bool:  # noqa: ANN401 # what a pipeline takes
    """Whether these are several images: a data set of PyTorch can be indexed, and not be iterable otherwise."""
    if isinstance(images, str | dict | os.PathLike):
        return False
    return isinstance(images, Iterable) or (hasattr(images, "__getitem__") and hasattr(images, "__len__"))

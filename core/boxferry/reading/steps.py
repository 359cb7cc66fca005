"""Steps of the user's own: functions of a chunk, whose changes are counted although they keep no tally."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from boxferry.boxes.codes import STEP, Code
from boxferry.boxes.detections import Detections
from boxferry.boxes.sampling import keep_images
from boxferry.boxes.tally import Tally
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image

Step = Callable[[Detections, Tally], Detections]
OwnStep = Step | Callable[[Detections], Detections]  #: what `Predictions.then` takes
Keep = Callable[["Image", Detections], bool]  #: what `Predictions.filter_images` takes


def own_step(step: OwnStep) -> Balanced:
    """A step of the user's as a step that the tally balances for.

    Raises:
        UsageError: it is no function of one or two arguments.
    """
    if not callable(step):
        raise UsageError(f"then: {step!r} is {type(step).__name__}, expected a function of a chunk (Detections)")
    return Balanced(step, _name(step), with_tally=_takes_two(step))


@dataclass(frozen=True, slots=True)
class Balanced:
    """A step of the user's: what it leaves out or adds, and does not count itself, is counted under its name.

    Attributes:
        step: the function, of a chunk or of a chunk and the tally.
        name: what it is called, for the tally's code 'step-NAME'.
        with_tally: whether it takes the tally.
    """

    step: Callable[..., Any]
    name: str
    with_tally: bool

    def __call__(self, chunk: Detections, tally: Tally) -> Detections:
        """The chunk that the step gives.

        Raises:
            UsageError: it gives something else.
        """
        kept = tally.kept
        result = self.step(chunk, tally) if self.with_tally else self.step(chunk)
        if not isinstance(result, Detections):
            raise UsageError(f"then: {self.name} returned {type(result).__name__}, expected Detections")
        tally.balance(STEP + self.name, f"the step '{self.name}'", added=len(result) - len(chunk) - (tally.kept - kept))
        if gone := len(chunk.images) - len(result.images):
            tally.noted[Code.IMAGES_LEFT_OUT] += max(gone, 0)
        return result


@dataclass(frozen=True, slots=True)
class KeepImages:
    """Keeps the images that a function of the user's is true for.

    Attributes:
        keep: is given an image and its boxes.
    """

    keep: Keep

    def __call__(self, chunk: Detections, tally: Tally) -> Detections:
        """Those images of a chunk; the boxes of the others are dropped as 'not-chosen'."""
        kept = [self._answer(image, boxes) for image, boxes in chunk]
        message = f"its image was left out by '{_name(self.keep)}'"
        return keep_images(chunk, kept.__getitem__, Code.NOT_CHOSEN, message, tally)

    def _answer(self, image: Image, boxes: Detections) -> bool:
        answer = self.keep(image, boxes)
        try:
            return bool(answer)
        except ValueError as error:
            found = type(answer).__name__
            message = f"filter_images: '{_name(self.keep)}' returned {found}, expected True or False"
            raise UsageError(message) from error


def keep_images_step(keep: Keep) -> KeepImages:
    """The step that keeps the images which `keep` is true for.

    Raises:
        UsageError: it is no function.
    """
    if not callable(keep):
        raise UsageError(f"filter_images: {keep!r} is {type(keep).__name__}, expected a function of image and boxes")
    return KeepImages(keep)


def _name(step: Callable[..., Any]) -> str:
    while isinstance(step, functools.partial):
        step = step.func
    return str(getattr(step, "__name__", type(step).__name__)).strip("<>")


def _takes_two(step: Callable[..., Any]) -> bool:
    """Whether a function takes the tally too; one that does not tell what it takes, does not.

    Raises:
        UsageError: it takes more, or nothing.
    """
    try:
        signature = inspect.signature(step)
    except (TypeError, ValueError):
        return False
    for given in ((1, 2), (1,)):
        try:
            signature.bind(*given)
        except TypeError:
            continue
        return len(given) == 2 and _two_needed(signature)
    raise UsageError(f"then: '{_name(step)}' takes {signature}, expected a chunk (Detections), or chunk and tally")


def _two_needed(signature: inspect.Signature) -> bool:
    """Whether the second argument is meant for the tally: one that has a default of its own is not."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    named = [each for each in signature.parameters.values() if each.kind in kinds]
    return len(named) < 2 or named[1].default is inspect.Parameter.empty

"""An option's number, within bounds or any, and never NaN, which no comparison would keep out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import click
from click.types import FloatParamType

if TYPE_CHECKING:
    from click import Context, Parameter


class Number(FloatParamType):
    """Any number; `nan` is an error."""

    def convert(self, value: Any, param: Parameter | None, ctx: Context | None) -> Any:
        """The number that a text says."""
        found = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is not a number.", param, ctx)
        return found


class NumberRange(Number, click.FloatRange):  # pyright: ignore[reportGeneralTypeIssues] # what click has of both
    """A number within bounds; `nan` is an error."""

"""The options that say which of several parts of a source is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import options
from boxferry.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from boxferry.reading.predictions import Predictions

shard_options = options(
    click.option(
        "--shards", type=click.IntRange(1), metavar="N", help="Read one of N parts of SOURCE; each image is in one."
    ),
    click.option("--shard", type=click.IntRange(0), metavar="I", help="Which part: 0 to N - 1."),
)


def sharded(predictions: Predictions, given: Mapping[str, Any]) -> Predictions:
    """The part of the predictions that the options say.

    Raises:
        UsageError: one of them is missing, or there is no such part.
    """
    count, index = given["shards"], given["shard"]
    if count is None and index is None:
        return predictions
    if count is None or index is None:
        raise UsageError("--shards and --shard belong together: --shards 8 --shard 0 is the first of eight parts")
    if index >= count:
        raise UsageError(f"--shard: {index}, expected 0 to {count - 1} with --shards {count}")
    return predictions.shard(index, count)

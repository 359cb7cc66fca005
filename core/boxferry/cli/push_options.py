"""The options that say how a push is carried out."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

import click

from boxferry.cli.command import choice, options
from boxferry.cli.number import Number, NumberRange
from boxferry.cli.server import connections_option, timeout_option
from boxferry.plan.attributes import AttributePolicy, AttributeWish
from boxferry.plan.labels import Policy
from boxferry.plan.patience import Patience
from boxferry.plan.push_options import PushOptions
from boxferry.plan.server_size import VIDEO_RATE
from boxferry.plan.target import OnExisting
from boxferry.reading.file_ids import load_file_ids
from boxferry.stored.decided import SAME_IOU

if TYPE_CHECKING:
    from collections.abc import Mapping

KINDS = ("predictions", "annotations")

same_iou_option = click.option(
    "--same-iou",
    type=NumberRange(0, 1, min_open=True),
    default=SAME_IOU,
    show_default=True,
    metavar="IOU",
    help="Minimum IoU at which a prediction counts as an object that people have decided on.",
)

#: whether people are asked again what they have decided
asking_options = options(
    click.option(
        "--ask-again",
        is_flag=True,
        help="Include predictions that people have corrected, deleted or approved before, of any run.",
    ),
    same_iou_option,
)
#: which files the boxes go to
file_options = options(
    click.option(
        "--media-url", metavar="URL", help="The server fetches each image from a URL: 'https://host/{file_name}'."
    ),
    click.option("--blob-path", metavar="PATH", help="The server fetches each image from a bucket: 'in/{file_name}'."),
    click.option(
        "--connection", type=int, metavar="ID", help="With --blob-path: the id of the storage connection on the server."
    ),
    click.option("--bucket", metavar="NAME", help="With --blob-path: the bucket's name."),
    click.option(
        "--existing", is_flag=True, help="Add boxes to files in the directory, matched by name or --file-ids."
    ),
    click.option("--file-ids", metavar="FILE", help="With --existing: a CSV or JSON file of image names and file ids."),
    choice(
        "--on-existing",
        words=get_args(OnExisting),
        text="What to do with files that exist; with --existing, 'error' applies to files with another run's boxes.",
    ),
    click.option(
        "--replaces",
        multiple=True,
        metavar="MODEL",
        help="Remove an older model's unchanged boxes from the files that get new ones; repeatable.",
    ),
    click.option(
        "--delete-people", is_flag=True, help="Allow replace-all to delete boxes that people drew or changed."
    ),
    click.option(
        "--file-name", metavar="NAME", help="Template for the names of new files: 'cam3/{name}'. [default: {file_name}]"
    ),
    click.option("--job", type=int, metavar="ID", help="Attach new files to this job; not for uploads."),
    click.option(
        "--video-split",
        type=int,
        metavar="S",
        help="Split new videos after this many seconds. [default: the server's, 30]",
    ),
    click.option(
        "--video-rate",
        type=Number(),
        default=VIDEO_RATE,
        show_default=True,
        metavar="FPS",
        help="The project's frame rate; the server resamples faster videos.",
    ),
    click.option("--skip-empty", is_flag=True, help="Create no file for images without predictions."),
    click.option("--create-empty", is_flag=True, help="Create files for images that SOURCE does not mention."),
    click.option("--create-directory", is_flag=True, help="Create --directory on the server where it does not exist."),
    click.option(
        "--replace-completed", is_flag=True, help="Allow replace-… to change files that people have completed."
    ),
    click.option(
        "--allow-removals", type=int, metavar="N", help="Allow up to N boxes to be removed without a replacement."
    ),
    click.option("--resend-missing", is_flag=True, help="Resend applied boxes that are missing on the server."),
    asking_options,
)
#: what is on each box
box_options = options(
    choice("--as", "kind", words=KINDS, text="What the boxes are; annotations are sent without score and model."),
    click.option("--human-made", is_flag=True, help="With --as annotations: mark the boxes as drawn by people."),
    click.option("--schema", metavar="NAME|ID", help="The labels schema. [default: the project's default one]"),
    choice("--labels", words=get_args(Policy), text="What to do with labels that are missing on the server."),
    click.option(
        "--attribute",
        "attribute_fields",
        multiple=True,
        metavar="FIELD[=NAME]",
        help="Send a field of the source as an attribute; repeatable.",
    ),
    click.option(
        "--attribute-value",
        "attribute_constants",
        multiple=True,
        metavar="NAME=VALUE",
        help="Set an attribute on all boxes; repeatable.",
    ),
    choice(
        "--attributes",
        "attribute_policy",
        words=get_args(AttributePolicy),
        text="What to do with attributes that are missing on the server.",
    ),
)
#: how it is sent, and how long is waited
sending_options = options(
    connections_option("Number of packets sent in parallel."),
    timeout_option("Seconds to wait until all is applied."),
    click.option(
        "--verify/--no-verify",
        default=True,
        help="Read the stored boxes back and compare them. [default: verify]",
    ),
    click.option(
        "--no-wait",
        is_flag=True,
        help="Return once the server has accepted all packets. Where others follow the first of a new run, they go "
        "out when it is applied, which is waited for a minute at most.",
    ),
)


def patience_of(given: Mapping[str, Any]) -> Patience:
    """How long is waited, as the options say."""
    return Patience(wait_s=0.0 if given["no_wait"] else given["timeout"])


def options_of(given: Mapping[str, Any]) -> PushOptions:
    """How the push is carried out, as the options say."""
    same = {each.name: given[each.name] for each in fields(PushOptions) if each.name in given}
    attributes = (given[f"attribute_{each}"] for each in ("fields", "constants", "policy"))
    same["file_ids"] = load_file_ids(given["file_ids"]) if given["file_ids"] else None
    return PushOptions(
        **same,
        video_split_s=given["video_split"],
        annotations=given["kind"] == "annotations",
        attributes=AttributeWish.parse(*attributes),
        patience=patience_of(given),
    )

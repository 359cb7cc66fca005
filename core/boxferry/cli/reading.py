"""The options that every reading command shares, and those that the formats add."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import click

from boxferry.cli.command import ARGUMENTS, Command, choice, options, write_group
from boxferry.cli.format_name import FormatName
from boxferry.cli.mistakes import Choice
from boxferry.cli.number import Number
from boxferry.cli.session import Session
from boxferry.reading.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from boxferry.formats import Format, Option
    from boxferry.reading.predictions import Predictions

FORMAT_OPTION = "format_option_"
MEANT_BY = ("--format", "--to")  #: the options that name a format
ALL_FORMATS = "--help-formats"


class ReadingCommand(Command):
    """A command that also has the options that the installed formats declare; plugins are loaded for them only now."""

    def options_of(self, fmt: Format) -> Iterable[Option]:
        """The options of a format that the command has."""
        return fmt.options

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The command's own parameters, then those of the formats."""
        params = super().get_params(ctx)
        declared: dict[str, list[Option]] = {}
        for fmt in _formats(ctx).values():
            for option in self._own_options(fmt):
                declared.setdefault(option.name, []).append(option)
        extra = [_click_option(alike) for alike in declared.values()]
        return [*params[:-1], *extra, _help_formats(), params[-1]]  # --help stays last

    def _own_options(self, fmt: Format) -> list[Option]:
        """The options of a format that no option of the command has the name of."""
        taken = {name for param in self.params for name in param.opts}
        return [option for option in self.options_of(fmt) if f"--{option.name}" not in taken]

    def shown_params(self, ctx: click.Context) -> Sequence[click.Parameter]:
        """Those of the command alone."""
        return [param for param in self.get_params(ctx) if not (param.name or "").startswith(FORMAT_OPTION)]

    def format_more(self, ctx: click.Context, formatter: click.HelpFormatter, width: int) -> None:
        """Write the options of the formats that the arguments name, or how to see them."""
        formats = {name: fmt for name, fmt in _formats(ctx).items() if self._own_options(fmt)}
        wanted = formats if ALL_FORMATS in ctx.meta.get(ARGUMENTS, ()) else _meant(ctx)
        for name in filter(formats.__contains__, wanted):
            with_options = [_click_option([option]) for option in self._own_options(formats[name])]
            records = [record for each in with_options if (record := each.get_help_record(ctx))]
            write_group(formatter, f"Options of {name}", records, width)
        if not wanted:
            flag = "--format" if "--format" in {name for param in self.params for name in param.opts} else "--to"
            formatter.write_paragraph()
            formatter.write_text(
                f"Formats have options of their own: {ctx.command_path} {flag} coco --help shows those of one format, "
                f"{ALL_FORMATS} those of all."
            )


def _formats(ctx: click.Context) -> dict[str, Format]:
    return (ctx.find_object(Session) or Session()).plugins.formats()


def _meant(ctx: click.Context) -> list[str]:
    """The formats that the arguments name with --format or --to, as far as they can be told before they are read."""
    short = {"-f": "--format"}
    words = [str(word) for given in ctx.meta.get(ARGUMENTS, ()) for word in str(given).split("=", 1)]
    return [value for flag, value in pairwise(words) if short.get(flag, flag) in MEANT_BY]


def _help_formats() -> click.Option:
    return click.Option(
        [ALL_FORMATS],
        is_flag=True,
        is_eager=True,
        expose_value=False,
        callback=_show_help,
        help="Show this with the options of every format.",
    )


def _show_help(ctx: click.Context, _param: click.Parameter, value: bool) -> None:
    if value:
        click.echo(ctx.get_help(), color=ctx.color)
        ctx.exit()


class WritingCommand(ReadingCommand):
    """A command that has those of the formats' options that say how they are written."""

    def options_of(self, fmt: Format) -> Iterable[Option]:
        """Those of a format that is written."""
        return [option for option in fmt.options if option.writes and fmt.write]


def _click_option(alike: list[Option]) -> click.Option:
    """One option, which several formats may declare: each takes what is given in its own way."""
    first = alike[0]
    texts = [each.help + (f" [default: {each.default}]" if each.default else "") for each in alike]
    return click.Option(
        [f"--{first.name}", FORMAT_OPTION + first.name.replace("-", "_")],
        type=Choice(first.choices) if len(alike) == 1 and first.choices else str,
        help=" ".join(texts),
    )


def source_argument(*, required: bool = True) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The argument that names what is read: one source, or several, which are read in one run."""
    return click.argument("source", metavar="SOURCE...", nargs=-1, required=required, callback=_one_or_several)


def _one_or_several(_context: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> str | list[str] | None:
    if not value:
        return None
    return value[0] if len(value) == 1 else list(value)


#: those that every reading command has
reading_options = options(
    click.option(
        "-f",
        "--format",
        "format_name",
        type=FormatName("auto"),
        default="auto",
        show_default=True,
        metavar="NAME",
        help="The source's format; boxferry formats lists them.",
    ),
    click.option("--images", metavar="DIR|URL", help="The folder of the images."),
    click.option("--names", metavar="FILE|URL|LIST", help="Class names: data.yaml, classes.txt, or 'cat,dog'."),
    click.option("--categories", metavar="FILE|URL", help="A COCO dataset with class names, image ids and sizes."),
    click.option("--size", metavar="WxH", help="Size in pixels of images whose size is unknown."),
    click.option("--min-score", type=Number(), metavar="S", help="Drop boxes with a score below S."),
    click.option(
        "--score-scale", type=Number(), default=1.0, metavar="S", help="Divide scores by S; 100 for percentages."
    ),
    click.option("--map", "label_map", multiple=True, metavar="A|B=C", help="Rename labels A and B to C; repeatable."),
    click.option("--nms", type=Number(), metavar="IOU", help="Non-maximum suppression within each label, at this IoU."),
    click.option("--max-boxes", type=int, metavar="N", help="Keep the N boxes with the highest scores in each image."),
    choice("--tiny", words=["drop", "expand"], text="What to do with boxes smaller than one pixel."),
    choice("--unknown", words=["error", "skip"], text="What to do with classes without a name."),
    click.option("--polygons", is_flag=True, help="Send polygons where the source has them, not their bounding boxes."),
    click.option(
        "--jobs",
        type=int,
        default=1,
        show_default=True,
        metavar="N",
        help="Number of processes.",
    ),
    click.option("--strict", is_flag=True, help="Treat boxes that cannot be used as errors."),
)


def format_options(given: Mapping[str, Any]) -> dict[str, str]:
    """The format options among a command's arguments, those that were given."""
    return {
        name.removeprefix(FORMAT_OPTION).replace("_", "-"): value
        for name, value in given.items()
        if name.startswith(FORMAT_OPTION) and value is not None
    }


def predictions_of(
    session: Session, /, given: Mapping[str, Any], options: Mapping[str, str], *, attributes: tuple[str, ...] = ()
) -> Predictions:
    """`read`, and the steps, as the shared options say; `attributes` are the source's fields that are wanted too."""
    names = ("names", "images", "categories", "size", "unknown", "polygons", "score_scale", "jobs")
    predictions = read(
        given["source"],
        format=given["format_name"],
        options=options,
        attributes=attributes,
        plugins=session.plugins,
        **{name: given[name] for name in names},
    )
    if given["label_map"]:
        predictions = predictions.relabel(given["label_map"])
    if given["min_score"] is not None:
        predictions = predictions.filter(min_score=given["min_score"])
    if given["nms"] is not None:
        predictions = predictions.nms(given["nms"])
    if given["max_boxes"] is not None:
        predictions = predictions.top(given["max_boxes"])
    return predictions.expand_tiny() if given["tiny"] == "expand" else predictions

"""`boxferry preview`: what reviewers will see, before anything is sent."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from boxferry.boxes.tally import Tally
from boxferry.cli.output import say, say_tally
from boxferry.cli.progress import reading
from boxferry.cli.push_options import same_iou_option
from boxferry.cli.reading import ReadingCommand, format_options, predictions_of, reading_options, source_argument
from boxferry.cli.serve import serve_options, serve_page
from boxferry.cli.server import diffgram_of, server_options
from boxferry.formats import output_stream
from boxferry.plan.make_planner import images_in
from boxferry.review.preview import preview_of

if TYPE_CHECKING:
    from boxferry.cli.session import Session


@click.command("preview", cls=ReadingCommand)
@source_argument()
@reading_options
@click.option("-o", "--output", default="preview.html", show_default=True, help="The page; - is standard output.")
@click.option("--png", metavar="FILE", help="Write a contact sheet of the same images; needs Pillow.")
@server_options
@click.option(
    "--directory",
    metavar="NAME|ID",
    help="Compare with what people decided on the files of this directory on the server; what a push leaves out is "
    "drawn dashed.",
)
@same_iou_option
@click.option(
    "--drawn",
    type=click.IntRange(0),
    default=60,
    show_default=True,
    help="How many images are in the page, those with the most boxes.",
)
@serve_options
@click.pass_obj
def preview_command(
    session: Session, /, output: str, png: str | None, drawn: int, *, serve: bool, port: int, **given: Any
) -> int:
    """Write a page of what reviewers will see of SOURCE: images with boxes, labels, scores; what is dropped, and why.

    One self-contained HTML file; needs no server but for --directory. Pixels are in it where --images knows them. With
    --serve all images can be browsed, however many there are, and no file is written.
    """
    tally = Tally(strict=given["strict"])
    made = predictions_of(session, given, format_options(given))
    with ExitStack() as stack:
        decided = None
        if given["directory"]:
            diffgram = stack.enter_context(diffgram_of(given))
            asked = diffgram.asked(given["directory"], same_iou=given["same_iou"], expected=images_in(made.source))
            decided = asked.codes
        predictions, _ = stack.enter_context(reading(made))
        preview = preview_of(predictions, tally, images=None if serve else drawn, decided=decided)
    written = {} if serve else {output: preview.page.encode("utf-8", "replace")}
    if png:
        from boxferry.review.sheet import contact_sheet

        written[png] = contact_sheet(preview.most(drawn))
    for path, content in written.items():
        with output_stream(Path(path)) as stream:
            stream.write(content)
    say_tally(tally)
    if written:
        say(f"written: {', '.join(written)}")
    if not tally.kept:
        say("no box is left to send, and the page shows none; see the lines above, or run boxferry validate")
    if serve:
        serve_page(preview.pictured, port)
    return tally.exit_code

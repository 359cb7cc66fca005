"""Predictions as packets with label names, made without a server: for Diffgram's SDK, or to be pushed later."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import UNSET

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place, Tally
from boxferry.destination import name_problem
from boxferry.formats import output_stream
from boxferry.packets.bodies import Media, Packet, encode
from boxferry.packets.build import BoxMaker
from boxferry.plan.routes import NewFiles, Template, UrlRoute
from boxferry.plan.target import SkipReason

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence

    from boxferry.boxes.detections import Detections, Image
    from boxferry.reading.predictions import Predictions

    Find = Callable[[Image], tuple[str, str] | SkipReason]  # where its media is, and its name on the server


def write_packets(
    predictions: Predictions,
    path: str | os.PathLike[str],
    *,
    model: str,
    run: str,
    media_url: str | None = None,
    directory_id: int | None = None,
    tally: Tally | None = None,
) -> Tally:
    """Write packets with label names, one JSON object a line, without a server: `push` and Diffgram's SDK read them.

    Args:
        predictions: what `read` gave.
        path: the file; '-' is standard output.
        model: the model's name, on every box.
        run: the run's name, on every box.
        media_url: the URL of each image, such as 'https://host/{file_name}'; without it `media.url` is its own path.
        directory_id: the directory for the new files, which a server takes no packet without.
        tally: counts what is read, dropped and written; a new one where left out.

    Returns:
        The tally.

    Raises:
        UsageError: the template is wrong, or the path cannot be written.
        InputError: the source cannot be read, or an image's size is unknown.
    """
    tally = tally or Tally()
    found = sdk_packets(predictions, tally, model=model, run=run, media_url=media_url, directory_id=directory_id)
    with output_stream(Path(path)) as stream:
        for packets in found:
            stream.write(b"\n".join([*packets, b""]))
    return tally


def sdk_packets(
    predictions: Predictions,
    tally: Tally,
    *,
    model: str,
    run: str,
    media_url: str | None = None,
    directory_id: int | None = None,
) -> Iterator[list[bytes]]:
    """The packets of each chunk, one JSON object an image; see `write_packets`, which writes them."""
    find = _local if media_url is None else _by_url(_route(media_url))
    for chunk in predictions.fitted(tally):
        places = _places(chunk, find, tally)
        yield named_packets(chunk, model=model, run=run, places=places, directory_id=directory_id)


def _route(media_url: str) -> UrlRoute:
    naming = Template("{file_name}", "--file-name")
    return UrlRoute(
        new=NewFiles(directory_id=0, naming=naming), template=Template(media_url, "--media-url", encoded=True)
    )


def _by_url(route: UrlRoute) -> Find:
    def found(image: Image) -> tuple[str, str] | SkipReason:
        target = route.target(image)
        return target if isinstance(target, SkipReason) else (target.media, target.file_name)

    return found


def _local(image: Image) -> tuple[str, str] | SkipReason:
    if problem := name_problem(image.key):
        return SkipReason(Code.UNSUPPORTED_NAME, problem)
    return image.media or image.key, image.key


def _places(chunk: Detections, find: Find, tally: Tally) -> list[tuple[str, str] | None]:
    places: list[tuple[str, str] | None] = []
    for image, count in zip(chunk.images, chunk.counts.tolist(), strict=True):
        found = find(image)
        if isinstance(found, SkipReason):
            tally.fail(found.code, found.message, Place(image.key), boxes=count)
        places.append(None if isinstance(found, SkipReason) else found)
    return places


def local_places(chunk: Detections) -> list[tuple[str, str] | None]:
    """(M,) each image's own path, where it is known, else its name; and its name."""
    return [(image.media or image.key, image.key) for image in chunk.images]


def named_packets(
    chunk: Detections,
    *,
    model: str,
    run: str,
    places: Sequence[tuple[str, str] | None] | None = None,
    directory_id: int | None = None,
) -> list[bytes]:
    """One packet an image, as JSON without a line break.

    The boxes bear the label's `name` in place of a `label_file_id`, and in a video their `frame_number`; an image
    without boxes has no `instance_list`, since an empty one is refused.

    Args:
        chunk: fitted detections of M images.
        model: each box's `model_ref`.
        run: each box's `model_run_ref`.
        places: (M,) where each image's media is fetched (`media.url`), and the name under which it appears; None leaves
            an image out. Without it `local_places`, which a server cannot reach.
        directory_id: the directory that the files are made in; a server takes no packet without one.
    """
    maker, packets = BoxMaker(model=model, run=run), []
    held = local_places(chunk) if places is None else places
    for index, contents in maker.contents(chunk, [place and place[1] for place in held]):
        url, name = held[index] or ("", "")
        packet = Packet(
            media=Media(url=url, type="video" if chunk.images[index].video else "image"),
            original_filename=name,
            directory_id=UNSET if directory_id is None else directory_id,
        )
        packets.append(encode(contents.put(packet)))
    return packets

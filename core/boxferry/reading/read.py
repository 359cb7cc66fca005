"""`read`: from what the user names (a source, a format, names, images) to Predictions."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from types import NoneType
from typing import TYPE_CHECKING, Literal

from boxferry.errors import InputError, UnknownFormat, UsageError
from boxferry.option_checks import check_type, check_word
from boxferry.plugins import plugin_manager
from boxferry.reading.dataset import in_memory
from boxferry.reading.images import ImageIndex, parse_size
from boxferry.reading.names import ClassNames, check_given, given_names, merge_names
from boxferry.reading.predictions import Predictions, no_folder
from boxferry.reading.source import source_of
from boxferry.reading.unrecognised import unrecognised
from boxferry.reading.writing import option_values
from boxferry.remote.ahead import forget
from boxferry.workers import Workers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from boxferry.formats import Catalog, Format, Source
    from boxferry.plugins import Plugins


def read(
    source: object,
    *,
    format: str = "auto",  # noqa: A002 # the word that users know, as in --format
    names: str | os.PathLike[str] | Mapping[int, str] | Iterable[str] | None = None,
    images: str | os.PathLike[str] | None = None,
    categories: str | os.PathLike[str] | None = None,
    size: str | tuple[int, int] | None = None,
    options: Mapping[str, str] | None = None,
    unknown: Literal["error", "skip"] = "error",
    polygons: bool = False,
    attributes: Iterable[str] = (),
    score_scale: float = 1.0,
    jobs: int = 1,
    plugins: Plugins | None = None,
) -> Predictions:
    """Say what is to be read, and how; the boxes are read when the result's chunks are gone through.

    Args:
        source: a file, a folder, a glob, a URL of one that fsspec knows ('s3://…'), a list of these, or '-' for
            standard input; or results in memory, as the frameworks that `boxferry formats` lists give them: of one
            image, a list or a generator of several, or a dict of image name → result where the results do not name
            their image.
        format: a format's name, or 'auto' to look at the content.
        names: the classes' names: a data.yaml or classes.txt, 'cat,dog', a list, or a dict of id → name.
        images: the folder that holds the images, or its URL.
        categories: a dataset file (COCO) that gives class names, image ids and sizes.
        size: 'WIDTHxHEIGHT' in pixels, of every image whose size is unknown.
        options: the values of options that the format declares, {'voc-origin': '0'}.
        unknown: 'error' or 'skip', what becomes of classes without a name.
        polygons: read the outlines of the boxes too, where the source has them.
        attributes: the names of further fields of the source to be read, ('difficult', 'pose').
        score_scale: what scores are divided by, 100 where they are percent.
        jobs: how many processes may work; what is read is the same.
        plugins: the plugins to use; those that are installed where left out.

    Raises:
        InputError: the source, the names or the categories cannot be found or read.
        UnknownFormat: the format is not known, or the content is not recognised, or more than one format claims it.
        ConfigError: names and categories contradict each other.
        UsageError: an option is not one of the format's, a word none of its list, a value of another type, or jobs is
            below 1, or the source is None.
    """
    check_word("unknown", unknown, ("error", "skip"))
    for name, value, kind in (("jobs", jobs, int), ("polygons", polygons, bool), ("score_scale", score_scale, float)):
        check_type(name, value, kind)
    if isinstance(source, Predictions):
        raise UsageError("source: already Predictions; use them as they are, or read their source again")
    if source is None:
        raise UsageError("source: found None, expected a file, a folder, a glob, a URL, or results in memory")
    check_type("options", options, Mapping, NoneType)
    check_given(names)
    source = in_memory(source)
    workers = Workers(jobs)
    plugins = plugins or plugin_manager()
    formats = plugins.formats()
    for place in (*(source if isinstance(source, list | tuple) else (source,)), names, images, categories):
        forget(place)
    found = source_of(source)
    fmt, why = choose_format(found, format, formats)
    if images is None and fmt.reads_images_folder:
        images = found.name
    catalog = None if categories is None else read_catalog(source_of(categories), formats)
    named = _with_catalog(given_names(names), catalog)
    index = ImageIndex.build(
        folder=None if images is None else os.fspath(images),
        catalog=catalog,
        size=parse_size(size) if isinstance(size, str) else size,
    )
    return Predictions(
        source=found,
        format=fmt,
        why=why,
        images=index,
        names=named.names,
        names_counted=named.counted,
        keypoints=named.keypoints,
        score_scale=_checked_scale(score_scale),
        options=option_values(fmt, options or {}),
        unknown=unknown,
        plugins=plugins,
        folder=no_folder if images is None else index.folder_images,
        polygons=polygons,
        attributes=tuple(attributes),
        workers=workers,
    )


def _checked_scale(scale: float) -> float:
    if not 0 < scale < math.inf:
        raise UsageError(f"score-scale: {scale}, expected a number above 0")
    return scale


def choose_format(source: Source, wanted: str, formats: Mapping[str, Format]) -> tuple[Format, str]:
    """The format named, or the one that recognises the source; and why.

    Raises:
        UnknownFormat: none or several fit.
    """
    if wanted != "auto":
        if wanted not in formats:
            raise UnknownFormat(f"no format '{wanted}'; there are {', '.join(formats)}")
        return formats[wanted], "named"
    claims = {name: why for name, fmt in formats.items() if fmt.read and (why := fmt.sniff(source))}
    if len(claims) == 1:
        name, why = next(iter(claims.items()))
        return formats[name], why
    if claims:
        listed = "; ".join(f"{name}: {why}" for name, why in claims.items())
        raise UnknownFormat(f"{source.name}: more than one format fits ({listed}); choose with --format")
    raise UnknownFormat(unrecognised(source, formats))


def read_catalog(source: Source, formats: Mapping[str, Format]) -> Catalog:
    """What a dataset file says of names, images and sizes.

    Raises:
        InputError: no format that can give a catalog recognises the file.
    """
    able = {name: fmt for name, fmt in formats.items() if fmt.catalog}
    for fmt in able.values():
        if fmt.catalog and fmt.sniff(source):
            return fmt.catalog(source)
    raise InputError(f"{source.name}: expected a dataset file with names and images ({', '.join(able) or 'no format'})")


def _with_catalog(given: ClassNames, catalog: Catalog | None) -> ClassNames:
    if catalog is None or not catalog.names:
        return given
    names = merge_names(given.names, catalog.names, "--names", "--categories")
    return given._replace(names=names, counted=False)

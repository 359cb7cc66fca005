"""Reads annotation files into chunks."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.labels import Vocabulary
from boxferry.boxes.tally import Place
from boxferry.errors import InputError
from boxferry.formats import Stumble, open_file, read_file, without_suffix
from boxferry.parsing.files import where_readable
from boxferry.parsing.gather import BadImage
from boxferry.parsing.xml import XmlError
from boxferry_adapters.voc.batch import Batch, wish_of
from boxferry_adapters.voc.fields import note_unknown
from boxferry_adapters.voc.xml import Annotation, parse

if TYPE_CHECKING:
    from collections.abc import Iterator

    from boxferry.boxes.detections import Detections, Image
    from boxferry.formats import Context, Source
    from boxferry_adapters.voc.objects import Wish

CHUNK_FILES = 512
FILES_AT_ONCE = 64  #: that another process reads in one go
SNIFFED_FILES = 3
SNIFFED_BYTES = 4096
ANNOTATIONS, IMAGES = "Annotations", "JPEGImages"  #: the folders of the development kit
ROOT = re.compile(rb"<annotation[\s/>]")  #: not CVAT's <annotations>
ANY_ROOT = re.compile(rb"<([A-Za-z_][\w.:-]*)")
LABELME = re.compile(rb"<imagesize>|<pt>|LabelMe Webtool|<segm>")  #: what VOC's files have not


def sniff(source: Source, *, labelme: bool = False) -> str | None:
    """Recognise the root element of most of the first files, and what tells LabelMe's XML from VOC's.

    Args:
        source: what to look at.
        labelme: look for LabelMe's, rather than for VOC's.
    """
    try:
        heads = [head for _, head in _heads(source)]
    except (OSError, InputError):
        return None
    good = [head for head in heads if ROOT.search(head) and bool(LABELME.search(head)) == labelme]
    if not good or 2 * len(good) <= len(heads) - len(good):
        return None
    return "XML files with an annotation root" + (", polygons of pt and an imagesize" if labelme else "")


@where_readable
def stumble(source: Source) -> Stumble | None:
    """The first XML file whose root is another one."""
    found = list(_heads(source))
    odd = [(path, head) for path, head in found if head.lstrip().startswith(b"<") and not ROOT.search(head)]
    if not odd:
        return None
    path, head = odd[0]
    root = ANY_ROOT.search(head)
    name = root[1].decode("ascii", "replace") if root else "…"
    where = source.name if source.is_stream else path
    return Stumble(where=where, found=f"its root is <{name}>, expected <annotation>", share=1 - len(odd) / len(found))


def _heads(source: Source) -> Iterator[tuple[str, bytes]]:
    """The first bytes of the first files, each with its path; UTF-16 without its zeros."""
    for _, path in islice(source.files(".xml"), SNIFFED_FILES):
        with open_file(path) as stream:
            yield path, stream.read(SNIFFED_BYTES).replace(b"\0", b"")


def are_there(source: Source) -> bool:
    """Whether there is an XML file: by its name, or by the first character of a stream."""
    if source.is_stream:
        return source.head.replace(b"\0", b"").lstrip(b"\xff\xfe\xef\xbb\xbf \t\r\n").startswith(b"<")
    return next(iter(source.files(".xml")), None) is not None


def read(source: Source, context: Context) -> Iterator[Detections]:
    """Yield a chunk for every 512 files.

    Raises:
        InputError: a coordinate below 1 contradicts the format's origin.
    """
    note_unknown(context)
    reader = _Reader(source, context, wish_of(context))
    batch = reader.batch()
    paths = (path for _, path in source.files(".xml"))
    found = context.map(partial(_parsed, reader.wish), paths, batch=FILES_AT_ONCE)
    for (relative, path), annotation in zip(source.files(".xml"), found, strict=True):
        shown = source.name if source.is_stream else path
        if isinstance(annotation, _Unreadable):
            context.tally.fail(annotation.code, annotation.message, Place(shown, line=annotation.line))
            continue
        try:
            reader.add(batch, relative, shown, annotation)
        except BadImage as error:
            context.tally.fail(error.code, str(error), Place(shown), boxes=error.boxes, counted=False)
        if len(batch.images) >= CHUNK_FILES:
            yield batch.detections()
            batch = reader.batch()
    if batch.images:
        yield batch.detections()
    reader.finish()


@dataclass(slots=True)
class _Reader:
    source: Source
    context: Context
    wish: Wish
    vocabulary: Vocabulary = field(default_factory=lambda: Vocabulary({}))
    seen: dict[str, str] = field(default_factory=dict)
    parts: int = 0
    derived: int = 0

    def batch(self) -> Batch:
        """An empty batch, whose labels go on from those of the others."""
        return Batch(self.context, self.vocabulary)

    def finish(self) -> None:
        """Note what was passed over, and what stands in for boxes."""
        if self.derived:
            message = f"{self.derived} boxes are the bounds of a polygon or a robndbox: no bndbox is given"
            self.context.tally.note(Code.DERIVED, message, Place(self.source.name))
        if self.parts:
            message = f"{self.parts} parts of objects are skipped; --parts yes reads them as boxes of their own"
            self.context.tally.note(Code.PARTS, message, Place(self.source.name))

    def add(self, batch: Batch, relative: str, shown: str, annotation: Annotation) -> None:
        """Add one file to the batch.

        Raises:
            BadImage: it fails as a whole.
        """
        image = self._image(annotation, relative, shown)
        first = self.seen.setdefault(image.key, relative)
        if first != relative:
            there = next(path for each, path in self.source.files(".xml") if each == first)
            message = f"is about image '{image.key}', and so is {there}"
            raise BadImage(message, Code.DUPLICATE_FILE, annotation.boxes)
        self.parts += annotation.parts
        if annotation.objects:
            self.derived += sum(found.derived and not found.problem for found in annotation.objects)
        image = msgspec.structs.replace(image, source=shown)
        if annotation.columns is None:
            batch.add(image, annotation.objects)
        else:
            batch.extend(image, annotation.columns)

    def _image(self, annotation: Annotation, relative: str, shown: str) -> Image:
        """The image that a file is about: by `filename`, else by the file's own name, else by `path`."""
        boxes = annotation.boxes
        try:
            image = _first_known(annotation, relative, self.context)
        except InputError as error:
            raise BadImage(str(error), Code.AMBIGUOUS_IMAGE, boxes) from None
        named = annotation.filename.replace("\\", "/")
        if named and _last(named) not in {_last(image.key), without_suffix(_last(image.key))}:
            self.context.tally.note(Code.OTHER_FILENAME, f"names '{named}', taken to be '{image.key}'", Place(shown))
        said, known = (annotation.width, annotation.height), (image.width, image.height)
        if not all(said):
            return image
        if image.sized and said != known:
            sizes = f"says {said[0]}x{said[1]}, the image itself is {known[0]}x{known[1]}"
            raise BadImage(f"{sizes}: its boxes may be wrong", Code.SIZE_MISMATCH, boxes)
        return msgspec.structs.replace(image, width=said[0], height=said[1])


class _Unreadable(NamedTuple):
    """Why a file cannot be read."""

    code: str
    message: str
    line: int | None = None


def _parsed(wish: Wish, path: str) -> Annotation | _Unreadable:
    """A file's content; called in other processes too."""
    try:
        return parse(read_file(path), wish)
    except OSError as error:
        return _Unreadable(Code.UNREADABLE, f"cannot be read: {error.strerror}")
    except XmlError as error:
        return _Unreadable(Code.BAD_XML, str(error), error.line)


def _last(path: str) -> str:
    return path.rstrip("/").rpartition("/")[2]


def _first_known(annotation: Annotation, relative: str, context: Context) -> Image:
    """The first of a file's names that an image answers to; where none does, an image by `filename`, or by the file.

    An image in the file's own folder goes before others of the same name, and one in the `JPEGImages` beside it.
    """
    own_stem = without_suffix(relative)
    named, path = annotation.filename.replace("\\", "/"), annotation.path.replace("\\", "/")
    suffixed = without_suffix(named) != named
    looks = (
        (context.images.named, named if suffixed else ""),
        (context.images.stem, "" if suffixed else named),
        (context.images.stem, own_stem),
        (context.images.named, _last(path)),
    )
    folders = _folders(relative)
    for look, name in looks:
        if name and ((found := look(name, *(f"{folder}/{_last(name)}" for folder in folders))).media or found.sized):
            return found
    return context.images.named(named) if named else context.images.stem(own_stem)


def _folders(relative: str) -> tuple[str, ...]:
    """Where a file's image is likely to lie: the folder of images beside the file's, and the file's own."""
    folder = relative.rpartition("/")[0]
    if not folder:
        return ()
    above, _, last = folder.rpartition("/")
    return (f"{above}/{IMAGES}".lstrip("/"), folder) if last == ANNOTATIONS else (folder,)

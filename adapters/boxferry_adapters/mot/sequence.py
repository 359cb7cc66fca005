"""Which video a file of rows is about: what the sequence is called, and what its `seqinfo.ini` says of it."""

from __future__ import annotations

import configparser
import re
from pathlib import PurePath
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from boxferry.boxes.codes import Code
from boxferry.boxes.tally import Place
from boxferry.formats import VIDEO_SUFFIXES
from boxferry.parsing.gather import BadImage, one_image
from boxferry.remote.path import folders_above

if TYPE_CHECKING:
    from boxferry.boxes.detections import Image
    from boxferry.formats import Context
    from boxferry.remote.path import AnyPath
    from boxferry_adapters.mot.files import File

FILE_NAME = "seqinfo.ini"
SECTION = "Sequence"
FOLDERS = ("det", "gt")


class Sequence(NamedTuple):
    """A sequence; 0 where unknown.

    Attributes:
        name: what it is called.
        width, height: pixels.
        frames: how many there are.
        rate: frames a second.
    """

    name: str
    width: int = 0
    height: int = 0
    frames: int = 0
    rate: float = 0.0


def video_of(file: File, context: Context) -> Image:
    """The video, as the images folder and its `seqinfo.ini` know it; the latter says how many frames there are.

    Raises:
        BadImage: it cannot be told which it is, it is an image, or the two disagree on its size.
    """
    sequence = sequence_of(file.place)
    with one_image():
        found = context.images.stem(sequence.name)
    if found.media and PurePath(found.media).suffix.lower() not in VIDEO_SUFFIXES:
        raise BadImage(f"is about '{found.key}', which is an image; expected a video", Code.NOT_A_VIDEO)
    if found.frames and sequence.frames not in {0, found.frames}:
        lengths = f"{sequence.frames} frames in {FILE_NAME}, the video itself has {found.frames}"
        context.tally.note(Code.OTHER_LENGTH, lengths, Place(file.shown))
    width, height = _size(found, sequence)
    return msgspec.structs.replace(
        found,
        width=width,
        height=height,
        source=file.shown,
        video=True,
        frames=sequence.frames or found.frames,
        frame_rate=sequence.rate or found.frame_rate,
    )


def _size(found: Image, sequence: Sequence) -> tuple[int, int]:
    """Width and height by `seqinfo.ini`, else of the video itself."""
    said, known = (sequence.width, sequence.height), (found.width, found.height)
    if not all(said):
        return known
    if found.media and found.sized and said != known:
        sizes = f"{said[0]}x{said[1]} in {FILE_NAME}, the video itself is {known[0]}x{known[1]}"
        raise BadImage(f"{sizes}: its boxes may be wrong", Code.SIZE_MISMATCH)
    return said


def sequence_of(place: AnyPath) -> Sequence:
    """The sequence that a file of rows is about: by `seqinfo.ini` beside it or in the folder above, else by its name.

    Raises:
        BadImage: there is such a file, and it cannot be read.
    """
    place = place.absolute()
    for folder in folders_above(place, 2):
        if (found := folder / FILE_NAME).is_file():
            return _described(found, _name_of(place))
    return Sequence(_name_of(place))


def _name_of(place: AnyPath) -> str:
    """The file's stem; for `<sequence>/det/det.txt`, `<sequence>/gt/gt.txt` and the like the folder's name."""
    folder = place.parent
    if folder.name in FOLDERS and re.fullmatch(rf"{folder.name}(_.*)?", place.stem) and folder.parent.name:
        return folder.parent.name
    return place.stem


def _described(path: AnyPath, name: str) -> Sequence:
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"), source=str(path))
        said = dict(parser[SECTION])
    except KeyError:
        raise BadImage(f"{path}: no section [{SECTION}] in it", Code.BAD_SEQINFO) from None
    except OSError as error:
        raise BadImage(f"{path}: cannot be read: {error.strerror}", Code.BAD_SEQINFO) from None
    except (configparser.Error, UnicodeDecodeError) as error:
        raise BadImage(f"{path}: cannot be read: {' '.join(str(error).split())}", Code.BAD_SEQINFO) from None
    width, height, frames = (int(_number(path, said, key, whole=True)) for key in ("imWidth", "imHeight", "seqLength"))
    return Sequence(said.get("name", "").strip() or name, width, height, frames, _number(path, said, "frameRate"))


def _number(path: AnyPath, said: dict[str, str], key: str, *, whole: bool = False) -> float:
    """The number under a key, 0 where there is none."""
    text = said.get(key.lower(), "").strip()  # configparser gives keys in lower case
    if not re.fullmatch(r"\d{1,9}" if whole else r"\d{1,9}(\.\d*)?", text, re.ASCII) and text:
        expected = "a whole number" if whole else "a number"
        raise BadImage(f"{path}: {key} '{text[:40]}', expected {expected} from 0", Code.BAD_SEQINFO)
    return float(text or 0)

"""What no format recognises is said with what each likely format stumbled over, and which one to try."""

import pytest

from boxferry import read
from boxferry.errors import UnknownFormat
from formats.reading import write_json, write_text

ROWS, LEFT = "0 .5 .5 .2\n0 .5 .5\nx y z\n0 .5 .5 .2 .2\n", [{"image_id": 1, "bbox": [1, 2, 3, 4]}]
LIKELY = {
    "yolo": ({"a.txt": ROWS}, r"yolo: .*a\.txt:1: '0 \.5 \.5 \.2' is not a row", "yolo"),
    "mot": ({"a.txt": "1,2,3\n4,5,6\n1,2,3,4,5,6,7\n"}, r"mot: .*a\.txt:1: '1,2,3' is not a row of 'frame,id", "mot"),
    "coco": ({"a.json": LEFT}, r"coco: .*: a list whose items have no category_id", "coco"),
    "voc": ({"a.xml": "<?xml version='1.0'?><a/>"}, r"voc: .*a\.xml: its root is <a>, expected <annotation>", "voc"),
}


@pytest.mark.parametrize("way", ["file", "folder", "glob", "list"])
@pytest.mark.parametrize(("files", "message", "nearest"), LIKELY.values(), ids=LIKELY)
def test_two_lines_say_what_each_likely_format_stumbled_over_and_what_to_try(tmp_path, files, message, nearest, way):
    """With file and line; the catalogue is a command."""
    paths = [
        write_text(tmp_path / name, value) if isinstance(value, str) else write_json(tmp_path / name, value)
        for name, value in files.items()
    ]
    source = {"file": paths[0], "folder": tmp_path, "glob": f"{tmp_path}/*", "list": paths}[way]
    with pytest.raises(UnknownFormat, match=message) as caught:
        read(source)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{source if way != 'list' else paths[0]}: no format recognises it: ")
    assert second.startswith(f"{nearest} is the closest: -f {nearest} ")
    assert "boxferry formats lists" in second


UNLIKE = {"pictures": ({"a.svg": "x", "b.svg": "y", "c": "z"}, "it holds 3 files: 2 with .svg, 1 with no suffix"),
          "nothing": ({}, "there is no file in it")}  # fmt: skip


@pytest.mark.parametrize(("files", "message"), UNLIKE.values(), ids=UNLIKE)
def test_what_is_like_no_format_is_said_by_what_is_there(tmp_path, files, message):
    """On two lines too."""
    for name, text in files.items():
        write_text(tmp_path / name, text)
    with pytest.raises(UnknownFormat) as caught:
        read(tmp_path)
    first, second = str(caught.value).splitlines()
    assert first == f"{tmp_path}: no format recognises it: {message}"
    assert second == "boxferry formats lists all formats, -f NAME chooses one"


@pytest.mark.parametrize(("text", "message"), [("", "it is empty"), ("hello", "it begins with 'hello'")])
def test_a_file_that_is_like_none_is_shown(tmp_path, text, message):
    """By its beginning."""
    with pytest.raises(UnknownFormat, match=f"no format recognises it: {message}"):
        read(write_text(tmp_path / "x.bin", text))

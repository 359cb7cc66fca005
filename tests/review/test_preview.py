"""The preview: what reviewers will see, and what was dropped; one box or two thousand, nothing unescaped."""

import io
import json

import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.errors import UsageError
from boxferry.pages.colours import colour_of
from boxferry.reading.drawing import View
from boxferry.review.preview import preview_of
from boxferry.review.sheet import CELL, COLUMNS, GAP, contact_sheet
from pages.page_data import boxes_of, data_of
from sending.pushing import predictions


def test_it_shows_images_boxes_counts_and_what_was_dropped(folder):
    """The pixels are in the page; nothing is fetched."""
    rows = "0 0.5 0.5 0.2 0.25 0.9\n0 1.3 0.5 0.2 0.2 0.4\n" + "1 0.5 0.5 0.2 0.2 0.4\n" * 2
    (folder / "labels" / "a.txt").write_text(rows)
    tally = Tally()
    page = preview_of(predictions(folder), tally).page
    data, boxes = data_of(page), boxes_of(page)
    assert [image["p"][:11] for image in data["images"]] == ["data:image/"] * 3
    assert "http" not in page.replace("http-equiv", "")
    assert "duplicate-line" in page
    assert "outside-image" in page
    assert ("to send", 0.9, "cat") in [box[:3] for box in boxes]
    assert tally.kept == len(boxes) == sum(data["counts"]["labels"])


@pytest.mark.parametrize("boxes", [1, 2000])
def test_it_holds_one_box_or_many_and_escapes_labels(tmp_path, boxes):
    """Very wide images, long names, other scripts, and markup."""
    label = "<script>" + "日本" * 60
    name = "ж" * 50 + "&.png"
    Picture.new("RGB", (4000, 40)).save(tmp_path / name)
    rows = [{"image_id": 1, "category_id": 1, "bbox": [i, 1, 9, 9], "score": 0.5} for i in range(boxes)]
    dataset = {
        "images": [{"id": 1, "file_name": name, "width": 4000, "height": 40}],
        "categories": [{"id": 1, "name": label}],
        "annotations": rows,
    }
    (tmp_path / "x.json").write_text(json.dumps(dataset))
    page = preview_of(read(tmp_path / "x.json", images=tmp_path), Tally()).page
    found = boxes_of(page)
    assert len(found) == boxes
    assert found[0][2] == label
    assert "<script>日" not in page
    assert "&lt;script&gt;日本" in page
    assert data_of(page)["images"][0]["n"] == name


def test_only_so_many_images_are_drawn_those_with_the_most_boxes(folder):
    """In the order of the source."""
    page = preview_of(predictions(folder), Tally(), images=1).page
    assert [(image["n"], len(image["b"])) for image in data_of(page)["images"]] == [("a.jpg", 2)]


def test_the_command(folder, monkeypatch, capsys):
    """One file; a source that cannot be read writes none."""
    monkeypatch.chdir(folder)
    given = ["--names", "cat,dog", "--images", "images"]
    assert boxferry(["preview", "labels", *given, "-o", "p.html"]) == 0
    assert (folder / "p.html").read_text().startswith("<!doctype html>")
    assert boxferry(["preview", "labels", *given, "-o", "p.html", "--png", "p.png"]) == 0
    with Picture.open(folder / "p.png") as sheet:
        assert sheet.format == "PNG"
    assert boxferry(["preview", "nothing", "-o", "q.html"]) == 2
    assert not (folder / "q.html").exists()
    assert "nothing" in capsys.readouterr().err


def a_sheet(folder, boxes, size=(100, 80), name="a.png", **more):
    """A contact sheet of one image."""
    rows = [{"image_id": 1, "category_id": 1, "bbox": box, "score": 0.5} for box in boxes]
    dataset = {
        "images": [{"id": 1, "file_name": name, "width": size[0], "height": size[1]}],
        "categories": [{"id": 1, "name": more.get("label", "cat")}],
        "annotations": rows,
    }
    (folder / "x.json").write_text(json.dumps(dataset))
    found = contact_sheet(preview_of(read(folder / "x.json", images=folder), Tally()).shown)
    return Picture.open(io.BytesIO(found))


def test_the_contact_sheet_shows_pixels_and_boxes(tmp_path):
    """An image of 100x80 becomes one of 320x256; a box stands where it is, in its label's colour."""
    Picture.new("RGB", (100, 80), (10, 20, 30)).save(tmp_path / "a.png")
    sheet = a_sheet(tmp_path, [[50, 40, 25, 20]])
    colour = tuple(bytes.fromhex(colour_of("cat")[1:]))
    assert sheet.getpixel((GAP + 5, GAP + 5)) == (10, 20, 30)
    assert sheet.getpixel((GAP + 160, GAP + 140)) == colour
    assert sheet.getpixel((GAP + 239, GAP + 140)) == colour
    assert sheet.getpixel((GAP + 200, GAP + 191)) == colour
    assert sheet.getpixel((GAP + 200, GAP + 256)) == (255, 255, 255)


def test_the_contact_sheet_takes_whatever_comes(tmp_path):
    """Thousands of boxes, other scripts, very wide images, images that are not there, are turned, or are damaged."""
    many = [[i % 3990, i // 3990, 9, 9] for i in range(2000)]
    Picture.new("RGB", (4000, 40)).save(tmp_path / "w.png")
    assert a_sheet(tmp_path, many, (4000, 40), "w.png", label="日本" * 40).width == GAP + COLUMNS * (CELL + GAP)
    assert a_sheet(tmp_path, [[1, 1, 9, 9]], name="missing.png").getpixel((GAP + 300, GAP + 200)) == (0xDD,) * 3
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    assert a_sheet(tmp_path, [[1, 1, 9, 9]], name="bad.png").getpixel((GAP + 300, GAP + 200)) == (0xDD,) * 3
    exif = Picture.Exif()
    exif[0x112] = 6
    turned = Picture.new("RGB", (80, 100), "black")
    turned.paste("white", (0, 0, 80, 50))
    turned.save(tmp_path / "t.jpg", exif=exif, quality=100)
    sheet = a_sheet(tmp_path, [], (100, 80), "t.jpg").convert("L")
    assert sheet.getpixel((GAP + 300, GAP + 20)) > 250
    assert sheet.getpixel((GAP + 20, GAP + 20)) < 5
    assert Picture.open(io.BytesIO(contact_sheet([]))).height > GAP


def test_a_contact_sheet_needs_pillow(monkeypatch):
    """It is no part of the base installation."""
    import sys

    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(UsageError, match=r"--png: needs Pillow: pip install '\.\[sandbox\]'"):
        contact_sheet([])


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        ((300, 200), 300), ((1280, 960), 420), ((8000, 160), 1080), ((120, 2400), 25), ((0, 0), 420), ((10, 1), 10),
        ((1, 100_000), 1),
    ],
)  # fmt: skip
def test_images_are_shown_as_large_as_they_can_be_seen(size, shown):
    """Neither a strip of a few pixels nor a column of many pages; lines are as thick on each."""
    view = View.of(size, widest=420)
    assert view.shown == pytest.approx(shown, abs=0.5)
    assert view.unit * view.shown == pytest.approx(view.size[0])

"""The preview: what reviewers will see, and what was dropped; one box or two thousand, nothing unescaped."""

import json

import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.review.preview import preview_page
from sending.pushing import predictions


def test_it_shows_images_boxes_counts_and_what_was_dropped(folder):
    """The pixels are in the page; nothing is fetched."""
    rows = "0 0.5 0.5 0.2 0.25 0.9\n0 1.3 0.5 0.2 0.2 0.4\n" + "1 0.5 0.5 0.2 0.2 0.4\n" * 2
    (folder / "labels" / "a.txt").write_text(rows)
    tally = Tally()
    page = preview_page(predictions(folder), tally)
    assert page.count("<image href=") == 3
    assert "http" not in page.replace("http-equiv", "")
    assert "duplicate-line" in page
    assert "outside-image" in page
    assert "cat 0.90" in page
    assert tally.kept == page.count('fill="none"')


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
    page = preview_page(read(tmp_path / "x.json", images=tmp_path), Tally())
    assert page.count('fill="none"') == boxes
    assert "<script>" not in page
    assert "&lt;script&gt;日本" in page
    assert "ж" * 50 + "&amp;.png" in page


def test_only_so_many_images_are_drawn_those_with_the_most_boxes(folder):
    """In the order of the source."""
    page = preview_page(predictions(folder), Tally(), images=1)
    assert "a.jpg: 2 boxes" in page
    assert "b.png: 1 boxes" not in page


def test_the_command(folder, monkeypatch, capsys):
    """One file; a source that cannot be read writes none."""
    monkeypatch.chdir(folder)
    given = ["--names", "cat,dog", "--images", "images"]
    assert boxferry(["preview", "labels", *given, "-o", "p.html"]) == 0
    assert (folder / "p.html").read_text().startswith("<!doctype html>")
    assert boxferry(["preview", "nothing", "-o", "q.html"]) == 2
    assert not (folder / "q.html").exists()
    assert "nothing" in capsys.readouterr().err

"""validate: what a source is, what is suspicious in it, and the one command to run next."""

import json
import re
import shlex

import pytest

import processes
from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.review.checkup import checkup
from boxferry.review.checkup_page import checkup_page
from formats.reading import images_of, write_json, write_text
from pages.page_data import boxes_of, data_of

BOX = "0 0.5 0.5 0.2 0.25 0.5\n"


def run(*arguments, cwd):
    return processes.boxferry(*arguments, cwd=cwd)


@pytest.fixture
def labels(tmp_path):
    """Four files: a good one, one that reaches out, an empty one, one whose image is not in the folder."""
    images_of(tmp_path / "images", "a.jpg", "b.jpg", "c.jpg")
    write_text(tmp_path / "labels/a.txt", BOX + "1 0.25 0.25 0.2 0.2 0.75\n")
    write_text(tmp_path / "labels/b.txt", "0 0.95 0.5 0.4 0.2 0.25\n")
    write_text(tmp_path / "labels/c.txt", "")
    write_text(tmp_path / "names.txt", "cat\ndog\nbird\n")
    return tmp_path


def of(folder, **how):
    given = {"names": folder / "names.txt", "images": folder / "images"} | how
    return checkup(read(folder / "labels", **given), Tally(), pictures=5)


def test_classes_images_scores_and_shares_are_counted(labels):
    """Classes without boxes are listed; sizes are known or not."""
    found = of(labels)
    assert found.labels == [("cat", 2, 2), ("dog", 1, 1), ("bird", 0, 0)]
    facts = found.as_dict()
    assert (facts["format"], facts["boxes"]["kept"]) == ("yolo", 3)
    assert facts["image_counts"] | {"videos": 0} == {
        "with_boxes": 2, "without_boxes": 1, "sized": 3, "unsized": 0, "found": 3, "missing": 0, "videos": 0,
    }  # fmt: skip
    assert facts["scores"] == {"scored": 3, "lowest": 0.25, "highest": 0.75}
    assert facts["shares"] == {"clipped": pytest.approx(1 / 3)}
    assert "1 of 3 boxes were changed: clipped (33%)" in facts["suspicious"]


def test_the_most_suspicious_images_come_first_with_their_boxes_as_they_are_read(labels):
    """Before the fit; the others are not among them."""
    ((image, boxes, odd),) = of(labels).odd
    assert (image.key, odd.tolist()) == ("b.jpg", [True])
    assert boxes.xyxy.round(6).tolist() == [[75, 32, 115, 48]]


def test_images_that_are_not_there_and_sizes_that_are_not_known_are_said(labels):
    """With the first of them."""
    write_text(labels / "labels/d.txt", "")
    found = of(labels)
    assert found.missing == ["d"]
    assert "not in the images folder: 1 image, as d" in list(found.suspicious())
    value = {
        "images": [{"id": 1, "file_name": "x.jpg"}],
        "categories": [{"id": 1, "name": "c"}],
        "annotations": [{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, 4]}],
    }
    results = write_json(labels / "r.json", value)
    found = checkup(read(results), Tally())
    assert "x.jpg: the image's size is not known" in str(found.stopped)
    assert found.unsized == ["x.jpg"]


def test_boxes_that_cover_their_image_are_suspicious(labels):
    """Most of them."""
    for name in "ab":
        write_text(labels / f"labels/{name}.txt", "0 .5 .5 1 1 .5\n")
    assert "2 of 2 boxes cover the whole of their image" in list(of(labels).suspicious())


def test_the_page_draws_suspicious_images_with_their_pixels_and_escapes_what_it_shows(labels):
    """Dashed; where nothing is suspicious, the first images."""
    write_text(labels / "names.txt", "<b>cat</b>\ndog\nbird\n")
    page = checkup_page(of(labels), "boxferry push <x>")
    (image,) = data_of(page)["images"]
    assert image["p"].startswith("data:image/")
    assert [box[0] for box in boxes_of(page)] == ["suspicious"]
    assert "<b>cat</b>" not in page
    assert "boxferry push &lt;x&gt;" in page
    write_text(labels / "labels/b.txt", BOX)
    page = checkup_page(of(labels), "x")
    assert {box[0] for box in boxes_of(page)} == {"as read"}
    assert "The first images" in page


def test_the_command_to_run_next_is_a_push_that_sends_nothing_yet(labels):
    """With the same options, as a shell takes them."""
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", "--map", "cat=a cat", cwd=labels)
    assert done.returncode == 0, done.stderr
    (following,) = re.findall("^next: (.*)$", done.stdout, re.MULTILINE)
    assert shlex.split(following) == [
        "boxferry", "push", "labels", "--images", "images", "--names", "names.txt", "--map", "cat=a cat",
        "--directory", "NAME", "--create-directory", "--dry-run",
    ]  # fmt: skip


def test_the_command_to_run_next_has_the_option_that_the_error_names(labels):
    """Corners where sides are expected: the same again with --bbox-format."""
    images = [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}]
    annotations = [{"image_id": 1, "category_id": 1, "bbox": [40, 30, 90, 70]}] * 4
    value = {"images": images, "categories": [{"id": 1, "name": "c"}], "annotations": annotations}
    write_json(labels / "x.json", value)
    done = run("validate", "x.json", "--json", cwd=labels)
    assert done.returncode == 2
    facts = json.loads(done.stdout)
    assert facts["next"] == "boxferry validate x.json --bbox-format xyxy"
    again = run(*shlex.split(facts["next"])[1:], cwd=labels)
    assert again.returncode == 0, again.stderr


def test_where_files_failed_the_next_command_names_the_option_or_lists_every_issue(labels):
    """As their message says."""
    write_text(labels / "labels/b.txt", "0 50 40 20 20 .5\n")
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", cwd=labels)
    assert done.returncode == 1
    assert "next: boxferry validate labels --images images --names names.txt --absolute yes" in done.stdout
    write_text(labels / "labels/b.txt", "0.91 cat\n")
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", cwd=labels)
    assert "next: boxferry validate labels --images images --names names.txt --ndjson" in done.stdout


def test_html_writes_the_page_beside_the_text_or_in_its_place(labels):
    """One self-contained file."""
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", "--html", "x.html", cwd=labels)
    assert "1 clipped" not in done.stdout.split("suspicious")[0].split("kind")[0]
    assert (labels / "x.html").read_text().startswith("<!doctype html>")
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", "--html", "-", cwd=labels)
    assert done.stdout.startswith("<!doctype html>")


def test_classes_are_listed_for_people(labels):
    """A table; the share that was clipped; what was recognised and why."""
    done = run("validate", "labels", "--names", "names.txt", "--images", "images", cwd=labels)
    assert done.stdout.startswith("labels: yolo (text rows of 'class cx cy w h' and one more)\n")
    assert re.search(r"^cat +2 +2$", done.stdout, re.MULTILINE)
    assert re.search(r"^change +clipped +1 +33%$", done.stdout, re.MULTILINE)
    assert "images: 2 with boxes, 1 without, 3 of known size, 3 in the images folder, 0 not" in done.stdout
    assert "scores: 0.25 to 0.75" in done.stdout

"""The pure parts of a dataset: paths, parts, classes, boxes at the edge, and what the order of rows does not change."""

import random
import re
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from PIL import Image as Drawing

from boxferry.diffgram.answers import Directory
from boxferry.errors import InputError
from boxferry.review.class_list import check_counted, class_list
from boxferry.review.dataset_images import LocalImages
from boxferry.review.inside import inside
from boxferry.review.judged import Stored
from boxferry.review.manifest import digest_of, read_manifest
from boxferry.review.pictures import Picture
from boxferry.review.place_names import place_names
from boxferry.review.pull import ReviewedFile
from boxferry.review.shelf import OpenDirectory, pictures_of
from boxferry.review.split import split_of


def box(*corners, label="cat", **more):
    return Stored(row_id=1, reference="", label=label, corners=corners, **more)


def file(*boxes, size=(100, 80)):
    return ReviewedFile(file_name="a.jpg", file_id=1, width=size[0], height=size[1], stored=list(boxes))


def test_a_part_is_as_large_as_it_is_asked_to_be():
    """And the same on every machine: these names fell so when the rule was made."""
    names = [f"{number}.jpg" for number in range(20_000)]
    share = sum(split_of(name, 0.1) == "val" for name in names) / len(names)
    assert abs(share - 0.1) < 0.01
    assert {split_of(name, 0.0) for name in names} == {"train"}
    assert {split_of(name, 1.0) for name in names} == {"val"}
    assert [name for name in names[:40] if split_of(name, 0.1) == "val"] == ["11.jpg", "12.jpg"]


@given(st.text(), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_keeps_the_pictures_of_a_smaller_one(name, one, other):
    """A picture that was for validation stays so."""
    small, large = sorted((one, other))
    assert split_of(name, small) == "train" or split_of(name, large) == "val"


@pytest.mark.parametrize(
    "name",
    [
        "../x.jpg",
        "/etc/x.jpg",
        "a/../../x.jpg",
        "a\\b.jpg",
        "C:/x.jpg",
        "",
        "a\nb.jpg",
        ".hidden.jpg",
        "a//b.jpg",
        "x" * 300,
    ],
)
def test_a_name_that_is_no_path_is_replaced(name):
    """By the file's number."""
    suffix = ".jpg" if name.endswith(".jpg") else ""
    assert place_names([(7, name)]) == {7: f"file-7{suffix}"}


LIKELY = st.sampled_from(["a.jpg", "A.png", "a-3.jpg", "a-4.jpg", "d/a.jpg"])


@given(st.dictionaries(st.integers(1, 5), st.text(max_size=12) | LIKELY))
@example({1: "a-3.jpg", 2: "a.jpg", 3: "A.png"})
def test_no_two_pictures_share_a_path(names):
    """Not even on a file system that knows no capital letters, nor without their suffixes; the order is no matter."""
    found = place_names(names.items())
    assert found == place_names(reversed(names.items()))
    stems = [re.sub(r"[.](jpg|png)$", "", path, flags=re.IGNORECASE).casefold() for path in found.values()]
    assert len(stems) == len(set(stems)) == len(names)


def test_the_older_file_keeps_its_name():
    """So a picture that comes later moves none."""
    assert place_names([(5, "a.png"), (2, "a.jpg"), (9, "b/a.jpg")]) == {2: "a.jpg", 5: "a-5.png", 9: "b/a.jpg"}


def test_new_labels_come_after_and_keep_their_numbers():
    """Where a table is given, where the earlier dataset has one, and where there is none."""
    first = class_list({0: "cat", 1: "dog"}, {}, ["dog", "owl", "fox"], {"fox", "cat"}, first=0)
    assert (first.names, first.added) == ({0: "cat", 1: "dog", 2: "fox"}, {2: "fox"})
    second = class_list({0: "cat", 1: "dog"}, first.names, ["dog", "owl", "fox"], {"owl"}, first=0)
    assert (second.names, second.added) == ({0: "cat", 1: "dog", 2: "fox", 3: "owl"}, {3: "owl"})
    none = class_list({}, {}, ["dog", "cat", "dog"], {"cat", "label 9"}, first=1)
    assert (none.names, none.added) == ({1: "dog", 2: "cat", 3: "label 9"}, {})
    later = class_list({}, none.names, ["dog", "cat", "owl"], set(), first=1)
    assert later.names == none.names


def test_a_table_that_takes_a_number_wins_and_says_so():
    """The label that had it comes after."""
    found = class_list({0: "cat", 1: "ant"}, {0: "cat", 1: "fox"}, ["fox"], {"fox"}, first=0)
    assert (found.names, found.moved) == ({0: "cat", 1: "ant", 2: "fox"}, {"fox": (1, 2)})


def test_classes_of_yolo_count_from_nought():
    """A gap is an error that names it."""
    check_counted({1: "b", 0: "a"})
    check_counted({})
    with pytest.raises(InputError, match="class 1 has no name"):
        check_counted({0: "a", 2: "b"})


def test_boxes_are_cut_at_the_edge():
    """What lies outside is left out with its reason; a point of an outline is moved."""
    ring = ((-5.0, 0.0), (50.0, 0.0), (50.0, 90.0))
    found, cut = inside(
        file(box(-5, 10, 120, 99999), box(101, 0, 130, 20), box(0, 0, 100, 80), box(-5, 0, 50, 90, rings=(ring,)))
    )
    assert sorted(each.corners for each in found.stored) == [(0, 0, 50, 80), (0, 0, 100, 80), (0, 10, 100, 80)]
    assert cut == 2
    assert [left.code for left in found.left_out] == ["outside-image"]
    assert next(each.rings for each in found.stored if each.rings) == (((0, 0), (50, 0), (50, 80)),)


def test_boxes_of_an_image_without_a_size_stay():
    """There is no edge to cut at."""
    assert inside(file(box(-5, 10, 120, 999), size=(0, 0))) == (file(box(-5, 10, 120, 999), size=(0, 0)), 0)


def test_the_order_of_rows_changes_nothing():
    """Neither the order that is written, nor the digest; a moved box does."""
    boxes = [box(x, y, x + 5, y + 5, label=label) for x in (1, 20) for y in (3, 30) for label in ("cat", "dog")]
    shuffled = random.Random(1).sample(boxes, len(boxes))
    assert inside(file(*boxes)) == inside(file(*shuffled))
    one, other = (Picture(file=file(*each), changed=0.0, sent=[], looked=True) for each in (boxes, shuffled))
    assert digest_of(one) == digest_of(other)
    moved = replace(one, file=file(replace(boxes[0], corners=(1, 3, 7, 8)), *boxes[1:]))
    assert digest_of(moved) != digest_of(one)


def test_a_run_that_put_no_box_there_is_judged_by_what_people_did_since():
    """Boxes that they drew before are none of it, nor is that they had completed the image."""
    drawn = [box(1, 2, 3, 4, machine_made=False, created=time) for time in (10.0, 30.0)]
    picture = Picture(file=file(*drawn), changed=30.0, sent=[], looked=True)
    for at, added in ((5.0, drawn), (20.0, drawn[1:]), (40.0, [])):
        found = picture.judged_since(at)
        assert [(each.fate, each.stored) for each in found.judged] == [("added", each) for each in added]
        assert found.reviewed == bool(added)
    completed = Picture(file=replace(file(), complete=True), changed=50.0, sent=[], looked=True)
    assert [completed.judged_since(at).reviewed for at in (40.0, 60.0)] == [True, False]


def test_an_image_is_found_by_the_surest_name(tmp_path):
    """Its path, what an upload makes of it, its last part; where two answer, that is said."""
    for name in ("a/one.jpg", "b/one.jpg", "b/two.jpg", "my dir/lócal 1.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Drawing.new("RGB", (100, 80)).save(tmp_path / name)
    images = LocalImages(str(tmp_path))
    size = (100, 80)
    assert images.find("a/one.jpg", size) == tmp_path / "a/one.jpg"
    assert images.find("two.jpg", size) == tmp_path / "b/two.jpg"
    assert images.find("my_dir_local_1.jpg", size) == tmp_path / "my dir/lócal 1.jpg"
    assert images.find("local_1.jpg", size) == tmp_path / "my dir/lócal 1.jpg"
    for name, wanted, word in (
        ("one.jpg", size, "several images"),
        ("no.jpg", size, "not in"),
        ("two.jpg", (1, 1), "and on the server it is 1x1"),
    ):
        with pytest.raises(InputError, match=word):
            images.find(name, wanted)


def test_another_csv_is_no_manifest(tmp_path):
    """It is somebody else's."""
    (tmp_path / "manifest.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="not a manifest of a dataset"):
        read_manifest(tmp_path / "manifest.csv")


def test_a_picture_in_two_directories_comes_once():
    """A server can show one file in several."""
    one, other = (
        Picture(file=ReviewedFile(file_name=f"{n}.jpg", file_id=n), changed=0.0, sent=[], looked=True) for n in (1, 2)
    )
    places = [Directory(id=number) for number in (7, 8)]
    opened = [OpenDirectory(places[0], [one, other], []), OpenDirectory(places[1], [other], [])]
    assert pictures_of(opened) == [one, other]

"""The format `openimages`: rows of boxes in any order, names of labels, flags, and predictions."""

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from formats.reading import images_of, read, write_text
from formats.samples import OPENIMAGES

HEADER = "ImageID,LabelName,XMin,XMax,YMin,YMax\n"


def test_flags_are_fields_and_a_dummy_confidence_is_no_score(tmp_path):
    """A group of objects is dropped unless it is asked for; a flag of -1 is not known."""
    path = write_text(tmp_path / "x.csv", OPENIMAGES)
    (chunk,) = read_source(path, size=(100, 80), attributes=["IsOccluded", "IsInside"]).chunks(tally := Tally())
    assert chunk.attributes.tolist() == [{"IsOccluded": True}, {"IsOccluded": False, "IsInside": False}]
    assert tally.dropped == {"group": 1}
    assert len(read("openimages", path, size=(100, 80), openimages_groups="keep")[0]) == 3


def test_rows_of_an_image_may_stand_anywhere(tmp_path):
    """In the order in which images are met; and in several files."""
    write_text(tmp_path / "1.csv", f"{HEADER}b,cat,0,1,0,1\na,cat,0,0.5,0,1\nb,dog,0,0.5,0,1\n")
    write_text(tmp_path / "2.csv", f"{HEADER}a,dog,0,0.25,0,1\n")
    rows, tally = read("openimages", tmp_path, size=(100, 80))
    assert [(row[0], row[1], row[4]) for row in rows] == [
        ("b", "cat", 100), ("b", "dog", 50), ("a", "cat", 50), ("a", "dog", 25)
    ]  # fmt: skip
    assert tally.images == 2


def test_labels_are_named_by_the_class_descriptions(tmp_path):
    """A label without a name is counted; ids without any names are noted."""
    path = write_text(tmp_path / "x.csv", f"{HEADER}a,/m/01,0,1,0,1\na,/m/02,0,1,0,1\n")
    names = write_text(tmp_path / "names.csv", 'LabelName,DisplayName\n/m/01,"Cat, big"\n')
    rows, tally = read("openimages", path, size=(9, 9), openimages_classes=str(names))
    assert [row[1] for row in rows] == ["Cat, big"]
    assert tally.dropped == {"unknown-label": 1}
    rows, tally = read("openimages", path, size=(9, 9))
    assert [row[1] for row in rows] == ["/m/01", "/m/02"]
    assert tally.noted == {"unnamed-labels": 1}
    assert [row[1] for row in read("openimages", path, size=(9, 9), names={"/m/01": "Cat"})[0]] == ["Cat"]
    for text in ("a\n", ""):
        with pytest.raises(InputError, match="two columns, LabelName,DisplayName"):
            read("openimages", path, openimages_classes=str(write_text(names, text)))
    with pytest.raises(InputError, match="cannot be read"):
        read("openimages", path, openimages_classes=str(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("row", "code"),
    [("a,cat,x,1,0,1", "bad-box"), ("a,,0,1,0,1", "bad-box"), (",cat,0,1,0,1", "no-image"), ("a,cat,0,1", "bad-box")],
)
def test_a_row_that_is_no_box_costs_itself_alone(tmp_path, row, code):
    """With its line."""
    rows, tally = read("openimages", write_text(tmp_path / "x.csv", f"{HEADER}{row}\na,cat,0,1,0,1\n"), size=(9, 9))
    assert len(rows) == 1
    assert tally.dropped == {code: 1}
    assert tally.examples[code][0].line == 2


def test_shares_need_the_images_size(tmp_path):
    """Without it the boxes are dropped, and what would help is said."""
    _, tally = read("openimages", write_text(tmp_path / "x.csv", OPENIMAGES))
    assert tally.dropped == {"no-size": 2, "group": 1}
    assert "--images" in tally.examples["no-size"][0].message


def test_predictions_are_six_words_a_box(tmp_path):
    """An image without any is an image without boxes."""
    text = "ImageID,PredictionString\na,cat 0.5 0 0 1 1 dog 0.4 0 0 1\nb,\nc\n"
    rows, tally = read("openimages", write_text(tmp_path / "x.csv", text), size=(10, 20))
    assert rows == [("a", "cat", 0, 0, 10, 20, 0.5)]
    assert (tally.dropped, tally.images) == ({"bad-row": 1}, 3)


def test_an_id_may_be_the_whole_name(tmp_path):
    """As some tools write it."""
    path = write_text(tmp_path / "x.csv", f"{HEADER}a,cat,0,1,0,1\na.jpg,dog,0,1,0,1\n")
    rows, tally = read("openimages", path, folder=images_of(tmp_path / "images", "a.jpg"))
    assert [row[0] for row in rows] == ["a.jpg", "a.jpg"]
    assert tally.images == 1


def test_other_columns_are_an_error(tmp_path):
    """That names those that are expected."""
    write_text(tmp_path / "x.csv", "ImageID,Label\na,b\n")
    with pytest.raises(InputError, match="expected a header with ImageID, LabelName"):
        read("openimages", tmp_path / "x.csv")

"""The Pascal VOC adapter where a file is close to, but not, what it seems."""

import gzip

import pytest

from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.fit import fit
from boxferry.boxes.refine import filter_score
from boxferry.errors import InputError
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, images_of, read, write_text

SIZE = "<size><width>100</width><height>80</height></size>"
GOOD_ROW = "b 0.5 1 1 9 9\n"


def an_annotation(*corners, name="cat"):
    tags = ("xmin", "ymin", "xmax", "ymax")
    sides = "".join(f"<{tag}>{value}</{tag}>" for tag, value in zip(tags, corners, strict=True))
    box = f"<object><name>{name}</name><bndbox>{sides}</bndbox></object>"
    return f"<annotation><filename>a.jpg</filename>{SIZE}{box}</annotation>"


@pytest.mark.parametrize("corners", [(30, 40, 0, 10), (30, 0, 11, 40)], ids=["x", "x-with-y-0"])
def test_v1_v10_a_zero_is_seen_also_where_the_box_is_reversed(tmp_path, corners):
    """Put in order, its minimum is 0: that contradicts the origin, and is no box from -1."""
    write_text(tmp_path / "a.xml", an_annotation(*corners))
    with pytest.raises(InputError, match=r"a minimum of 0, .*--voc-origin 0"):
        read("voc", tmp_path)


ENTITY = '<!DOCTYPE annotation [<!ENTITY e "boom">]>' + an_annotation(1, 2, 3, 4, name="&e;")
HIDDEN = {
    "utf-7": ENTITY.replace("<!", "+ADwAIQ-"),
    "unicode-escape": ENTITY.replace("<!", "\\x3c!"),
}


@pytest.mark.parametrize("encoding", HIDDEN)
def test_v13_a_document_type_is_refused_in_every_encoding(tmp_path, encoding):
    """Also where the encoding writes its signs in other bytes."""
    write_text(tmp_path / "a.xml", f'<?xml version="1.0" encoding="{encoding}"?>' + HIDDEN[encoding])
    rows, tally = read("voc", tmp_path)
    assert (rows, tally.failed) == ([], {"bad-xml": 1})
    assert "document type" in tally.examples["bad-xml"][0].message


def test_a_root_that_only_begins_like_ours_is_not_recognised(tmp_path):
    """CVAT's files have the root <annotations>."""
    write_text(tmp_path / "a.xml", '<?xml version="1.0"?><annotations><version>1.1</version></annotations>')
    assert FORMATS["voc"].sniff(source_of(tmp_path)) is None


def test_v14_an_id_that_fits_several_images_costs_only_its_rows(tmp_path):
    """One failure for the id; all its rows are counted, and the other images go on."""
    folder = images_of(tmp_path / "images", "a.jpg", "a.png", "b.jpg")
    write_text(tmp_path / "r/comp4_det_test_cat.txt", "a 0.5 1 1 9 9\n" * 3 + GOOD_ROW)
    rows, tally = read("voc", tmp_path / "r", folder=folder)
    assert [row[0] for row in rows] == ["b.jpg"]
    assert (tally.failed, tally.dropped) == ({"ambiguous-image": 1}, {"ambiguous-image": 3})
    assert "a.jpg, a.png" in tally.examples["ambiguous-image"][0].message


def test_v14_a_dropped_box_of_a_single_result_file_is_listed_with_its_line(tmp_path):
    """The fit says where the box stands."""
    path = write_text(tmp_path / "comp4_det_test_cat.txt", GOOD_ROW + "\nb 0.5 200 200 300 300\n")
    context = a_context("voc", size=(100, 80))
    for chunk in FORMATS["voc"].read(source_of(path), context):
        fit(chunk, tally=context.tally)
    assert str(context.tally.examples["outside-image"][0]).startswith(f"{path}:3: ")


def test_v14_a_dropped_box_of_several_result_files_is_listed_with_its_own_file_and_line(tmp_path):
    """The boxes of one image come from many files, and stay with theirs through every step."""
    write_text(tmp_path / "comp4_det_test_cat.txt", "a 0.9 1 1 9 9\n" + GOOD_ROW)
    path = write_text(tmp_path / "comp4_det_test_dog.txt", "b 0.2 1 1 9 9\n\na 0.5 200 200 300 300\n")
    context = a_context("voc", size=(100, 80))
    for chunk in FORMATS["voc"].read(source_of(tmp_path), context):
        fit(filter_score(chunk, min_score=0.3, tally=context.tally), tally=context.tally)
    assert str(context.tally.examples["outside-image"][0]).startswith(f"{path}:3: ")
    assert str(context.tally.examples["below-threshold"][0]).startswith(f"{path}:1: ")


def test_v14_a_zipped_result_file_is_called_by_its_own_name(tmp_path):
    """Not by that of the unzipped copy."""
    path = tmp_path / "comp4_det_test_cat.txt.gz"
    path.write_bytes(gzip.compress(b"a 0.5 1 1 9\n"))
    _, tally = read("voc", path, size=(9, 9))
    assert str(tally.examples["bad-row"][0]).startswith(f"{path}:1: ")


@pytest.mark.parametrize("row", ["b 0.5 1_0 1 99 9", "b 0.5 1 1 ٩ 9", "b inf 1 1 9 9"], ids=["_", "script", "inf"])
def test_v14_what_only_python_takes_for_a_number_is_none(tmp_path, row):
    """It is skipped with its reason."""
    write_text(tmp_path / "comp4_det_test_cat.txt", f"{row}\n{GOOD_ROW}")
    rows, tally = read("voc", tmp_path)
    assert (len(rows), tally.dropped) == (1, {"bad-row": 1})


def test_a_label_that_xml_cannot_hold_is_refused_and_not_written_broken(tmp_path):
    """The file could not be read again."""
    chunk = Detections.from_counts([Image("a.jpg", 9, 9)], [1], [[0, 0, 1, 1]], [0], ["a\x01b"])
    with pytest.raises(InputError, match=r"a\.jpg: .*XML cannot hold"):
        FORMATS["voc"].write([chunk], tmp_path, a_context("voc"))
    assert not list(tmp_path.rglob("*.xml"))

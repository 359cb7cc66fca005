"""The Pascal VOC adapter: annotation files and result files, and back."""

import time
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from boxferry.boxes.detections import Detections, Image
from boxferry.errors import InputError
from boxferry.reading.source import source_of
from formats.reading import (
    FORMATS,
    a_context,
    assert_same,
    catalog_of,
    detections,
    images_of,
    read,
    rows_of,
    write_text,
)
from formats.voc_files import BOX, SIZE, an_annotation, an_object, corners, one

TAKEN = {
    "V1-whole-image": (corners(1, 1, 100, 80), (0, 0, 100, 80)),
    "V2-order": (
        "<bndbox><ymax>40</ymax><xmax>30</xmax><ymin>21</ymin><xmin>11</xmin></bndbox>",
        (10, 20, 30, 40),
    ),
    "V3-floats": (corners(" 11.5 ", "2.15e1", "30.25", "40"), (10.5, 20.5, 30.25, 40)),
    "V10-one-pixel": (corners(7, 9, 7, 9), (6, 8, 7, 9)),
    "V10-reversed": (corners(30, 40, 11, 21), (10, 20, 30, 40)),
    "V8-parts": (BOX + f"<part><name>head</name>{corners(2, 2, 3, 3)}</part>", (10, 20, 30, 40)),
}


@pytest.mark.parametrize(("box", "expected"), TAKEN.values(), ids=TAKEN)
def test_coordinates_as_they_are_written(tmp_path, box, expected):
    """From 1 and inclusive to from 0 and exclusive; only the object's own box counts."""
    rows, _ = one(tmp_path, an_annotation(an_object(box)))
    assert rows == [("a.jpg", "cat", *map(float, expected), None)]


def test_v1_a_minimum_of_0_contradicts_the_format_and_ends_the_run(tmp_path):
    """It is never shifted silently; the option takes the numbers as they are."""
    text = an_annotation(an_object(), an_object(corners(0, 5, 10, 15)))
    with pytest.raises(InputError, match=r"a\.xml\[1\]: a minimum of 0, .*--voc-origin 0"):
        one(tmp_path, text)
    rows, _ = one(tmp_path, text, voc_origin="0")
    assert [r[2:6] for r in rows] == [(11.0, 21.0, 30.0, 40.0), (0.0, 5.0, 10.0, 15.0)]


@pytest.mark.parametrize("size", ["", SIZE.replace("100", "0").replace("80", "0")], ids=["absent", "zero"])
def test_v4_the_size_comes_from_the_image_where_the_file_has_none(tmp_path, size):
    """Absent, or 0 times 0."""
    folder = images_of(tmp_path / "images", "a.jpg")
    write_text(tmp_path / "xml/a.xml", an_annotation(an_object(), size=size))
    context = a_context("voc", folder=folder)
    (chunk,) = FORMATS["voc"].read(source_of(tmp_path / "xml"), context)
    assert chunk.sizes.tolist() == [[100, 80]]


def test_two_sizes_for_one_image_fail_the_file_with_both(tmp_path):
    """Its boxes were made for another image."""
    folder = images_of(tmp_path / "images", "a.jpg", size=(50, 40))
    rows, tally = one(tmp_path / "xml", an_annotation(an_object()), folder=folder)
    assert rows == []
    assert tally.dropped == {"size-mismatch": 1}
    assert "100x80" in tally.examples["size-mismatch"][0].message
    assert "50x40" in tally.examples["size-mismatch"][0].message


NAMED = {
    "filename": ("b.jpg", "", "b.jpg"),
    "V5-no-suffix": ("b", "", "b.jpg"),
    "V5-wrong-filename": ("nowhere.jpg", "", "a.jpg"),
    "V5-path": ("", r"<path>C:\data\c.jpg</path>", "c.jpg"),
}


@pytest.mark.parametrize(("filename", "more", "expected"), NAMED.values(), ids=NAMED)
def test_v5_which_image_a_file_is_about(tmp_path, filename, more, expected):
    """By its filename, else by its own name, else by its path."""
    names = ["b.jpg", "c.jpg"] + (["a.jpg"] if expected == "a.jpg" else [])
    folder = images_of(tmp_path / "images", *names)
    rows, tally = one(tmp_path / "xml", an_annotation(an_object(), filename=filename, more=more), folder=folder)
    assert [r[0] for r in rows] == [expected]
    assert bool(tally.noted["other-filename"]) == (filename == "nowhere.jpg")


SCORED = {
    "confidence": (an_object(more="<confidence>0.5</confidence>"), 0.5),
    "score": (an_object(more="<score> 5e-1 </score>"), 0.5),
    "attribute": (an_object().replace("<object>", '<object score="0.5">'), 0.5),
    "zero": (an_object(more="<confidence>0</confidence>"), 0.0),
    "none": (an_object(), None),
}


@pytest.mark.parametrize(("text", "score"), SCORED.values(), ids=SCORED)
def test_v6_scores(tmp_path, text, score):
    """As an element or an attribute; 0 is a score."""
    rows, _ = one(tmp_path, an_annotation(text))
    assert [r[6] for r in rows] == [score]


def test_v9_a_file_without_objects_is_an_image_without_boxes(tmp_path):
    """Counted as an image."""
    rows, tally = one(tmp_path, an_annotation())
    assert (rows, tally.images) == ([], 1)


def test_v12_names_and_encodings(tmp_path):
    """Blanks and line breaks are stripped, entities of XML decoded, declared encodings read."""
    text = '<?xml version="1.0" encoding="{}"?>' + an_annotation(an_object(name="\n tête &amp;  pied "))
    write_text(tmp_path / "u.xml", text.format("utf-16").replace("a.jpg", "u.jpg").encode("utf-16"))
    rows, tally = one(tmp_path, text.format("iso-8859-1").encode("latin-1"))
    assert not tally.failed
    assert [r[1] for r in rows] == ["tête & pied"] * 2


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "lol"}">' for i in range(10))
BOMBS = {
    "laughs": f"<!DOCTYPE x [{LAUGHS}]><annotation><filename>&l9;</filename></annotation>",
    "external": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><annotation><filename>&e;</filename></annotation>',
    "parameter": '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><annotation><filename>a.jpg</filename></annotation>',
    "utf16": f"<!DOCTYPE x [{LAUGHS}]><annotation><filename>&l9;</filename></annotation>".encode("utf-16"),
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_v13_entities_are_refused(tmp_path, text):
    """At once; the other files go on."""
    write_text(tmp_path / "good.xml", an_annotation(an_object(), filename="good.jpg"))
    started = time.monotonic()
    rows, tally = one(tmp_path, text)
    assert time.monotonic() - started < 1
    assert [r[0] for r in rows] == ["good.jpg"]
    assert tally.failed == {"bad-xml": 1}


MISNAMED = {
    "utf-16-over-utf-8": ("utf-16", "utf-8", "tête"),
    "gb2312-with-gbk": ("GB2312", "gbk", "鎔"),
    "windows": ("windows-1252", "cp1252", "naïve €"),
}


@pytest.mark.parametrize(("declared", "written", "name"), MISNAMED.values(), ids=MISNAMED)
def test_v12_declarations_as_tools_write_them(tmp_path, declared, written, name):
    """UTF-16 named over UTF-8, as .NET does; a set of characters named for its superset."""
    text = f'<?xml version="1.0" encoding="{declared}"?>' + an_annotation(an_object(name=name))
    rows, tally = one(tmp_path, text.encode(written))
    assert not tally.failed
    assert [r[1] for r in rows] == [name]


def test_v12_bytes_that_are_not_what_the_declaration_says_fail_the_file(tmp_path):
    """It is never read with some of its characters replaced."""
    text = '<?xml version="1.0" encoding="GBK"?>' + an_annotation(an_object(name="thé"))
    rows, tally = one(tmp_path, text.encode("latin-1"))
    assert (rows, tally.failed) == ([], {"bad-xml": 1})


BROKEN = {
    "malformed": "<annotation><object>",
    "other-root": "<html></html>",
    "empty": "",
    "encoding": '<?xml version="1.0" encoding="klingon"?><annotation/>',
}


@pytest.mark.parametrize("text", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_fails_and_the_others_go_on(tmp_path, text):
    """One record, no traceback."""
    write_text(tmp_path / "good.xml", an_annotation(an_object(), filename="good.jpg"))
    rows, tally = one(tmp_path, text)
    assert len(rows) == 1
    assert tally.failed == {"bad-xml": 1}


BAD = {
    "no-box": "",
    "a-side-missing": BOX.replace("<xmin>11</xmin>", ""),
    "a-word": corners("left", 2, 3, 4),
    "nan": corners("nan", 2, 3, 4),
}


@pytest.mark.parametrize("box", BAD.values(), ids=BAD)
def test_an_object_that_is_no_box_costs_only_itself(tmp_path, box):
    """It is skipped with its index."""
    rows, tally = one(tmp_path, an_annotation(an_object(), an_object(box), an_object()))
    assert len(rows) == 2
    assert str(tally.examples["bad-box"][0]).startswith(f"{tmp_path / 'a.xml'}[1]: ")


# Result files


def test_v14_result_files_are_joined_by_image(tmp_path):
    """The class comes from the file's name, ids are looked up, scores kept."""
    folder = images_of(tmp_path / "images", "2009_1.jpg", "2009_2.jpg")
    write_text(tmp_path / "r/comp4_det_test_cat.txt", "2009_1 0.83 1 1 20 30\n2009_2 0.1 2 2 5 5\n")
    write_text(tmp_path / "r/comp4_det_test_potted plant.txt", "2009_1 0.5 11 11 12 12.5\n\n")
    rows, tally = read("voc", tmp_path / "r", folder=folder)
    assert sorted(rows) == [
        ("2009_1.jpg", "cat", 0.0, 0.0, 20.0, 30.0, 0.83),
        ("2009_1.jpg", "potted plant", 10.0, 10.0, 12.0, 12.5, 0.5),
        ("2009_2.jpg", "cat", 1.0, 1.0, 5.0, 5.0, 0.1),
    ]
    assert tally.images == 2


@pytest.mark.parametrize("row", ["x 0.5 1 2 3", "x 0.5 1 2 3 4 5", "x high 1 2 3 4", "x 0.5 nan 2 3 4"])
def test_v14_a_bad_row_costs_only_itself(tmp_path, row):
    """It is skipped with its line."""
    rows, tally = one(tmp_path, f"a 0.5 1 2 3 4\n{row}\n", name="comp3_det_val_cat.txt")
    assert len(rows) == 1
    assert str(tally.examples["bad-row"][0]).startswith(f"{tmp_path / 'comp3_det_val_cat.txt'}:2: ")


def test_v14_a_minimum_of_0_ends_the_run_too(tmp_path):
    """The same rule as in annotation files."""
    with pytest.raises(InputError, match="--voc-origin 0"):
        one(tmp_path, "a 0.5 0 2 3 4\n", name="comp3_det_val_cat.txt")


def test_v14_many_images_come_in_chunks_each_once(tmp_path):
    """However the rows are mixed."""
    lines = [f"im{n % 997} 0.5 1 1 {n % 50 + 2} 9" for n in range(30_000)]
    rows, _ = one(tmp_path, "\n".join(lines), name="comp3_det_val_cat.txt")
    assert len(rows) == 30_000
    assert [r[4] for r in rows if r[0] == "im3"] == [float(n % 50 + 2) for n in range(30_000) if n % 997 == 3]


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [("a.xml", an_annotation(), True), ("a.xml", "<html/>", False), ("a.txt", "0 0.5 0.5 0.2 0.2", False)],
)
def test_it_recognises_its_files_and_no_others(tmp_path, name, text, expected):
    """By the root element, or by name and row."""
    write_text(tmp_path / name, text)
    assert bool(FORMATS["voc"].sniff(source_of(tmp_path))) == expected


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
def test_what_is_written_reads_back(tmp_path_factory, chunk):
    """The same boxes, labels, scores and empty images."""
    folder = tmp_path_factory.mktemp("voc")
    FORMATS["voc"].write([chunk], folder, a_context("voc"))
    rows, tally = read("voc", folder / "Annotations", catalog=catalog_of(chunk))
    assert_same(rows, rows_of([chunk]), tolerance=1e-9)
    assert tally.images == len(chunk.images)


def test_what_is_written_is_1_based_and_well_formed(tmp_path):
    """As the format defines it; whole numbers as whole numbers."""
    chunk = Detections.from_counts([Image("a.jpg", 9, 9)], [1], [[0, 1, 5, 6.5]], [0], ["<&>"], score=[0.5])
    FORMATS["voc"].write([chunk], tmp_path, a_context("voc"))
    root = ET.parse(tmp_path / "Annotations/a.xml").getroot()
    assert [root.findtext(f"object/bndbox/{t}") for t in ("xmin", "ymin", "xmax", "ymax")] == ["1", "2", "5", "6.5"]
    assert root.findtext("object/name") == "<&>"


def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path):
    """Nothing is written there."""
    chunk = Detections.from_counts([Image("../a.jpg", 9, 9)], [0], [], [], ())
    with pytest.raises(InputError, match="points outside"):
        FORMATS["voc"].write([chunk], tmp_path / "out", a_context("voc"))


@pytest.mark.parametrize("value", [0.5, -1, -3.25])
def test_v1_any_coordinate_below_1_asks_what_it_means(tmp_path, value):
    """And either answer is taken: counted from 0, or from 1 and reaching out of the image."""
    text = an_annotation(an_object(corners(value, 5, 10, 15)))
    with pytest.raises(InputError, match=r"--voc-origin 0 if .*--voc-origin 1 if"):
        one(tmp_path, text)
    assert one(tmp_path, text, voc_origin="0")[0][0][2] == value
    assert one(tmp_path, text, voc_origin="1")[0][0][2] == value - 1


def test_v6_a_score_that_is_no_number_is_skipped_not_forgotten(tmp_path):
    """The box is counted as bad."""
    _, tally = one(tmp_path, an_annotation(an_object(more="<confidence>high</confidence>")))
    assert tally.dropped == {"bad-box": 1}


def test_v12_an_encoding_of_several_bytes(tmp_path):
    """GBK, as declared."""
    text = '<?xml version="1.0" encoding="GBK"?>' + an_annotation(an_object(name="猫"))
    assert one(tmp_path, text.encode("gbk"))[0][0][1] == "猫"


def test_annotation_files_and_result_files_together_are_an_error(tmp_path):
    """Neither kind is passed over."""
    write_text(tmp_path / "comp4_det_test_cat.txt", "a 0.5 1 2 3 4\n")
    with pytest.raises(InputError, match="annotation files and result files"):
        one(tmp_path, an_annotation())


def test_a_folder_with_neither_is_an_error(tmp_path):
    """Named as voc, it is not an empty success."""
    with pytest.raises(InputError, match="neither XML files nor result files"):
        one(tmp_path, "hello", name="README.txt")


def test_result_files_are_found_among_others(tmp_path):
    """A README before them changes nothing, nor does a bad first row."""
    write_text(tmp_path / "README.txt", "hello\n")
    rows, tally = one(tmp_path, "bad\na 0.5 1 2 3 4\n", name="comp4_det_test_cat.txt")
    assert len(rows) == 1
    assert tally.dropped == {"bad-row": 1}


def test_two_images_of_one_stem_do_not_overwrite_each_other(tmp_path):
    """x.jpg and x.png would both be x.xml."""
    chunk = Detections.from_counts([Image("x.jpg", 9, 9), Image("x.png", 9, 9)], [0, 0], [], [], ())
    for fmt in ("voc", "yolo"):
        with pytest.raises(InputError, match=r"x\.png: another image"):
            FORMATS[fmt].write([chunk], tmp_path / fmt, a_context(fmt))


def test_what_reaches_out_above_or_left_is_cut_and_counted(tmp_path):
    """The format has no number for it."""
    xyxy = [[-5, -1, 5, 5], [-9, 1, -2, 5], [0, 0, 20, 5]]
    chunk = Detections.from_counts([Image("a.jpg", 9, 9)], [3], xyxy, [0, 0, 0], ["x"])
    context = a_context("voc")
    FORMATS["voc"].write([chunk], tmp_path, context)
    rows, _ = read("voc", tmp_path / "Annotations")
    assert [r[2:6] for r in rows] == [(0.0, 0.0, 5.0, 5.0), (0.0, 0.0, 20.0, 5.0)]
    assert (context.tally.changed, context.tally.dropped) == ({"clipped": 1}, {"outside-image": 1})


def test_v14_a_cut_first_row_does_not_hide_the_other_files(tmp_path):
    """It is an error with its line."""
    write_text(tmp_path / "comp4_det_test_cat.txt", "a 0.83 1\na 0.5 1 2 30 40\n")
    write_text(tmp_path / "comp4_det_test_dog.txt", "a 0.83 1 2 30 40\n")
    assert FORMATS["voc"].sniff(source_of(tmp_path))
    rows, tally = read("voc", tmp_path)
    assert (len(rows), tally.dropped) == (2, {"bad-row": 1})

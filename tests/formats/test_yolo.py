"""The YOLO adapter: rows of the field, and back."""

import codecs
import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from boxferry.boxes.detections import Detections, Image
from boxferry.errors import InputError, UsageError
from boxferry.reading.source import source_of
from boxferry_adapters.yolo.classes import Classes
from boxferry_adapters.yolo.layout import Layout
from boxferry_adapters.yolo.rows import parse, parse_carefully, parse_quickly, text_of
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

NAMES = {0: "cat", 1: "dog"}
SIZE = (100, 80)
WHOLE = ("a", "cat", 40.0, 30.0, 60.0, 50.0)


def one(tmp_path, text, *, names=NAMES, size=SIZE, **options):
    """Read one label file, a.txt."""
    write_text(tmp_path / "a.txt", text)
    return read("yolo", tmp_path, names=names, size=size, **options)


GOOD = {
    "Y1-no-score": ("0 .5 .5 .2 .25", None),
    "Y2-score": ("0 0.5 0.5 0.2 0.25 0.75", 0.75),
    "Y2-score-zero": ("0 0.5 0.5 0.2 0.25 0", 0.0),
    "Y2-score-one": ("0 0.5 0.5 0.2 0.25 1.0", 1.0),
    "Y3-track-id": ("0 0.5 0.5 0.2 0.25 1", None),
    "Y3-track-ids": ("0 0.5 0.5 0.2 0.25 12", None),
    "Y4-score-and-track": ("0 0.5 0.5 0.2 0.25 0.75 12", 0.75),
    "Y6-outline": ("0 0.4 0.375 0.6 0.375 0.5 0.625", None),
    "Y7-outline-and-score": ("0 0.4 0.375 0.6 0.375 0.5 0.625 0.75", 0.75),
    "Y7-oriented": ("0 0.5 0.375 0.6 0.5 0.5 0.625 0.4 0.5", None),
    "Y8-crlf-tabs-blanks": ("\r\n0\t0.5  0.5 0.2 0.25 \r\n\r\n", None),
    "Y9-bom": (codecs.BOM_UTF8 + b"0 0.5 0.5 0.2 0.25", None),
    "Y9-utf16": ("0 0.5 0.5 0.2 0.25".encode("utf-16"), None),
    "Y11-class-float": ("0.0 0.5 0.5 0.2 0.25", None),
    "Y11-class-exponent": ("0e0 5e-1 0.5 2E-1 +0.25", None),
}


@pytest.mark.parametrize(("text", "score"), GOOD.values(), ids=GOOD)
def test_rows_as_they_are_written(tmp_path, text, score):
    """Each gives the one box, with its score or none."""
    rows, tally = one(tmp_path, text)
    assert rows == [(*WHOLE, score)]
    assert not tally.dropped


BAD_ROWS = {
    "words": "0 0.5 0.5 wide 0.25",
    "columns-few": "0 0.5 0.5 0.2",
    "Y14-nan": "0 nan 0.5 0.2 0.25",
    "Y14-inf": "0 0.5 0.5 inf 0.25",
    "class-half": "0.5 0.5 0.5 0.2 0.25",
    "class-negative": "-1 0.5 0.5 0.2 0.25",
    "underscore": "0 0_5 0.5 0.2 0.25",
}


@pytest.mark.parametrize("row", BAD_ROWS.values(), ids=BAD_ROWS)
def test_a_row_that_is_no_detection_costs_only_itself(tmp_path, row):
    """It is skipped with file and line, and its neighbours are kept."""
    rows, tally = one(tmp_path, f"0 0.5 0.5 0.2 0.25\n\n{row}\n1 0.5 0.5 0.2 0.25\n")
    assert [r[1] for r in rows] == ["cat", "dog"]
    assert tally.dropped == {"bad-row": 1}
    assert str(tally.examples["bad-row"][0]).startswith(f"{tmp_path / 'a.txt'}:3: ")


FAILS = {
    "scores-of-percent": ("0 0.5 0.5 0.2 0.25 12.5\n0 0.5 0.5 0.2 0.25 13.5", "not-a-score", 2),
    "Y15-pixels": ("0 320 240 64 48\n", "pixels", 1),
    "Y22-classification": ("0.91 cat\n0.05 dog\n", "classification", 0),
    "zero-bytes": (b"0 0.5\0 0.5", "bad-encoding", 0),
}


@pytest.mark.parametrize(("text", "code", "boxes"), FAILS.values(), ids=FAILS)
def test_a_file_that_is_something_else_fails_and_the_others_go_on(tmp_path, text, code, boxes):
    """Its boxes are counted as dropped with the reason, never read as something that they are not."""
    write_text(tmp_path / "b.txt", "0 0.5 0.5 0.2 0.25")
    rows, tally = one(tmp_path, text)
    assert [r[0] for r in rows] == ["b"]
    assert tally.failed == {code: 1}
    assert tally.dropped.total() == boxes


def test_y10_an_empty_file_is_an_image_without_boxes(tmp_path):
    """Counted as an image."""
    rows, tally = one(tmp_path, "")
    assert (rows, tally.images) == ([], 1)


def test_y12_a_class_out_of_range_is_one_record_for_the_class(tmp_path):
    """With the number of its boxes."""
    rows, tally = one(tmp_path, "0 0.5 0.5 0.2 0.25\n7 0.5 0.5 0.2 0.25\n7 0.1 0.5 0.2 0.25\n")
    assert len(rows) == 1
    assert tally.dropped == {"unknown-label": 2}
    (issue,) = tally.examples["unknown-label"]
    assert "class 7 has no name (2 boxes)" in issue.message


def test_y13_y14_boxes_beyond_the_image_or_without_size_are_left_to_the_fit(tmp_path):
    """The reader changes no number."""
    rows, _ = one(tmp_path, "0 1.2 0.5 0.5 0.25\n0 0.5 0.5 0 0.25\n")
    assert [r[2:6] for r in rows] == [(95.0, 30.0, 145.0, 50.0), (50.0, 30.0, 50.0, 50.0)]


def test_y16_boxes_without_any_names_are_an_error_that_shows_what_lies_beside(tmp_path):
    """The file is named, and not taken unasked."""
    write_text(tmp_path / "data.yaml", "names: [cat]")
    with pytest.raises(InputError, match=r"add --names FILE or LIST \(.*data\.yaml is there\)"):
        one(tmp_path / "labels", "0 0.5 0.5 0.2 0.25", names={})


def test_y17_sub_folders_and_dots_in_names(tmp_path):
    """Only the last suffix is taken off, and the path is kept."""
    folder = images_of(tmp_path / "images", "x/a.b.c.jpg", "y/a.b.c.png")
    write_text(tmp_path / "labels/x/a.b.c.txt", "0 0.5 0.5 0.2 0.25")
    write_text(tmp_path / "labels/y/a.b.c.txt", "1 0.5 0.5 0.2 0.25")
    rows, _ = read("yolo", tmp_path / "labels", names=NAMES, folder=folder)
    assert [(r[0], r[1]) for r in rows] == [("x/a.b.c.jpg", "cat"), ("y/a.b.c.png", "dog")]


def test_y17_a_stem_with_two_images_fails_with_both(tmp_path):
    """x.jpg and x.png."""
    folder = images_of(tmp_path / "images", "a.jpg", "a.png")
    rows, tally = one(tmp_path / "labels", "0 0.5 0.5 0.2 0.25", folder=folder, size=None)
    assert rows == []
    assert tally.failed == {"ambiguous-image": 1}
    assert "a.jpg" in tally.examples["ambiguous-image"][0].message


def test_y20_an_image_of_unknown_size_fails_with_the_options(tmp_path):
    """Its boxes are counted."""
    rows, tally = one(tmp_path, "0 0.5 0.5 0.2 0.25\n", size=None)
    assert rows == []
    assert tally.dropped == {"no-size": 1}
    assert "--images DIR, --size WxH or --categories FILE" in tally.examples["no-size"][0].message


def test_two_files_about_one_image_are_not_merged(tmp_path):
    """The second fails: it may be an older run."""
    folder = images_of(tmp_path / "images", "a.jpg")
    write_text(tmp_path / "labels/a.txt", "0 0.5 0.5 0.2 0.25")
    write_text(tmp_path / "labels/old/a.txt", "0 0.5 0.5 0.2 0.25")
    rows, tally = read("yolo", tmp_path / "labels", names=NAMES, folder=folder)
    assert len(rows) == 1
    assert tally.failed.total() == 1


def test_files_that_are_no_labels_are_passed_over(tmp_path):
    """classes.txt and the like, and the result files of VOC."""
    for name in ("classes.txt", "train.txt", "comp4_det_test_cat.txt"):
        write_text(tmp_path / name, "cat\ndog\n")
    rows, tally = one(tmp_path, "0 0.5 0.5 0.2 0.25")
    assert (len(rows), tally.images) == (1, 1)


SNIFFED = {
    "rows": ("0 0.5 0.5 0.2 0.25\n", True),
    "scored": ("3 0.5 0.5 0.2 0.25 0.9\n", True),
    "polygon": ("0 0.1 0.1 0.2 0.2 0.3 0.3\n", True),
    "prose": ("once upon a time there was\n", False),
    "classification": ("0.91 cat\n", False),
    "voc-ids": ("2009_000001 0.83 1 2 3 4\n", False),
    "json": ('[{"image_id": 1}]\n', False),
}


@pytest.mark.parametrize(("text", "expected"), SNIFFED.values(), ids=SNIFFED)
def test_it_recognises_its_rows_and_no_others(tmp_path, text, expected):
    """And says what it saw."""
    write_text(tmp_path / "a.txt", text)
    assert bool(FORMATS["yolo"].sniff(source_of(tmp_path))) == expected


NUMBERS = st.floats(0, 1, allow_subnormal=False).map(lambda f: f"{f:.6f}")
BLANKS = st.sampled_from([" ", "  ", "\t"])
ENDS = st.sampled_from(["\n", "\r\n", " \n", "\n\n"])


@given(st.lists(st.tuples(st.integers(0, 90), st.lists(NUMBERS, min_size=3, max_size=6), BLANKS, ENDS), max_size=6))
def test_the_quick_and_the_careful_way_agree(rows):
    """Where the quick one takes a file, it gives what the careful one gives, line numbers too."""
    text = "".join(blank.join([str(c), *numbers]) + end for c, numbers, blank, end in rows).encode()
    quick, careful = parse_quickly(text_of(text)), parse_carefully(text_of(text), Layout(six="score"), Classes(NAMES))
    if quick is not None:
        assert str(quick) == str(careful)
    assert str(parse(text, Layout(six="score"), Classes(NAMES))) == str(careful)


@settings(deadline=None, max_examples=60)
@given(chunk=detections())
def test_what_is_written_reads_back(tmp_path_factory, chunk):
    """The same boxes within a millionth of a pixel's tenth, labels, scores and empty images."""
    folder = tmp_path_factory.mktemp("yolo")
    FORMATS["yolo"].write([chunk], folder, a_context("yolo"))
    import yaml

    names = yaml.safe_load((folder / "data.yaml").read_text())["names"]
    rows, tally = read("yolo", folder / "labels", names=names or {0: "x"}, catalog=catalog_of(chunk))
    assert_same(rows, rows_of([chunk]), tolerance=1e-5)
    assert tally.images == len(chunk.images)


def test_names_keep_the_ids_that_they_were_given(tmp_path):
    """New names come after them."""
    chunk = Detections.from_counts([Image("a.jpg", 9, 9)], [2], [[0, 0, 1, 1]] * 2, [0, 1], ["new", "cat"])
    FORMATS["yolo"].write([chunk], tmp_path, a_context("yolo", names={0: "dog", 2: "cat"}))
    assert (tmp_path / "data.yaml").read_text() == "names:\n  0: dog\n  2: cat\n  3: new\n"
    assert [line.split()[0] for line in (tmp_path / "labels/a.txt").read_text().splitlines()] == ["3", "2"]


@pytest.mark.parametrize("key", ["../a.jpg", "/etc/a.jpg", "x/../../a.jpg"])
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path, key):
    """Nothing is written there."""
    chunk = Detections.from_counts([Image(key, 9, 9)], [0], [], [], ())
    with pytest.raises(InputError, match="points outside"):
        FORMATS["yolo"].write([chunk], tmp_path / "out", a_context("yolo"))


def test_scores_for_some_boxes_only_are_refused(tmp_path):
    """A missing score would come back as another number's."""
    corners = [[0, 0, 1, 1]] * 2
    chunk = Detections.from_counts([Image("a.jpg", 9, 9)], [2], corners, [0, 0], ["x"], score=[0.5, float("nan")])
    with pytest.raises(InputError, match=r"a\.jpg: some of its boxes have a score"):
        FORMATS["yolo"].write([chunk], tmp_path, a_context("yolo"))


TRACKS = "0 0.5 0.5 0.2 0.25 {}\n0 0.5 0.5 0.4 0.25 {}\n"
MIXED = {
    "in-a-file": {"a": TRACKS.format("0.5", "12")},
    "ids-then-scores": {"a": TRACKS.format(1, 2), "b": TRACKS.format("0.5", "0.25")},
    "scores-then-ids": {"a": TRACKS.format("0.5", "0.25"), "b": TRACKS.format(1, 2)},
}


@pytest.mark.parametrize("files", MIXED.values(), ids=MIXED)
def test_y3_scores_and_track_ids_in_one_column_end_the_run_with_the_option(tmp_path, files):
    """Never a score of 12, in whatever order the files come."""
    for name, text in files.items():
        write_text(tmp_path / f"{name}.txt", text)
    with pytest.raises(InputError, match="--columns cls,x,y,w,h,conf or cls,x,y,w,h,id"):
        read("yolo", tmp_path, names=NAMES, size=SIZE)


def test_y3_a_later_file_may_be_the_first_with_a_sixth_column(tmp_path):
    """Far behind those that were looked at first; and one that contradicts it is told."""
    for number in range(100):
        write_text(tmp_path / f"{number:03}.txt", "0 0.5 0.5 0.2 0.25")
    write_text(tmp_path / "a.txt", TRACKS.format(7, 8))
    (chunk,) = chunks_of(tmp_path)
    assert chunk.track.tolist() == [-1] * 100 + [7, 8]
    write_text(tmp_path / "b.txt", TRACKS.format("0.5", "0.25"))
    with pytest.raises(InputError, match=r"b\.txt: its sixth column holds scores, that of others track ids"):
        chunks_of(tmp_path)


def chunks_of(path, *, polygons=False, size=SIZE, folder=None, **options):
    """The chunks of a source, and what their columns hold."""
    context = dataclasses.replace(
        a_context("yolo", names=NAMES, size=size, folder=folder, **options), polygons=polygons
    )
    return list(FORMATS["yolo"].read(source_of(path), context))


def test_y4_tracks_stay_with_their_boxes(tmp_path):
    """A row without one has -1."""
    write_text(tmp_path / "a.txt", "0 0.5 0.5 0.2 0.25\n0 0.5 0.5 0.4 0.25 0.75 3\n5 0.5 0.5 0.4 0.25 0.5 4\n")
    (chunk,) = chunks_of(tmp_path)
    assert chunk.track.tolist() == [-1, 3]


def test_y5_columns_say_what_each_is(tmp_path):
    """Darknet's order; every row must have just these."""
    rows, tally = one(tmp_path, "0 0.75 0.5 0.5 0.2 0.25\n0 0.5 0.5 0.2 0.25", columns="cls,conf,x,y,w,h")
    assert rows == [(*WHOLE, 0.75)]
    assert tally.dropped == {"bad-row": 1}
    (chunk,) = chunks_of(write_text(tmp_path / "b" / "b.txt", "0 0.5 0.5 0.2 0.25 1"), columns="cls,x,y,w,h,id")
    assert chunk.track.tolist() == [1]


@pytest.mark.parametrize("columns", ["cls,x,y,w", "cls,x,y,w,h,h", "cls,x,y,w,h,colour", "x"])
def test_y5_columns_that_there_are_not_are_said(tmp_path, columns):
    """With those that are expected."""
    with pytest.raises(UsageError, match=f"--columns {columns}: expected each of cls, x, y, w, h"):
        one(tmp_path, "0 0.5 0.5 0.2 0.25", columns=columns)


def test_y6_an_outlines_bounds_are_the_box_and_the_outline_comes_on_request(tmp_path):
    """In pixels; rows of boxes beside it have none; how many boxes are bounds is noted."""
    text = "0 0.4 0.375 0.6 0.375 0.5 0.625\n1 0.5 0.5 0.2 0.25\n"
    assert one(tmp_path, text)[1].noted == {"outlines": 1}
    (chunk,) = chunks_of(tmp_path, polygons=True)
    assert chunk.xyxy.tolist() == [[40, 30, 60, 50], [40, 30, 60, 50]]
    assert chunk.polygons[0][0].round(9).tolist() == [[40, 30], [60, 30], [50, 50]]
    assert chunk.polygons[1] is None
    assert chunks_of(tmp_path)[0].polygons is None


def test_y7_seven_columns_with_two_readings_are_an_error(tmp_path):
    """A triangle whose last corner is at 1, or a box of track 1."""
    write_text(tmp_path / "a.txt", "0 0.5 0.5 0.2 0.25 0.5 1")
    with pytest.raises(InputError, match="--columns cls,x,y,w,h,conf,id or --yolo-kind segments"):
        chunks_of(tmp_path)
    (chunk,) = chunks_of(tmp_path, yolo_kind="segments")
    assert chunk.xyxy.round(9).tolist() == [[20, 20, 50, 80]]
    (chunk,) = chunks_of(tmp_path, yolo_kind="boxes")
    assert chunk.track.tolist() == [1]


def test_y7_a_triangle_among_boxes_with_tracks_is_a_bad_row(tmp_path):
    """Where the first files say that rows of seven are boxes."""
    for number in range(70):
        write_text(tmp_path / f"{number:03}.txt", f"0 0.5 0.5 0.2 0.25 0.5 {number + 2}")
    write_text(tmp_path / "a.txt", "0 0.4 0.375 0.6 0.375 0.5 0.625")
    _, tally = read("yolo", tmp_path, names=NAMES, size=SIZE)
    assert tally.dropped == {"bad-row": 1}


def test_y7_of_a_pose_only_the_box_is_read(tmp_path):
    """Keypoints are no corners, and nothing but the option tells them apart."""
    rows, _ = one(tmp_path, "0 0.5 0.5 0.2 0.25 0.1 0.1 2 0.2 0.2 2", yolo_kind="pose")
    assert rows == [(*WHOLE, None)]


def test_y15_pixels_are_read_as_such_when_told(tmp_path):
    """Of the whole file; the error names the option."""
    text = "0 50 40 20 20 0.5"
    _, tally = one(tmp_path, text)
    assert "--absolute yes" in tally.examples["pixels"][0].message
    assert one(tmp_path, text, absolute="yes")[0] == [(*WHOLE, 0.5)]


def test_y18_lines_written_twice_are_collapsed_and_counted(tmp_path):
    """A second run appends to the same file."""
    text = "0 0.5 0.5 0.2 0.25 0.75\n1 0.5 0.5 0.2 0.25 0.75\n"
    rows, tally = one(tmp_path, text * 3)
    assert len(rows) == 2
    assert tally.dropped == {"duplicate-line": 4}
    assert tally.read == 6


@pytest.mark.parametrize("origin", ["0", "1"])
def test_y19_files_of_frames_are_one_video(tmp_path, origin):
    """In the order of their numbers, which is not that of their names; an empty file is a frame without boxes."""
    for number, x in ((1, 0.5), (2, 0.25), (10, 0.75), (3, None)):
        row = "" if x is None else f"0 {x} 0.5 0.2 0.25 0.5 7"
        write_text(tmp_path / "sub" / f"clip_1_{number}.txt", row)
    write_text(tmp_path / "other_5.txt", "0 0.5 0.5 0.2 0.25 0.5 7")
    write_text(tmp_path / "still.txt", "0 0.5 0.5 0.2 0.25 0.5 7")
    (chunk,) = chunks_of(tmp_path, yolo_frames=origin)
    assert [(image.key, image.video) for image in chunk.images] == [("other", True), ("sub/clip_1", True)]
    shift = int(origin)
    assert chunk.frame.tolist() == [5 - shift, 1 - shift, 2 - shift, 10 - shift]
    assert chunk.track.tolist() == [7] * 4
    assert read("yolo", tmp_path, names=NAMES, size=SIZE, yolo_frames=origin)[1].failed == {"no-frame": 1}


def test_y19_without_the_option_they_are_stills(tmp_path):
    """A number at the end of a name is no frame unless somebody says so."""
    write_text(tmp_path / "clip_1.txt", "0 0.5 0.5 0.2 0.25")
    (chunk,) = chunks_of(tmp_path)
    assert (chunk.images[0].key, chunk.images[0].video, chunk.frame) == ("clip_1", False, None)


def test_y12_the_first_place_of_an_unknown_class_is_told(tmp_path):
    """File and line."""
    _, tally = one(tmp_path, "0 0.5 0.5 0.2 0.25\n\n9 0.5 0.5 0.2 0.25\n")
    assert str(tally.examples["unknown-label"][0]).startswith(f"{tmp_path / 'a.txt'}:3: ")


@pytest.mark.parametrize("row", ["1e300 0.5 0.5 0.2 0.2", "9223372036854775808 0.5 0.5 0.2 0.2", "0 1e308 0.5 0.2 0.2"])
def test_numbers_that_no_row_can_hold_are_bad_rows(tmp_path, row):
    """Rather than an overflow."""
    rows, tally = one(tmp_path, "".join(f"0 0.5 0.5 0.2 0.{n + 250}\n" for n in range(200)) + row)
    assert (len(rows), tally.dropped) == (200, {"bad-row": 1})


@pytest.mark.parametrize("text", ["0,0.5,0.5,0.2,0.2", "0 0.5 0.5 0.2 0.2],[1 0.5 0.5 0.2 0.2"])
def test_commas_and_brackets_are_no_blanks(tmp_path, text):
    """Whichever way the file is parsed."""
    rows, tally = one(tmp_path, text)
    assert rows == []
    assert tally.dropped == {"bad-row": 1}


def test_a_folder_without_label_files_is_an_error(tmp_path):
    """Named as yolo, it is not an empty success."""
    with pytest.raises(InputError, match="no label files"):
        read("yolo", tmp_path, names=NAMES)


@pytest.mark.parametrize("name", ["train", "val", "classes", "README"])
def test_an_image_of_a_lists_name_is_not_passed_over(tmp_path, name):
    """Rows are rows."""
    write_text(tmp_path / f"{name}.txt", "0 0.5 0.5 0.2 0.25")
    assert len(read("yolo", tmp_path, names=NAMES, size=SIZE)[0]) == 1


def test_only_an_images_suffix_is_taken_off(tmp_path):
    """frame_0.1 and frame_0.2 are two images."""
    chunk = Detections.from_counts([Image("frame_0.1", 9, 9), Image("frame_0.2", 9, 9)], [0, 0], [], [], ())
    FORMATS["yolo"].write([chunk], tmp_path, a_context("yolo"))
    assert sorted(p.name for p in (tmp_path / "labels").iterdir()) == ["frame_0.1.txt", "frame_0.2.txt"]

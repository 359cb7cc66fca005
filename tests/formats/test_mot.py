"""The MOT Challenge adapter: det.txt, gt.txt and trackers' results, each about one video."""

import gzip
import re
from pathlib import Path

import numpy as np
import pytest

from boxferry import read as read_source
from boxferry.boxes.fit import fit
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.formats import Context
from boxferry.reading.images import ImageIndex
from boxferry.reading.source import source_of
from boxferry_adapters import mot
from formats.reading import FORMATS, write_text
from videos import a_video

FIXTURES = Path(__file__).parents[2] / "fixtures"
SEQINFO = "[Sequence]\nname=MOT17-02\nimDir=img1\nframeRate=30\nseqLength=600\nimWidth=1920\nimHeight=1080\n"
DET = "1,-1,11,21,30,40,0.9,-1,-1,-1\n"
GT = "1,3,11,21,30,40,1,1,0.86\n"


def the_format():
    """The adapter's format, also where it is not installed."""
    found = []
    mot.boxferry_register_formats(found.append)
    return found[0]


MOT = the_format()


def chunks_of(path, *, names=None, folder=None, size=None, tally=None, attributes=(), **options):
    """The chunks of a source, and the tally; read = kept + dropped, and each video comes once."""
    defaults = {option.name: option.default for option in MOT.options} | {"mot-label": "person"}
    given = {name.replace("_", "-"): value for name, value in options.items()}
    images = ImageIndex.build(folder=folder, size=size)
    context = Context(
        images=images, tally=tally or Tally(), names=names or {}, options=defaults | given, attributes=attributes
    )
    chunks = list(MOT.read(source_of(path), context))
    assert context.tally.kept == sum(map(len, chunks)), "read = kept + dropped"
    keys = [image.key for chunk in chunks for image in chunk.images]
    assert len(keys) == len(set(keys)) == context.tally.images
    return chunks, context.tally


def one(path, text, **options):
    """The only chunk of one file, and the tally."""
    (chunk,), tally = chunks_of(write_text(path, text), **options)
    return chunk, tally


def labels_of(chunk):
    return [chunk.labels[code] for code in chunk.label]


# Rows


def test_a_row_is_a_box_of_a_frame(tmp_path):
    """Frames and corners count from 1 in the file and from 0 here; the size is as it stands; -1 is no track."""
    text = "1,-1,1,1,100,80,0.9,-1,-1,-1\n4,7,11.5,21,30.25,40,0.5,-1,-1,-1\n"
    chunk, _ = one(tmp_path / "v.txt", text)
    assert chunk.xyxy.tolist() == [[0.0, 0.0, 100.0, 80.0], [10.5, 20.0, 40.75, 60.0]]
    assert chunk.frame.tolist() == [0, 3]
    assert chunk.track.tolist() == [-1, 7]
    assert chunk.score.tolist() == [0.9, 0.5]
    assert chunk.row.tolist() == [1, 2]
    assert labels_of(chunk) == ["person", "person"]
    assert chunk.images[0].video


def test_without_a_track_in_any_row_there_are_no_tracks(tmp_path):
    """As in det.txt; a track 0 is one."""
    assert one(tmp_path / "v.txt", DET)[0].track is None
    assert one(tmp_path / "v.txt", DET.replace("-1", "0", 1))[0].track.tolist() == [0]


WRITTEN = {
    "blank-lines": "\n\n" + DET + "\n   \n",
    "windows": DET.replace("\n", "\r\n"),
    "byte-order-mark": b"\xef\xbb\xbf" + DET.encode(),
    "blanks": "1, -1 , 11,21,\t30, 40, 0.9, -1, -1, -1",
    "scientific": "1.000e+00,-1.0,1.1e1,2.1E+01,30,40,9e-1,-1,-1,-1\n",
    "six-columns-more": "1,-1,11,21,30,40,0.9\n",
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_rows_as_they_are_written(tmp_path, text):
    """All the same box."""
    chunk, tally = one(tmp_path / "v.txt", text)
    assert (chunk.xyxy.tolist(), chunk.frame.tolist()) == ([[10.0, 20.0, 40.0, 60.0]], [0])
    assert chunk.score.tolist() == [0.9]
    assert not tally.dropped


def test_a_row_without_a_seventh_column_has_no_score(tmp_path):
    """Beside others that have one."""
    chunk, _ = one(tmp_path / "v.txt", "1,-1,11,21,30,40\n" + DET)
    assert np.isnan(chunk.score).tolist() == [True, False]


BAD = {
    "few": ("1,-1,11,21,30", "5 columns"),
    "many": ("1,-1,11,21,30,40,1,1,1,1,1", "11 columns"),
    "blanks-between": ("1 -1 11 21 30 40", "not a number"),
    "a-word": ("1,-1,left,21,30,40", "not a number"),
    "empty": ("1,-1,,21,30,40", "not a number"),
    "nan": ("1,-1,nan,21,30,40", "not a number"),
    "inf": ("1,-1,11,21,inf,40", "not a number"),
    "underscore": ("1,-1,1_1,21,30,40", "not a number"),
    "script": ("1,-1,٣,21,30,40", "not a number"),
    "half-frame": ("1.5,-1,11,21,30,40", "frame 1.5"),
    "frame-below": ("-1,-1,11,21,30,40", "frame -1"),
    "half-id": ("1,0.5,11,21,30,40", "id 0.5"),
    "id-below": ("1,-2,11,21,30,40", "id -2"),
    "id-too-large": ("1,1e300,11,21,30,40", "id 1e+300"),
    "negative": ("1,-1,11,21,-30,40", "cannot be negative"),
}


@pytest.mark.parametrize(("row", "message"), BAD.values(), ids=BAD)
def test_a_bad_row_costs_only_itself(tmp_path, row, message):
    """It is skipped with file and line."""
    chunk, tally = one(tmp_path / "v.txt", f"{DET}\n{row}\n{DET}")
    assert (chunk.row.tolist(), tally.dropped) == ([1, 4], {"bad-row": 1})
    (issue,) = tally.examples["bad-row"]
    assert str(issue).startswith(f"{tmp_path / 'v.txt'}:3: ")
    assert message in issue.message


def test_scores_of_any_range_are_taken_as_they_are(tmp_path):
    """Detectors give margins; one of -1 among others is a margin too."""
    chunk, tally = one(tmp_path / "v.txt", "".join(DET.replace("0.9", s) for s in ("-0.4", "12.75", "-1", "0")))
    assert chunk.score.tolist() == [-0.4, 12.75, -1.0, 0.0]
    assert not tally.noted


def test_minus_1_in_every_row_is_no_score(tmp_path):
    """As in the benchmark's own example of results; the run says so."""
    chunk, tally = one(tmp_path / "v.txt", "1, 3, 794.27, 247.59, 71.245, 174.88, -1, -1, -1, -1\n" * 2)
    assert np.isnan(chunk.score).all()
    assert tally.noted == {"no-scores": 1}


def test_a_frame_0_contradicts_the_format_and_ends_the_run(tmp_path):
    """All frames would be one off: the option says which is meant."""
    path = write_text(tmp_path / "v.txt", DET + DET.replace("1", "0", 1))
    with pytest.raises(InputError, match=r"v\.txt:2: a frame 0, .*--mot-first-frame 0"):
        chunks_of(path)
    (chunk,), _ = chunks_of(path, mot_first_frame="0")
    assert chunk.frame.tolist() == [1, 0]
    (chunk,), tally = chunks_of(path, mot_first_frame="1")
    assert (chunk.frame.tolist(), tally.dropped) == ([0], {"no-such-frame": 1})


def test_a_dropped_box_is_listed_with_its_line(tmp_path):
    """The fit says where it stands."""
    chunk, tally = one(tmp_path / "v.txt", f"{DET}\n1,-1,500,500,9,9,0.5,-1,-1,-1\n", size=(100, 80))
    fit(chunk, tally=tally)
    assert str(tally.examples["outside-image"][0]).startswith(f"{tmp_path / 'v.txt'}:3: ")


# Ground truth


def test_in_ground_truth_the_seventh_column_is_a_flag_and_no_score(tmp_path):
    """0 is dropped with the reason; any other value counts, and no box has a score."""
    text = "".join(GT.replace("40,1,", f"40,{flag},") for flag in (1, 0, -1, 0.5))
    chunk, tally = one(tmp_path / "gt.txt", text)
    assert chunk.row.tolist() == [1, 3, 4]
    assert np.isnan(chunk.score).all()
    assert tally.dropped == {"ignored": 1}
    assert str(tally.examples["ignored"][0]).startswith(f"{tmp_path / 'gt.txt'}:2: ")


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("gt.txt", "", 1),
        ("gt_val_half.txt", "", 1),
        ("det.txt", "", 2),
        ("gtx.txt", "", 2),
        ("gt.txt", "results", 2),
        ("boxes.txt", "gt", 1),
    ],
)
def test_which_of_the_two_it_is_is_told_by_name_or_option(tmp_path, name, kind, kept):
    """The option wins."""
    chunk, _ = one(tmp_path / name, GT + GT.replace("40,1,", "40,0,"), mot_kind=kind)
    assert len(chunk) == kept
    assert np.isnan(chunk.score).any() == (kept == 1)


def test_the_visibility_of_ground_truth_is_read_where_it_is_asked_for(tmp_path):
    """In results the ninth column is a coordinate of the world."""
    text = GT + "1,3,11,21,30,40,1,1\n"
    assert one(tmp_path / "gt.txt", text, attributes=("visibility",))[0].attributes.tolist() == [
        {"visibility": 0.86},
        None,
    ]
    assert one(tmp_path / "gt.txt", text)[0].attributes is None
    assert one(tmp_path / "v.txt", text, attributes=("visibility",))[0].attributes.tolist() == [None, None]


# Labels


NAMES = {1: "pedestrian", 3: "car"}


def test_a_class_has_its_name_and_other_boxes_the_label_that_is_given(tmp_path):
    """Ids of classes are those of the names; -1, or no eighth column, is no class."""
    text = "".join(f"{frame},1,11,21,30,40,1{more}\n" for frame, more in enumerate((",3,1", ",1", ",-1", ""), start=1))
    chunk, _ = one(tmp_path / "v.txt", text, names=NAMES, mot_label="thing")
    assert labels_of(chunk) == ["car", "pedestrian", "thing", "thing"]


def test_without_names_all_boxes_have_the_label_that_is_given(tmp_path):
    """Also where the eighth column is no class at all, but a coordinate of the world."""
    chunk, _ = one(tmp_path / "v.txt", "1,1,11,21,30,40,1,7,1\n1,1,11,21,30,40,1,-8.45,3.2,0\n", mot_label="thing")
    assert labels_of(chunk) == ["thing", "thing"]


@pytest.mark.parametrize("text", [GT, DET], ids=["class", "no-class"])
def test_without_either_the_error_names_both(tmp_path, text):
    """With file and line."""
    with pytest.raises(InputError, match=r"v\.txt:2: .*--names.*--mot-label"):
        one(tmp_path / "v.txt", "\n" + text, mot_label="")


def test_names_alone_do_not_tell_the_label_of_a_box_without_a_class(tmp_path):
    """It is an error that says so."""
    with pytest.raises(InputError, match=r"v\.txt:1: no class in column 8.*--mot-label"):
        one(tmp_path / "v.txt", DET, names=NAMES, mot_label="")


def test_a_class_without_a_name_is_unknown_and_one_that_is_not_whole_is_none(tmp_path):
    """One record for the class with its boxes, also where other boxes have a label given."""
    text = GT + GT.replace(",1,1,", ",1,9,") * 2 + GT.replace(",1,1,", ",1,2.5,") + GT.replace(",1,1,", ",1,1e300,")
    chunk, tally = one(tmp_path / "gt.txt", text, names=NAMES)
    assert (len(chunk), tally.dropped) == (1, {"unknown-label": 2, "bad-row": 2})
    assert str(tally.examples["unknown-label"][0]).startswith(f"{tmp_path / 'gt.txt'}:2: class 9 has no name (2 boxes)")


@pytest.mark.parametrize(
    ("names", "classes", "noted"),
    [
        ({0: "a", 1: "b"}, "11", True),
        ({0: "a", 1: "b"}, "01", False),
        (NAMES, "13", False),
    ],
)
def test_names_that_seem_to_be_one_off_are_noted(tmp_path, names, classes, noted):
    """A list counts from 0, and the benchmark's classes from 1."""
    text = "".join(GT.replace(",1,1,", f",1,{class_id},") for class_id in classes)
    _, tally = one(tmp_path / "gt.txt", text, names=names)
    assert tally.noted == ({"names-from-0": 1} if noted else {})


# The video


@pytest.mark.parametrize("where", ["MOT17-02/seqinfo.ini", "MOT17-02/gt/seqinfo.ini"], ids=["above", "beside"])
def test_seqinfo_says_what_the_video_is(tmp_path, where):
    """Its name, size, length and rate."""
    write_text(tmp_path / where, SEQINFO.replace("MOT17-02", "another"))
    chunk, _ = one(tmp_path / "MOT17-02/gt/gt.txt", GT)
    (image,) = chunk.images
    assert (image.key, image.width, image.height) == ("another", 1920, 1080)
    assert (image.video, image.frames, image.frame_rate) == (True, 600, 30.0)
    assert image.source == str(tmp_path / "MOT17-02/gt/gt.txt")


def test_seqinfo_further_above_is_of_something_else(tmp_path):
    """It is not looked for in every folder up to the root."""
    write_text(tmp_path / "seqinfo.ini", SEQINFO)
    chunk, _ = one(tmp_path / "a/b/v.txt", GT)
    assert (chunk.images[0].key, chunk.images[0].frames) == ("v", 0)


PLACES = {
    "stem": ("results/MOT17-04.txt", "MOT17-04"),
    "dot": ("results/a.b.txt", "a.b"),
    "det": ("MOT17-04/det/det.txt", "MOT17-04"),
    "gt": ("MOT17-04/gt/gt.txt", "MOT17-04"),
    "half": ("MOT17-04/gt/gt_val_half.txt", "MOT17-04"),
    "other-in-gt": ("x/gt/MOT17-04.txt", "MOT17-04"),
}


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
@pytest.mark.parametrize(("place", "key"), PLACES.values(), ids=PLACES)
def test_without_seqinfo_the_names_of_file_and_folder_tell_the_video(tmp_path, place, key, whole):
    """The folder's for det/det.txt and gt/gt.txt, else the file's stem; however the source is named."""
    path = write_text(tmp_path / place, GT)
    (chunk,), _ = chunks_of(tmp_path if whole else path)
    assert [image.key for image in chunk.images] == [key]


def test_a_relative_path_tells_the_video_too(tmp_path, monkeypatch):
    """From within the sequence's own folder."""
    write_text(tmp_path / "MOT17-04/gt/gt.txt", GT)
    monkeypatch.chdir(tmp_path / "MOT17-04/gt")
    (chunk,), _ = chunks_of("gt.txt")
    assert chunk.images[0].key == "MOT17-04"


def a_video_file(path, **facts):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(a_video(**facts))


def test_the_video_itself_is_found_among_the_images(tmp_path):
    """By that name; where seqinfo is silent it says its size and length."""
    a_video_file(tmp_path / "videos/sub/MOT17-04.mp4", frames=5, width=64, height=48)
    chunk, tally = one(tmp_path / "r/MOT17-04.txt", DET + DET.replace("1", "6", 1), folder=tmp_path / "videos")
    (image,) = chunk.images
    assert (image.key, image.width, image.height, image.frames) == ("sub/MOT17-04.mp4", 64, 48, 5)
    assert image.media == str(tmp_path / "videos/sub/MOT17-04.mp4")
    assert (chunk.frame.tolist(), tally.dropped) == ([0], {"no-such-frame": 1})


def test_a_frame_past_the_end_is_dropped_with_the_reason(tmp_path):
    """The last one is kept; both counted as the file counts."""
    write_text(tmp_path / "s/seqinfo.ini", SEQINFO.replace("600", "2"))
    text = "".join(f"{frame},1,11,21,30,40,1\n" for frame in (0, 1, 2, 3))
    chunk, tally = one(tmp_path / "s/gt/gt.txt", text.removeprefix("0,1,11,21,30,40,1\n"))
    assert (chunk.frame.tolist(), tally.dropped) == ([0, 1], {"no-such-frame": 1})
    assert str(tally.examples["no-such-frame"][0]) == f"{tmp_path / 's/gt/gt.txt'}:3: frame 3, expected 1 to 2"
    chunk, tally = one(tmp_path / "s/gt/gt.txt", text, mot_first_frame="0")
    assert (chunk.frame.tolist(), tally.dropped) == ([0, 1], {"no-such-frame": 2})


def test_a_size_given_for_all_yields_to_seqinfo(tmp_path):
    """It is for what nobody else knows."""
    write_text(tmp_path / "s/seqinfo.ini", SEQINFO)
    chunk, _ = one(tmp_path / "s/gt/gt.txt", GT, size=(100, 80))
    assert chunk.images[0].width == 1920
    chunk, _ = one(tmp_path / "v.txt", GT, size=(100, 80))
    assert chunk.images[0].width == 100


def test_a_video_that_is_not_what_seqinfo_says_fails_its_file(tmp_path):
    """Another size: its boxes may be wrong. Another length alone is noted."""
    a_video_file(tmp_path / "videos/MOT17-02.mp4", frames=5, width=64, height=48)
    write_text(tmp_path / "s/seqinfo.ini", SEQINFO)
    path = write_text(tmp_path / "s/gt/gt.txt", GT + "bad\n")
    chunks, tally = chunks_of(path, folder=tmp_path / "videos")
    assert (chunks, tally.failed, tally.dropped) == ([], {"size-mismatch": 1}, {"size-mismatch": 2})
    assert "1920x1080" in tally.examples["size-mismatch"][0].message
    assert "64x48" in tally.examples["size-mismatch"][0].message
    write_text(tmp_path / "s/seqinfo.ini", SEQINFO.replace("1920", "64").replace("1080", "48"))
    (chunk,), tally = chunks_of(path, folder=tmp_path / "videos")
    assert (chunk.images[0].frames, tally.noted) == (600, {"other-length": 1})


def test_an_image_of_that_name_is_no_video(tmp_path):
    """Its file fails, and the others go on."""
    from PIL import Image as Picture

    (tmp_path / "images").mkdir()
    Picture.new("RGB", (9, 9)).save(tmp_path / "images/v.png")
    write_text(tmp_path / "r/v.txt", GT)
    write_text(tmp_path / "r/w.txt", GT)
    chunks, tally = chunks_of(tmp_path / "r", folder=tmp_path / "images")
    assert [chunk.images[0].key for chunk in chunks] == ["w"]
    assert (tally.failed, tally.dropped) == ({"not-a-video": 1}, {"not-a-video": 1})


BAD_SEQINFO = {
    "no-section": ("name=x\n", "cannot be read"),
    "other-section": ("[Video]\nname=x\n", r"no section \[Sequence\]"),
    "a-word": (SEQINFO.replace("600", "many"), "seqLength 'many', expected a whole number"),
    "negative": (SEQINFO.replace("1920", "-1"), "imWidth '-1'"),
    "encoding": (SEQINFO.encode("utf-16"), "cannot be read"),
}


@pytest.mark.parametrize(("text", "message"), BAD_SEQINFO.values(), ids=BAD_SEQINFO)
def test_a_broken_seqinfo_fails_its_file_and_the_others_go_on(tmp_path, text, message):
    """It is named; the boxes are counted."""
    write_text(tmp_path / "a/seqinfo.ini", text)
    write_text(tmp_path / "a/gt/gt.txt", GT * 2)
    write_text(tmp_path / "b/gt/gt.txt", GT)
    (chunk,), tally = chunks_of(tmp_path)
    assert chunk.images[0].key == "b"
    assert (tally.failed, tally.dropped) == ({"bad-seqinfo": 1}, {"bad-seqinfo": 2})
    (issue,) = tally.examples["bad-seqinfo"]
    assert "\n" not in issue.message
    assert re.search(message, issue.message)


def test_a_seqinfo_may_be_short_and_of_windows(tmp_path):
    """What it does not say is not known; a percent sign is one."""
    write_text(tmp_path / "v/seqinfo.ini", b"\xef\xbb\xbf[Sequence]\r\nframeRate=29.97\r\nimDir=100%\r\nseqLength=\r\n")
    chunk, _ = one(tmp_path / "v/gt/gt.txt", GT)
    (image,) = chunk.images
    assert (image.key, image.sized, image.frames, image.frame_rate) == ("v", False, 0, 29.97)


# Sources


def test_a_folder_of_sequences_is_a_chunk_for_each(tmp_path):
    """Lists of names in it hold no rows, and are passed over with a note; an empty file is a video without boxes."""
    for name, text in (("a", DET * 3), ("b", ""), ("c", DET)):
        write_text(tmp_path / f"{name}/det/det.txt", text)
    write_text(tmp_path / "seqmaps/all.txt", "name\na\nb\nc\n")
    chunks, tally = chunks_of(tmp_path)
    assert [(chunk.images[0].key, len(chunk)) for chunk in chunks] == [("a", 3), ("b", 0), ("c", 1)]
    assert tally.noted == {"passed-over": 1}


def test_results_and_ground_truth_together_are_an_error(tmp_path):
    """Neither is passed over, and no video comes twice."""
    write_text(tmp_path / "a/det/det.txt", DET)
    write_text(tmp_path / "a/gt/gt.txt", GT)
    with pytest.raises(InputError, match=r"results and ground truth; name one kind"):
        chunks_of(tmp_path)
    (chunk,), _ = chunks_of(str(tmp_path / "*/gt/gt.txt"))
    assert np.isnan(chunk.score).all()


def test_two_files_about_one_video_fail_the_second(tmp_path):
    """With its boxes counted, and both named."""
    write_text(tmp_path / "a/v.txt", DET)
    write_text(tmp_path / "b/v.txt", DET * 2)
    (chunk,), tally = chunks_of(tmp_path)
    assert (len(chunk), tally.failed, tally.dropped) == (1, {"duplicate-file": 1}, {"duplicate-file": 2})
    assert str(tmp_path / "a/v.txt") in tally.examples["duplicate-file"][0].message


def test_a_folder_without_rows_is_an_error(tmp_path):
    """Named as mot, it is not an empty success; nor is standard input, which has no name to tell its video."""
    write_text(tmp_path / "README.txt", "hello\n")
    with pytest.raises(InputError, match="no files"):
        chunks_of(tmp_path)
    with pytest.raises(InputError, match="standard input: MOT needs files"):
        chunks_of("-")


def test_a_file_that_is_named_is_read_whatever_is_in_it(tmp_path):
    """All its lines are told."""
    chunk, tally = one(tmp_path / "v.txt", "0 0.5 0.5 0.1 0.1\n" * 2)
    assert (len(chunk), tally.dropped) == (0, {"bad-row": 2})


def test_a_zipped_file_is_called_by_its_own_name(tmp_path):
    """And is about the video that it would be about unzipped."""
    path = tmp_path / "MOT17-04/det/det.txt.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(f"{DET}bad\n".encode()))
    (chunk,), tally = chunks_of(path)
    assert chunk.images[0].key == "MOT17-04"
    assert str(tally.examples["bad-row"][0]).startswith(f"{path}:2: ")


def test_a_strict_run_ends_at_the_first_row_that_cannot_be_used(tmp_path):
    """As for every format."""
    with pytest.raises(InputError, match=r"v\.txt:2: "):
        one(tmp_path / "v.txt", f"{DET}bad\n", tally=Tally(strict=True))


SNIFFED = {
    "det": ("det.txt", DET, True),
    "gt": ("gt.txt", GT, True),
    "six": ("v.txt", "\n1, 2, 3.5, 4, 5, 6\n", True),
    "windows": ("v.txt", b"\xef\xbb\xbf" + DET.replace("\n", "\r\n").encode(), True),
    "many": ("v.txt", DET * 500, True),
    "a-bad-row": ("v.txt", DET + "bad\n", True),
    "yolo": ("v.txt", "0 0.5 0.5 0.1 0.1 0.9\n", False),
    "header": ("v.txt", "frame,id,x,y,w,h\n" + DET, False),
    "five": ("v.txt", "1,2,3,4,5\n", False),
    "eleven": ("v.txt", "1,2,3,4,5,6,7,8,9,10,11\n", False),
    "names": ("v.txt", "cat,dog,1,2,3,4\n", False),
    "half": ("v.txt", "0.5,2,3,4,5,6\n", False),
    "empty": ("v.txt", "", False),
    "json": ("v.json", "[1,2,3,4,5,6]", False),
    "voc": ("comp4_det_test_cat.txt", "a 0.5 1 2 3 4\n", False),
}


@pytest.mark.parametrize("whole", [True, False], ids=["folder", "file"])
@pytest.mark.parametrize(("name", "text", "expected"), SNIFFED.values(), ids=SNIFFED)
def test_it_recognises_its_files_by_their_rows_and_no_others(tmp_path, name, text, expected, whole):
    """And no other format claims them."""
    path = write_text(tmp_path / name, text)
    source = source_of(tmp_path if whole else path)
    assert bool(MOT.sniff(source)) == expected
    others = {other: fmt.sniff(source) for other, fmt in FORMATS.items() if other != "mot" and expected}
    assert not any(others.values()), others


def test_a_folder_with_a_list_of_class_names_is_recognised(tmp_path):
    """As CVAT writes it, beside gt.txt; by its rows, with the reason."""
    write_text(tmp_path / "gt/gt.txt", GT)
    write_text(tmp_path / "gt/labels.txt", "cat\ndog\n")
    assert MOT.sniff(source_of(tmp_path)) == "text rows of 'frame,id,x,y,w,h', 9 columns"


@pytest.mark.parametrize("source", ["coco", "yolo/labels", "voc/Annotations", "voc/results", "images"])
def test_it_claims_nothing_of_the_other_formats(source):
    """The fixtures of each."""
    assert MOT.sniff(source_of(FIXTURES / source)) is None


def test_its_options_are_its_own():
    """No other format has an option of the same name."""
    taken = {option.name for name, fmt in FORMATS.items() if name != "mot" for option in fmt.options}
    assert not taken & {option.name for option in MOT.options}


def test_a_long_file_is_read_in_one_go(tmp_path):
    """Tracks and frames stay with their boxes."""
    rows = [f"{n // 100 + 1},{n % 100},{n % 640 + 1},1,10,10,0.5,-1,-1,-1" for n in range(50_000)]
    chunk, _ = one(tmp_path / "v.txt", "\n".join(rows))
    assert chunk.frame.tolist() == [n // 100 for n in range(50_000)]
    assert chunk.track.tolist() == [n % 100 for n in range(50_000)]
    assert chunk.xyxy[:, 0].tolist() == [n % 640 for n in range(50_000)]


# What can only be guessed


def found(source, **how):
    """Labels, and the tally, through the door that users take."""
    tally = Tally()
    chunks = list(read_source(source, size="1920x1080", **how).chunks(tally))
    return [label for chunk in chunks for label in labels_of(chunk)], tally


def classed(*classes):
    return "".join(f"{n},{n},{10 * n},20,30,40,1,{number},1.0\n" for n, number in enumerate(classes, start=1))


WAYS = {
    "file": lambda folder: folder / "gt/gt.txt",
    "folder": lambda folder: folder,
    "glob": lambda folder: f"{folder}/*/gt.txt",
    "list": lambda folder: [folder / "gt/gt.txt"],
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("given", ["file", "list", "text"])
def test_m1_classes_of_a_list_count_from_1(tmp_path, way, given):
    """As CVAT and Datumaro write them, with a labels.txt beside; and it is said."""
    write_text(tmp_path / "a/gt/gt.txt", classed(1, 2))
    names = {"file": write_text(tmp_path / "a/gt/labels.txt", "car\nperson\ndog\n"), "list": ["car", "person", "dog"],
             "text": "car,person,dog"}[given]  # fmt: skip
    labels, tally = found(way(tmp_path / "a"), names=names)
    assert labels == ["car", "person"]
    assert "1 is 'car' and 3 is 'dog'; --mot-first-class 0" in tally.examples["classes-from-1"][0].message


def test_m1_the_last_class_of_a_list_proves_it(tmp_path):
    """Nothing needs to be said then."""
    write_text(tmp_path / "gt.txt", classed(1, 3))
    labels, tally = found(tmp_path, names="car,person,dog")
    assert (labels, tally.noted) == (["car", "dog"], {})


def test_m1_a_run_in_which_0_occurs_counts_from_0(tmp_path):
    """Also where it occurs in a later file."""
    write_text(tmp_path / "a/det/det.txt", classed(1, 2))
    write_text(tmp_path / "b/det/det.txt", classed(0))
    labels, tally = found(tmp_path, names="car,person,dog")
    assert labels == ["person", "dog", "car"]
    assert not tally.noted


def test_m1_both_in_one_run_are_an_error_that_names_the_option(tmp_path):
    """Which then decides."""
    write_text(tmp_path / "det.txt", classed(0, 3))
    with pytest.raises(InputError, match=r"classes 0 and 3 occur, and there are 3 names: --mot-first-class 0 or"):
        found(tmp_path, names="car,person,dog")
    labels, tally = found(tmp_path, names="car,person,dog", unknown="skip", options={"mot-first-class": "0"})
    assert (labels, tally.dropped) == (["car"], {"unknown-label": 1})
    labels, _ = found(tmp_path, names="car,person,dog", unknown="skip", options={"mot-first-class": "1"})
    assert labels == ["dog"]


def test_m1_numbers_that_are_given_with_their_names_are_taken_as_they_are(tmp_path):
    """A data.yaml, a dict; the option shifts them too, where they count from 0."""
    write_text(tmp_path / "det.txt", classed(1, 2))
    yaml = write_text(tmp_path / "data.yaml", "names: [car, person, dog]\n")
    for names in (yaml, {0: "car", 1: "person", 2: "dog"}):
        labels, tally = found(tmp_path / "det.txt", names=names)
        assert labels == ["person", "dog"]
        assert "--mot-first-class 1" in tally.examples["names-from-0"][0].message
        assert found(tmp_path / "det.txt", names=names, options={"mot-first-class": "1"})[0] == ["car", "person"]
    assert found(tmp_path / "det.txt", names={1: "car", 2: "person"}, options={"mot-first-class": "1"})[0][0] == "car"


def test_m1_a_labels_txt_beside_the_file_is_a_hint(tmp_path):
    """And never used unasked."""
    write_text(tmp_path / "gt/labels.txt", "car\n")
    write_text(tmp_path / "gt/gt.txt", classed(1))
    with pytest.raises(InputError, match=r"--names FILE or LIST names .* \(.*labels\.txt is there\)"):
        found(tmp_path)


def test_m2_of_two_boxes_with_one_track_in_a_frame_the_better_stays(tmp_path):
    """The other is dropped with its line."""
    write_text(
        tmp_path / "v.txt", "1,7,10,20,30,40,0.5,-1,-1,-1\n1,7,12,20,30,40,0.9,-1,-1,-1\n2,7,10,20,30,40,0.5,-1,-1,-1\n"
    )
    labels, tally = found(tmp_path / "v.txt", options={"mot-label": "person"})
    assert len(labels) == 2
    assert tally.dropped == {"same-track": 1}
    assert str(tally.examples["same-track"][0]).startswith(f"{tmp_path / 'v.txt'}:1: ")


@pytest.mark.parametrize("corner", ["0,20", "10,0", "0.5,20", "0,0"])
def test_m3_a_box_that_begins_at_0_contradicts_a_count_from_1(tmp_path, corner):
    """An error that names the option, with the line; the option takes the numbers as they are."""
    write_text(tmp_path / "v.txt", f"1,7,10,20,30,40,0.5,-1,-1,-1\n1,8,{corner},30,40,0.5,-1,-1,-1\n")
    with pytest.raises(InputError, match=r"v\.txt:2: a box that begins at .*--mot-origin 0 if .*--mot-origin 1 if"):
        one(tmp_path / "v.txt", (tmp_path / "v.txt").read_text())
    x, y = map(float, corner.split(","))
    for origin in (0, 1):
        chunk, _ = one(tmp_path / "v.txt", (tmp_path / "v.txt").read_text(), mot_origin=str(origin))
        assert chunk.xyxy[1].tolist() == [x - origin, y - origin, x - origin + 30, y - origin + 40]


def test_m3_where_others_reach_out_a_0_is_no_proof(tmp_path):
    """It is noted."""
    chunk, tally = one(tmp_path / "v.txt", "1,7,-3,20,30,40,0.5,-1,-1,-1\n1,8,0,20,30,40,0.5,-1,-1,-1\n")
    assert chunk.xyxy[:, 0].tolist() == [-4, -1]
    assert "--mot-origin 0" in tally.examples["origin"][0].message


def test_a_cut_row_does_not_hide_the_format(tmp_path):
    """It is an error with its line."""
    write_text(tmp_path / "v.txt", DET * 3 + "1,-1,1")
    _, tally = found(tmp_path / "v.txt", options={"mot-label": "person"})
    assert str(tally.examples["bad-row"][0]).startswith(f"{tmp_path / 'v.txt'}:4: ")

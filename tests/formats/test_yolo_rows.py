"""YOLO rows that can be read in several ways: poses, outlines among boxes, other orders, names, frames in one file."""

import math
import random
from pathlib import Path

import pytest

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import ConfigError, InputError
from boxferry.reading.names import load_class_names
from formats.reading import rows_of, write_text

BOX = "0 0.5 0.5 0.2 0.25"
WHOLE = (40.0, 30.0, 60.0, 50.0)
SIZE = (100, 80)


def found(source, *, names=("cat", "dog"), size=SIZE, **how):
    """Boxes, the chunks, and the tally, through the door that users take."""
    tally = Tally()
    names = names if names is None or isinstance(names, str | Path) else list(names)
    chunks = list(read_source(source, names=names, size=size, **how).chunks(tally))
    rows = rows_of(chunks)
    assert tally.kept == len(rows)
    return rows, chunks, tally


def pose(*, score="", track="", visible=("2", "1", "0"), values=3):
    """A box with 17 key points at it."""
    dice, points = random.Random(1), []
    for number in range(17):
        mark = visible[number % len(visible)]
        x, y = (0, 0) if mark == "0" else (0.5 + dice.uniform(-0.1, 0.1), 0.5 + dice.uniform(-0.12, 0.12))
        points += [f"{x:.4f}", f"{y:.4f}", mark][:values]
    return " ".join(part for part in (BOX, *points, score, track) if part)


YAML = "names: [person]\nkpt_shape: [17, {}]\n"
POSES = {
    "plain": (pose(), 3, None, -1),
    "score": (pose(score="0.75"), 3, 0.75, -1),
    "score-and-track": (pose(score="0.75", track="7"), 3, 0.75, 7),
    "track": (pose(track="7"), 3, None, 7),
    "two-values": (pose(values=2), 2, None, -1),
    "two-values-score": (pose(values=2, score="0.75"), 2, 0.75, -1),
    "confidences": (pose(visible=("0.87", "0.5"), score="0.75"), 3, 0.75, -1),
}


@pytest.mark.parametrize(("row", "values", "score", "track"), POSES.values(), ids=POSES)
def test_y23_with_kpt_shape_rows_are_poses(tmp_path, row, values, score, track):
    """The first four columns are the box, one that is left over its score; a visibility of 2 is no pixel."""
    write_text(tmp_path / "labels/a.txt", row + "\n")
    names = write_text(tmp_path / "data.yaml", YAML.format(values))
    rows, (chunk,), tally = found(tmp_path / "labels", names=names, polygons=True)
    assert rows == [("a", "person", *WHOLE, score)]
    assert (-1 if chunk.track is None else int(chunk.track[0])) == track
    assert chunk.polygons is None
    assert not tally.noted


def test_y23_a_row_that_is_no_such_pose_is_a_bad_row(tmp_path):
    """With what was expected; a plain box among poses is one too."""
    write_text(tmp_path / "a.txt", f"{pose()}\n{BOX}\n{pose()} 0.5 7 0.1\n")
    names = write_text(tmp_path / "data.yaml", YAML.format(3))
    rows, _, tally = found(tmp_path, names=names)
    assert len(rows) == 1
    assert tally.dropped == {"bad-row": 2}
    assert "17 key points of 3 values" in tally.examples["bad-row"][0].message


@pytest.mark.parametrize("row", [pose(), pose(score="0.75"), pose(visible=("0.9", "0.4"), score="0.7")])
@pytest.mark.parametrize("late", [0, 100])
@pytest.mark.parametrize("beside", [[], ["b"]], ids=["alone", "with-and-without-score"])
def test_y23_poses_that_nobody_says_are_an_error_with_both_readings(tmp_path, row, late, beside):
    """Never outlines with a visibility as their score; however late the first one comes."""
    for number in range(late):
        write_text(tmp_path / f"{number:03}.txt", BOX)
    for name in beside:
        write_text(tmp_path / f"{name}.txt", f"{pose(score='0.5', visible=('0.8', '0.6'))}\n")
    write_text(tmp_path / "z.txt", f"{row}\n")
    with pytest.raises(
        InputError, match=r"look like poses.*--yolo-kind pose, if they are, --yolo-kind segments if not"
    ):
        found(tmp_path)
    rows, _, _ = found(tmp_path, options={"yolo-kind": "pose"})
    assert rows[-1][2:6] == WHOLE
    assert rows[-1][6] == (None if row == pose() else float(row.split()[-1]))


def outline(points, radius=0.2, centre=0.5):
    """A round outline of so many points."""
    angles = [2 * math.pi * n / points for n in range(points)]
    return "0 " + " ".join(f"{centre + radius * f(a):.6f}" for a in angles for f in (math.cos, math.sin))


@pytest.mark.parametrize("points", [3, 4, 5, 8, 27, 28, 32, 100])
@pytest.mark.parametrize("end", ["", " 0.9"])
def test_y23_outlines_are_never_taken_for_poses(tmp_path, points, end):
    """Also where all have the same number of points; stars, which wind, too."""
    write_text(tmp_path / "a.txt", f"{outline(points)}{end}\n{outline(points, radius=0.1)}{end}\n")
    rows, _, tally = found(tmp_path)
    assert [row[6] for row in rows] == [0.9 if end else None] * 2
    assert tally.examples["outlines"][0].message.startswith("2 boxes")


def test_y23_kpt_shape_of_another_form_is_an_error(tmp_path):
    """Of the file of names."""
    with pytest.raises(ConfigError, match="kpt_shape: expected"):
        load_class_names(str(write_text(tmp_path / "data.yaml", "names: [a]\nkpt_shape: 17\n")))


@pytest.mark.parametrize("late", [0, 70, 1500])
def test_y24_each_row_is_read_by_its_own_width_however_late_an_outline_comes(tmp_path, late):
    """Boxes and outlines in one data set, in one file."""
    for number in range(late):
        write_text(tmp_path / f"{number:04}.txt", BOX)
    write_text(tmp_path / "z.txt", f"{BOX}\n{outline(4)}\n{BOX[:-2]}1 0.75\n")
    rows, _, tally = found(tmp_path)
    assert len(rows) == late + 3
    assert rows[-2][2:6] == pytest.approx((30, 24, 70, 56))
    assert (tally.dropped, tally.noted) == ({}, {"outlines": 1})
    _, _, tally = found(tmp_path, options={"yolo-kind": "boxes"})
    assert tally.dropped == {"bad-row": 1}


def test_y24_outlines_with_scores_and_tracks(tmp_path):
    """Ultralytics writes a score and a track behind an outline, or a track alone."""
    write_text(tmp_path / "a.txt", f"{outline(8)} 0.5 3\n{outline(8, 0.1)} 0.25 4\n")
    rows, (chunk,), _ = found(tmp_path)
    assert [row[6] for row in rows] == [0.5, 0.25]
    assert chunk.track.tolist() == [3, 4]
    assert rows[0][2:6] == pytest.approx((30, 24, 70, 56))
    write_text(tmp_path / "a.txt", f"{outline(8)} 3\n{outline(8, 0.1)} 1\n")
    rows, (chunk,), _ = found(tmp_path)
    assert [row[6] for row in rows] == [None, None]
    assert chunk.track.tolist() == [3, 1]


def boxes_of(count, order, *, seed=1):
    """Rows of boxes that lie inside their image, in an order of columns."""
    dice = random.Random(seed)
    for _ in range(count):
        w, h = dice.uniform(0.05, 0.5), dice.uniform(0.05, 0.5)
        values = {"cls": "0", "w": w, "h": h, "x": dice.uniform(w / 2, 1 - w / 2), "y": dice.uniform(h / 2, 1 - h / 2),
                  "conf": dice.uniform(0.25, 1)}  # fmt: skip
        yield " ".join(str(values[name]) for name in order)


DARKNET = ("cls", "conf", "x", "y", "w", "h")
ULTRALYTICS = ("cls", "x", "y", "w", "h", "conf")


@pytest.mark.parametrize("files", [1, 4, 600])
def test_y25_columns_in_darknets_order_are_an_error_with_both_orders(tmp_path, files):
    """Many boxes reach out of the image, in the other order none; nothing has gone out by then."""
    for number in range(files):
        write_text(tmp_path / f"{number}.txt", "\n".join(boxes_of(6 if files < 9 else 2, DARKNET, seed=number)))
    with pytest.raises(InputError, match=r"reach out .* --columns cls,conf,x,y,w,h if so, --columns cls,x,y,w,h,conf"):
        found(tmp_path)
    rows, _, _ = found(tmp_path, options={"columns": ",".join(DARKNET)})
    assert all(0 <= row[2] < row[4] <= 100 for row in rows)
    found(tmp_path, options={"columns": ",".join(ULTRALYTICS)})


def test_y25_in_pixels_too(tmp_path):
    """Where the sixth column is a side in whole pixels it looks like a track."""
    write_text(tmp_path / "a.txt", "".join(f"0 0.{n}5 {40 + n} 40 20 {10 + n}\n" for n in range(1, 7)))
    with pytest.raises(InputError, match="--columns cls,conf,x,y,w,h"):
        found(tmp_path, options={"absolute": "yes"})


@pytest.mark.parametrize("seed", range(20))
def test_y25_boxes_in_the_usual_order_are_never_doubted(tmp_path, seed):
    """Some of them reach out of their image, as boxes do."""
    rows = list(boxes_of(40, ULTRALYTICS, seed=seed))
    dice = random.Random(seed)
    rows += [f"0 {dice.uniform(0.9, 1)} 0.5 0.4 0.4 {dice.uniform(0.3, 1)}" for _ in range(20)]
    write_text(tmp_path / "a.txt", "\n".join(rows))
    assert len(found(tmp_path)[0]) == 60


def test_y25_a_few_boxes_that_reach_out_are_no_proof(tmp_path):
    """One box is one box, and one of two in another order lies well in this one."""
    write_text(tmp_path / "a.txt", "0 0.9 0.5 0.4 0.3 0.4\n")
    assert len(found(tmp_path)[0]) == 1
    write_text(tmp_path / "a.txt", "0 0.9 0.5 0.4 0.3 0.4\n" * 1 + "0 0.5 0.5 0.2 0.2 0.9\n" * 1)
    assert len(found(tmp_path)[0]) == 2


OBJ_DATA = "classes= {}\ntrain = data/train.txt\n# a word\nnames = {}\nbackup = backup/\n"


@pytest.mark.parametrize(("at", "named"), [
    ("obj.names", "obj.names"), ("data/obj.names", "data/obj.names"), ("obj.names", "data/obj.names"),
    ("data/obj.names", "data\\obj.names"),
])  # fmt: skip
@pytest.mark.parametrize("file", ["obj.data", "coco.data", "settings.txt"])
def test_y26_darknets_obj_data_names_the_file_of_names(tmp_path, at, named, file):
    """Relative to itself, or to a folder above, where darknet is run; no line of it is a label."""
    write_text(tmp_path / at, "cat\ndog\n")
    spec = write_text(tmp_path / file, OBJ_DATA.format(2, named))
    assert load_class_names(str(spec)).names == {0: "cat", 1: "dog"}
    write_text(tmp_path / "labels/a.txt", BOX)
    assert found(tmp_path / "labels", names=spec)[0][0][1] == "cat"


def test_y26_beside_the_data_folder(tmp_path):
    """data/obj.data says data/obj.names, relative to the folder that both lie below."""
    write_text(tmp_path / "data/obj.names", "cat\n")
    spec = write_text(tmp_path / "data/obj.data", OBJ_DATA.format(1, "data/obj.names"))
    assert load_class_names(str(spec)).names == {0: "cat"}


def test_y26_what_obj_data_lacks_is_said(tmp_path):
    """No names, no such file, another number of classes."""
    line = "expected a line 'names = FILE'"
    for text, message in (("classes = 2\n", line), (OBJ_DATA.format(2, "gone"), "no such file"), ("no sign\n", line)):
        with pytest.raises(InputError, match=message):
            load_class_names(str(write_text(tmp_path / "obj.data", text)))
    write_text(tmp_path / "obj.names", "cat\n")
    with pytest.raises(ConfigError, match=r"classes is 2, but .*obj\.names has 1 names"):
        load_class_names(str(write_text(tmp_path / "obj.data", OBJ_DATA.format(2, "obj.names"))))


@pytest.mark.parametrize("named", ["{}/secret/x.names", "../secret/x.names", "link.names"])
def test_y26_a_strangers_obj_data_reads_no_file_elsewhere(tmp_path, named):
    """A path of another machine means the file of that name beside it; a link that leads out is not followed."""
    write_text(tmp_path / "secret/x.names", "secret\n")
    (tmp_path / "set").mkdir()
    (tmp_path / "set/link.names").symlink_to(tmp_path / "secret/x.names")
    spec = write_text(tmp_path / "set/obj.data", OBJ_DATA.format(1, named.format(tmp_path)))
    with pytest.raises(InputError, match="no such file of class names"):
        load_class_names(str(spec))
    if "link" not in named:
        write_text(tmp_path / "set/x.names", "cat\n")
        assert load_class_names(str(spec)).names == {0: "cat"}


def test_y26_a_list_with_a_sign_in_it_is_a_list(tmp_path):
    """Only a whole file of settings is one."""
    assert load_class_names(str(write_text(tmp_path / "a.txt", "a = b\ncat\n"))).names == {0: "a = b", 1: "cat"}


NAMED = {"one": "dog", "two-words": "traffic light", "umlaut": "Bär", "dash": "t-shirt"}


@pytest.mark.parametrize("name", NAMED.values(), ids=NAMED)
@pytest.mark.parametrize("given", [False, True], ids=["from-rows", "listed"])
@pytest.mark.parametrize("end", ["", " 0.75"])
def test_y27_class_names_in_the_first_column_are_names(tmp_path, name, given, end):
    """Where --names lists them or none is given; recognised as rows."""
    write_text(tmp_path / "a.txt", f"{name} 0.5 0.5 0.2 0.25{end}\ncat 0.5 0.5 0.4 0.5{end}\n")
    rows, _, _ = found(tmp_path, names=["cat", name] if given else None)
    assert [row[1] for row in rows] == [name, "cat"]
    assert rows[0][2:] == (*WHOLE, 0.75 if end else None)


def test_y27_a_name_that_is_not_listed_is_one_error_that_says_so(tmp_path):
    """With file and line."""
    write_text(tmp_path / "a.txt", f"{BOX}\nbird 0.5 0.5 0.2 0.25\nbird 0.5 0.5 0.3 0.25\n")
    with pytest.raises(InputError, match=r"a\.txt:2: class 'bird' is a name that --names does not list; .* cat, dog"):
        found(tmp_path)


def test_y27_numbers_beside_names_need_names_still(tmp_path):
    """Number 0 is not the first name that stands there."""
    write_text(tmp_path / "a.txt", f"bird 0.5 0.5 0.2 0.25\n{BOX}\n")
    with pytest.raises(InputError, match="class ids need names"):
        found(tmp_path, names=None)


@pytest.mark.parametrize("bad", ["0 0.5 0.5 0.2", "0 0.5 0.5 0.2 0,25", "???", "0 0.5"])
@pytest.mark.parametrize("way", ["folder", "glob", "list"])
def test_y30_one_cut_row_in_the_first_file_does_not_hide_the_format(tmp_path, bad, way):
    """The row is an error with file and line."""
    write_text(tmp_path / "l/a.txt", f"{BOX}\n{bad}\n")
    write_text(tmp_path / "l/b.txt", BOX)
    source = {
        "folder": tmp_path / "l",
        "glob": f"{tmp_path}/l/*.txt",
        "list": [tmp_path / "l/a.txt", tmp_path / "l/b.txt"],
    }
    rows, _, tally = found(source[way])
    assert len(rows) == 2
    assert str(tally.examples["bad-row"][0]).startswith(f"{tmp_path / 'l/a.txt'}:2: ")


def test_y31_of_two_boxes_with_one_track_in_a_frame_the_better_stays(tmp_path):
    """Label and number are one sequence: the same number under another label is another one."""
    write_text(
        tmp_path / "c_1.txt", f"{BOX} 0.5 7\n0 0.4 0.5 0.2 0.25 0.75 7\n1 0.5 0.5 0.2 0.25 0.25 7\n{BOX} 0.5 8\n"
    )
    write_text(tmp_path / "c_2.txt", f"{BOX} 0.5 7\n")
    rows, (chunk,), tally = found(tmp_path, options={"yolo-frames": "1"})
    assert [(row[1], row[6]) for row in rows] == [("cat", 0.75), ("dog", 0.25), ("cat", 0.5), ("cat", 0.5)]
    assert chunk.frame.tolist() == [0, 0, 0, 1]
    assert tally.dropped == {"same-track": 1}
    assert str(tally.examples["same-track"][0]).startswith(f"{tmp_path / 'c_1.txt'}:1: ")


def test_y31_labels_that_a_map_joins_are_one_sequence(tmp_path):
    """After the map."""
    write_text(tmp_path / "c_1.txt", f"{BOX} 0.5 7\n1 0.4 0.5 0.2 0.25 0.75 7\n")
    tally = Tally()
    predictions = read_source(tmp_path, names="cat,dog", size=SIZE, options={"yolo-frames": "1"})
    (chunk,) = predictions.relabel({"cat|dog": "pet"}).chunks(tally)
    assert (len(chunk), tally.dropped) == (1, {"same-track": 1})


def test_y32_all_frames_of_a_video_in_one_file_are_said(tmp_path):
    """By tracks that come again and again, or by far more boxes than any other file has."""
    write_text(tmp_path / "a.txt", "".join(f"0 0.{n:03} 0.5 0.2 0.25 0.5 {1 + n % 3}\n" for n in range(100, 400)))
    _, _, tally = found(tmp_path)
    assert "297 boxes have the track of another" in tally.examples["many-frames"][0].message
    write_text(tmp_path / "a.txt", "".join(f"0 0.{n:03} 0.5 0.2 0.25 0.5\n" for n in range(100, 800)))
    write_text(tmp_path / "b.txt", f"{BOX} 0.5\n" * 1)
    _, _, tally = found(tmp_path)
    assert "700 boxes, any other file has 1" in tally.examples["many-frames"][0].message


def test_y32_files_alike_are_not(tmp_path):
    """Many boxes each, or tracks that come once."""
    for name in "ab":
        write_text(tmp_path / f"{name}.txt", "".join(f"0 0.{n:03} 0.5 0.2 0.25 0.5 {n}\n" for n in range(100, 700)))
    assert not found(tmp_path)[2].noted


def scored(*scores):
    return "".join(f"0 0.5 0.5 0.2 0.{n + 20} {score}\n" for n, score in enumerate(scores))


def test_y33_scores_of_percent_are_an_error_that_names_the_option(tmp_path):
    """That file fails; with the option they are scores, whole numbers too."""
    write_text(tmp_path / "a.txt", scored(87.5, 12, 99.25))
    write_text(tmp_path / "b.txt", scored("0.5"))
    rows, _, tally = found(tmp_path)
    assert [row[0] for row in rows] == ["b"]
    assert "--score-scale 100" in tally.examples["not-a-score"][0].message
    write_text(tmp_path / "b.txt", scored(50, 25))
    rows, _, _ = found(tmp_path, score_scale=100)
    assert [row[6] for row in rows] == [0.875, 0.12, 0.9925, 0.5, 0.25]


def test_y33_a_few_scores_above_1_are_noted(tmp_path):
    """Most are shares."""
    write_text(tmp_path / "a.txt", scored(0.5, 0.25, 0.75, 1.25))
    rows, _, tally = found(tmp_path)
    assert len(rows) == 4
    assert "1 of 4 scores are above 1, up to 1.25" in tally.examples["score-above-1"][0].message


def test_y33_negative_scores_and_nan_are_dropped_with_a_reason(tmp_path):
    """Their neighbours stay."""
    write_text(tmp_path / "a.txt", scored(0.5, -0.25, "nan", 0.75))
    rows, _, tally = found(tmp_path)
    assert [row[6] for row in rows] == [0.5, 0.75]
    assert tally.dropped == {"bad-score": 1, "bad-row": 1}


def test_y33_scores_that_are_all_0_are_noted(tmp_path):
    """One score of 0 among others is a score."""
    write_text(tmp_path / "a.txt", scored(0, 0, 0))
    rows, _, tally = found(tmp_path)
    assert (len(rows), tally.noted) == (3, {"zero-scores": 1})
    write_text(tmp_path / "a.txt", scored(0, 0, 0.5))
    assert not found(tmp_path)[2].noted

"""Which image a COCO result is of: ids that are shifted, ids that contradict names, shards with ids of their own."""

import gzip
import json
import os
import subprocess
import sys
from collections import Counter

import numpy as np
import pytest
from pycocotools import mask as masks

from boxferry import read as read_source
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError
from boxferry.reading.source import source_of
from formats.reading import FORMATS, images_of, read, rows_of, write_json, write_text

PROGRAM = [sys.executable, "-c", "from boxferry.cli.main import main; main()"]
BOX = [10, 10, 50, 50]
CORNERS = (10.0, 10.0, 60.0, 60.0)
CATEGORIES = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]


def result(image_id, category_id=1, **more):
    return {"image_id": image_id, "category_id": category_id, "bbox": BOX, "score": 0.5} | more


def dataset(images, *annotations, categories=CATEGORIES):
    """A dataset with images {id: file name}."""
    listed = [{"id": i, "file_name": name, "width": 640, "height": 480} for i, name in images.items()]
    return {"images": listed, "categories": categories, "annotations": list(annotations)}


def found(source, **how):
    """(image, label) of each box, and the tally."""
    tally = Tally()
    chunks = list(read_source(source, **how).chunks(tally))
    keys = [image.key for chunk in chunks for image in chunk.images]
    assert len(keys) == len(set(keys)), "each image comes once"
    assert tally.kept == sum(map(len, chunks))
    return [row[:2] for row in rows_of(chunks)], tally


GT = {5: "0001.jpg", 1: "0009.jpg"}


@pytest.mark.parametrize("wrap", [list, lambda items: {"annotations": items}], ids=["list", "wrapped"])
def test_c23_a_file_name_that_contradicts_the_image_id_is_an_error_with_both(tmp_path, wrap):
    """Ultralytics makes a number of the stem 0001, and the dataset's image 1 is another; later items too."""
    write_json(tmp_path / "gt.json", dataset(GT))
    items = [result(5, file_name="0001.jpg"), result(1, file_name="0001.jpg")]
    write_json(tmp_path / "r.json", wrap(items))
    with pytest.raises(InputError, match=r"\[1\]: file_name is '0001.jpg', but image_id 1 is '0009.jpg': --image-by"):
        found(tmp_path / "r.json", categories=tmp_path / "gt.json")
    for by, expected in (("id", ["0001.jpg", "0009.jpg"]), ("file_name", ["0001.jpg", "0001.jpg"])):
        rows, _ = found(tmp_path / "r.json", categories=tmp_path / "gt.json", options={"image-by": by})
        assert sorted(row[0] for row in rows) == sorted(expected)


def test_c23_a_contradiction_within_a_dataset_is_one_too(tmp_path):
    """Its own images know the id."""
    write_json(tmp_path / "a.json", dataset(GT, result(1, file_name="0001.jpg")))
    with pytest.raises(InputError, match=r"image_id 1 is '0009\.jpg'"):
        found(tmp_path / "a.json")


AGREEING = {
    "same": ("0009.jpg", "0009.jpg"),
    "folder": ("0009.jpg", "val/0009.jpg"),
    "longer": ("data/val/0009.jpg", "val/0009.jpg"),
    "backslashes": ("val\\0009.jpg", "val/0009.jpg"),
    "suffix": ("0009.png", "0009.jpg"),
    "unicode": ("cafe\u0301.jpg", "caf\u00e9.jpg"),
}


@pytest.mark.parametrize(("told", "listed"), AGREEING.values(), ids=AGREEING)
def test_c23_names_that_can_mean_the_same_image_agree(tmp_path, told, listed):
    """As far as both have folders."""
    write_json(tmp_path / "gt.json", dataset({1: listed}))
    write_json(tmp_path / "r.json", [result(1, file_name=told)])
    assert found(tmp_path / "r.json", categories=tmp_path / "gt.json")[0] == [(listed, "cat")]


def test_c23_a_name_alone_is_taken_where_the_dataset_does_not_know_the_id(tmp_path):
    """With and without a dataset; two names under one number are two images."""
    write_json(tmp_path / "gt.json", dataset({5: "0001.jpg", 6: "1.jpg"}))
    write_json(tmp_path / "r.json", [result(1, file_name="0001.jpg"), result(1, file_name="1.jpg")])
    rows, _ = found(tmp_path / "r.json", categories=tmp_path / "gt.json")
    assert sorted(rows) == [("0001.jpg", "cat"), ("1.jpg", "cat")]
    folder = images_of(tmp_path / "images", "0001.jpg", "1.jpg")
    assert sorted(found(tmp_path / "r.json", images=folder, names={1: "cat"})[0]) == sorted(rows)


SHIFTED = {"from-0": ([0, 1, 2, 3], [1, 2, 3, 4], 1), "from-1": ([1, 2, 3], [0, 1, 2], -1),
           "far": ([0, 1, 2], [5000, 5001, 5002], 5000)}  # fmt: skip


@pytest.mark.parametrize(("used", "known", "by"), SHIFTED.values(), ids=SHIFTED)
def test_c24_image_ids_that_begin_elsewhere_are_said_with_the_shift(tmp_path, used, known, by):
    """The boxes are not put on their neighbours in silence; the option mends it."""
    write_json(tmp_path / "gt.json", dataset({i: f"{i}.jpg" for i in known}))
    write_json(tmp_path / "r.json", [result(i) for i in used])
    if by == 5000:
        with pytest.raises(InputError, match=f"--image-id-offset {by}$"):
            found(tmp_path / "r.json", categories=tmp_path / "gt.json")
    else:
        _, tally = found(tmp_path / "r.json", categories=tmp_path / "gt.json")
        assert tally.dropped == {"unknown-image": 1}
        assert f"with {by:+d} every one of them is in it" in tally.examples["shifted-images"][0].message
        assert f"--image-id-offset {by}" in tally.examples["shifted-images"][0].message
    options = {"image-id-offset": str(by)}
    rows, tally = found(tmp_path / "r.json", categories=tmp_path / "gt.json", options=options)
    assert [row[0] for row in rows] == [f"{i}.jpg" for i in known]
    assert not tally.dropped
    assert not tally.noted


def test_c24_ids_that_no_shift_explains_are_unknown_and_no_more(tmp_path):
    """No hint that is none."""
    write_json(tmp_path / "gt.json", dataset({1: "1.jpg", 2: "2.jpg"}))
    write_json(tmp_path / "r.json", [result(1), result(77)])
    _, tally = found(tmp_path / "r.json", categories=tmp_path / "gt.json")
    assert tally.dropped == {"unknown-image": 1}
    assert not tally.noted


# Several files


def ways(folder):
    """A folder, a glob, a list."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {"folder": folder, "glob": f"{folder}/**/*", "list": files}


@pytest.mark.parametrize("way", ["folder", "glob", "list"])
def test_c29_shards_of_results_are_read_one_after_the_other(tmp_path, way):
    """An image of several shards is one; what padding repeated is collapsed, and counted."""
    write_json(tmp_path / "gt.json", dataset({n: f"{n}.jpg" for n in range(1, 4)}))
    shards = [[result(1), result(2)], [result(3), result(1)], [result(1, 2)]]
    for rank, items in enumerate(shards):
        write_json(tmp_path / f"out/predictions_rank{rank}.json", items)
    packed = tmp_path / "out/rank3.json.gz"
    packed.write_bytes(gzip.compress(json.dumps([result(2, score=0.75)]).encode()))
    rows, tally = found(ways(tmp_path / "out")[way], categories=tmp_path / "gt.json")
    assert Counter(rows) == Counter(
        {("1.jpg", "cat"): 1, ("1.jpg", "dog"): 1, ("2.jpg", "cat"): 2, ("3.jpg", "cat"): 1}
    )
    assert tally.dropped == {"repeated": 1}
    assert str(tally.examples["repeated"][0]).startswith(f"{tmp_path / 'out/predictions_rank1.json'}[1]: ")


@pytest.mark.parametrize("way", ["folder", "glob", "list"])
def test_c29_ids_are_each_files_own(tmp_path, way):
    """The splits of a dataset, each with its images beside it: the same ids and names are other images and classes."""
    other = [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    write_json(tmp_path / "ds/train/_annotations.coco.json", dataset({0: "a.jpg", 1: "b.jpg"}, result(0)))
    write_json(tmp_path / "ds/valid/_annotations.coco.json", dataset({0: "a.jpg"}, result(0), categories=other))
    rows, tally = found(ways(tmp_path / "ds")[way])
    assert rows == [("train/a.jpg", "cat"), ("valid/a.jpg", "dog")]
    assert tally.images == 3


def test_c29_images_beside_their_split_are_found(tmp_path):
    """And each comes once."""
    images_of(tmp_path / "ds", "train/a.jpg", "valid/a.jpg", "valid/c.jpg", size=(640, 480))
    write_json(tmp_path / "ds/train/x.json", dataset({0: "a.jpg"}, result(0)))
    write_json(tmp_path / "ds/valid/x.json", dataset({0: "a.jpg"}, result(0)))
    rows, tally = found(tmp_path / "ds", format="coco", images=tmp_path / "ds")
    assert rows == [("train/a.jpg", "cat"), ("valid/a.jpg", "cat")]
    assert tally.images == 3


def test_c29_an_image_of_one_split_is_never_taken_for_that_of_another(tmp_path):
    """Where only one of the two is in the images folder, the second fails."""
    images_of(tmp_path / "ds", "train/a.jpg", size=(640, 480))
    for split in ("train", "valid"):
        write_json(tmp_path / f"ds/{split}/x.json", dataset({0: "a.jpg"}, result(0)))
    rows, tally = found(f"{tmp_path}/ds/*/x.json", images=tmp_path / "ds/train")
    assert rows == [("a.jpg", "cat")]
    assert tally.failed == {"ambiguous-image": 1}


def test_c29_shards_of_one_dataset_in_several_folders_are_of_its_images(tmp_path):
    """Where their names have a folder that the images folder has."""
    folder = images_of(tmp_path / "images", "val/a.jpg", size=(640, 480))
    for rank in (0, 1):
        write_json(tmp_path / f"out/{rank}/x.json", dataset({0: "val/a.jpg"}, result(0, bbox=[rank, 1, 2, 3])))
    assert found(tmp_path / "out", images=folder)[0] == [("val/a.jpg", "cat")] * 2


def test_c34_a_class_id_of_two_names_in_two_splits_is_an_error_where_ids_are_written(tmp_path):
    """With both tables; packets have names, and do not mind."""
    for split, name in (("train", "cat"), ("valid", "dog")):
        categories = [{"id": 1, "name": name}]
        write_json(tmp_path / f"ds/{split}/x.json", dataset({0: "a.jpg"}, result(0), categories=categories))
    assert len(found(tmp_path / "ds")[0]) == 2
    with pytest.raises(InputError, match=r"class 1 is 'cat' in .*train/x.json and 'dog' in .*valid/x.json"):
        read_source(tmp_path / "ds").write_as(FORMATS["coco"], tmp_path / "b.json", Tally(), {"coco-form": "dataset"})
    assert not (tmp_path / "b.json").exists()


def test_an_image_whose_boxes_are_all_left_out_comes_without_any(tmp_path):
    """Once, also where two files list it."""
    for name in "ab":
        write_json(
            tmp_path / f"ds/{name}.json", dataset({0: "a.jpg", 1: "b.jpg"}, result(0, 99), result(0, 1, bbox=[]))
        )
    rows, tally = found(tmp_path / "ds", unknown="skip")
    assert (rows, tally.images) == ([], 2)
    assert tally.dropped == {"bad-box": 2, "unknown-label": 2}


def test_other_json_files_of_a_folder_are_passed_over_and_noted(tmp_path):
    """A folder is recognised by most of its files."""
    write_json(tmp_path / "out/a.json", dataset({0: "a.jpg"}, result(0)))
    write_json(tmp_path / "out/settings.json", {"lr": 0.1})
    rows, tally = found(tmp_path / "out")
    assert len(rows) == 1
    assert tally.noted == {"passed-over": 1}
    with pytest.raises(InputError, match="no file in it holds COCO results"):
        read(
            "coco", tmp_path / "gone*" if (tmp_path / "gone").exists() else write_text(tmp_path / "e/x.txt", "").parent
        )


def test_standard_input_is_one_file(tmp_path):
    """As it is named, gzip and UTF-16 undone."""
    write_json(tmp_path / "gt.json", dataset({1: "1.jpg"}))
    text = json.dumps([result(1)])
    for data in (text.encode(), gzip.compress(text.encode()), text.encode("utf-16")):
        done = subprocess.run(
            [*PROGRAM, "convert", "-", "--categories", "gt.json"],
            input=data, cwd=tmp_path, capture_output=True, check=False, env={**os.environ, "DIFFGRAM_CONFIG": "/none"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert b'"x_min":10' in done.stdout


ENCODINGS = ("utf-16", "utf-16-le", "utf-16-be", "utf-8-sig")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("form", ["list", "lines", "dataset"])
def test_c30_utf16_is_read(tmp_path, encoding, form):
    """With a byte-order mark and without; also as --categories; cut off it is an error that names it."""
    accented = [{"id": 1, "name": "çat"}]
    value = {"list": [result(1)], "lines": result(1), "dataset": dataset({1: "é.jpg"}, result(1), categories=accented)}
    path = write_text(tmp_path / "x.json", json.dumps(value[form], ensure_ascii=False).encode(encoding))
    gt = json.dumps(dataset({1: "é.jpg"}, categories=accented), ensure_ascii=False).encode(encoding)
    given = {} if form == "dataset" else {"categories": write_text(tmp_path / "gt.json", gt)}
    assert found(path, **given)[0] == [("é.jpg", "çat")]


def test_c30_what_begins_as_utf16_and_goes_on_as_something_else_is_an_error_that_says_so(tmp_path):
    """The encoding is named."""
    text = json.dumps([result(1)] * 4).encode("utf-16-le")
    with pytest.raises(InputError, match="begins as UTF-16 and cannot be decoded"):
        found(write_text(tmp_path / "x.json", text[:-1]), names={1: "cat"})


def test_c28_a_long_list_of_categories_before_anything_else_is_recognised(tmp_path):
    """As LVIS has them: 64 KiB and more; as a source and as --categories."""
    many = [{"name": f"thing {n}", "id": n, "def": "x" * 100, "synonyms": ["y"]} for n in range(1, 1001)]
    value = {"categories": many, **{k: v for k, v in dataset({1: "a.jpg"}, result(1)).items() if k != "categories"}}
    path = write_json(tmp_path / "lvis.json", value)
    assert b'"images"' not in source_of(path).head
    assert found(path)[0] == [("a.jpg", "thing 1")]
    assert found(write_json(tmp_path / "r.json", [result(1)]), categories=path)[0] == [("a.jpg", "thing 1")]


MEMORY = {
    "list": list,
    "tuple": tuple,
    "stream": iter,
    "dataset": lambda items: {**dataset({1: "1.jpg", 2: "2.jpg"}), "annotations": list(items)},
}


@pytest.mark.parametrize("hold", MEMORY.values(), ids=MEMORY)
def test_c21_results_in_memory_are_read_whatever_holds_their_numbers(tmp_path, hold):
    """Numbers and arrays of numpy, bytes of masks: as evaluation scripts have them; nothing of the caller's changes."""
    numpy_item = {
        "image_id": np.int64(1),
        "category_id": np.int32(1),
        "bbox": np.array(BOX, np.float32),
        "score": np.float32(0.5),
    }
    mask = {"size": [480, 640], "counts": masks.encode(np.asfortranarray(np.ones((480, 640), np.uint8)))["counts"]}
    items = [numpy_item, {"image_id": 2, "category_id": 2, "segmentation": mask, "score": 0.25}]
    given = write_json(tmp_path / "gt.json", dataset({1: "1.jpg", 2: "2.jpg"}))
    tally = Tally()
    how = {} if hold is MEMORY["dataset"] else {"categories": given}
    chunks = list(read_source(hold(items), **how).chunks(tally))
    assert rows_of(chunks) == [("1.jpg", "cat", *CORNERS, 0.5), ("2.jpg", "dog", 0.0, 0.0, 640.0, 480.0, 0.25)]
    assert isinstance(numpy_item["score"], np.float32)


def test_c21_what_json_cannot_hold_is_one_clear_error():
    """With what was found."""
    with pytest.raises(InputError, match="object is neither a number nor a text"):
        found([result(1, note=object())], names={1: "cat"})


SIZES = """
import resource, sys
from boxferry import read
from boxferry.boxes.tally import Tally
kept = sum(map(len, read(sys.argv[1], categories=sys.argv[2]).chunks(Tally())))
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_c20_a_file_of_any_size_is_read_in_bounded_memory(tmp_path):
    """Ten times as many boxes of as many images take about the same."""
    images = range(1, 501)
    gt = write_json(tmp_path / "gt.json", dataset({n: f"{n}.jpg" for n in images}))
    peaks = []
    for boxes in (20, 200):
        text = ",".join(json.dumps(result(n, bbox=[m, 1, 2, 3])) for n in images for m in range(boxes))
        path = write_text(tmp_path / "r.json", f"[{text}]")
        done = subprocess.run([sys.executable, "-c", SIZES, path, gt], capture_output=True, text=True, check=True)
        kept, peak = map(int, done.stdout.split())
        assert kept == 500 * boxes
        peaks.append(peak)
    assert peaks[1] - peaks[0] < 24 * 1024, f"{peaks} KiB"


def test_c33_images_of_another_size_end_no_run_and_never_come_empty(tmp_path):
    """Whether they have boxes or not, each is told once."""
    folder = images_of(tmp_path / "images", "1.jpg", "2.jpg", size=(640, 480))
    images_of(folder, "3.jpg", "4.jpg", size=(50, 40))
    gt = write_json(tmp_path / "gt.json", dataset({n: f"{n}.jpg" for n in range(1, 5)}))
    write_json(tmp_path / "r.json", [result(1), result(3)])
    tally = Tally()
    chunks = list(read_source(tmp_path / "r.json", categories=gt, images=folder).chunks(tally))
    assert [image.key for chunk in chunks for image in chunk.images] == ["1.jpg", "2.jpg"]
    assert tally.failed == {"size-mismatch": 2}
    assert tally.dropped == {"size-mismatch": 1}

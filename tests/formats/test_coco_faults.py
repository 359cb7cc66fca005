"""COCO files that contradict themselves, overflow, or nest: one clear error or one skipped item, never a crash."""

import errno
import io
import json
import os
import re
import threading
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.json import Decoder

import boxferry
from boxferry.boxes.detections import Detections, Image
from boxferry.boxes.tally import Tally
from boxferry.errors import InputError, UsageError
from boxferry.formats import Catalog
from boxferry.parsing import json_scan
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context, read, rows_of, write_json, write_text

CATALOG = Catalog(names={0: "cat", 7: "dog"}, images={n: Image(f"{n}.jpg", 100, 80) for n in range(1, 6)})
GIVEN = {"catalog": CATALOG, "names": CATALOG.names}
IMAGE = {"id": 1, "file_name": "1.jpg", "width": 100, "height": 80}
CHUNK = Detections.from_counts([Image("1.jpg", 100, 80)], [1], [[1, 2, 4, 6]], [0], ["cat"])


def an_item(image_id=1, **more):
    return {"image_id": image_id, "category_id": 0, "bbox": [1, 2, 3, 4], "score": 0.5} | more


def a_dataset(*annotations, **more):
    return {"images": [IMAGE], "categories": [{"id": 0, "name": "cat"}], "annotations": list(annotations)} | more


CONTRADICTIONS = {
    "annotations-object": (a_dataset(annotations={"0": an_item()}), "annotations: expected a list"),
    "images-object": (a_dataset(images={"1": IMAGE}), "images: expected a list"),
    "categories-object": (a_dataset(categories={"0": "cat"}), "categories: expected a list"),
    "one-id-two-sizes": (a_dataset(images=[IMAGE, IMAGE | {"width": 50}]), "the sizes 100x80 and 50x80"),
    "half-a-pixel": (a_dataset(images=[IMAGE | {"width": 640.5}]), r"width: expected whole pixels, found 640\.5"),
    "infinite": (a_dataset(images=[IMAGE | {"width": float("inf")}]), "width: expected whole pixels, found inf"),
    "name-no-text": (a_dataset(categories=[{"id": 0, "name": "\ud800"}]), r"categories\[0\]: .* is not UTF-8"),
    "other-ids": (a_dataset(an_item(9)), "its list of images has other ids"),
}


@pytest.mark.parametrize(("value", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_dataset_that_cannot_be_meant_is_an_error_that_says_what(tmp_path, value, message):
    """What is wrong is named; no list is passed over, no size guessed."""
    with pytest.raises(InputError, match=message):
        read("coco", write_json(tmp_path / "x.json", value))


def test_one_broken_file_of_several_ends_the_run_before_the_first_box(tmp_path):
    """An image may have boxes in each of them: in part it would be taken for whole. The line says what to do."""
    item = {"image_id": 1, "category_id": 7, "bbox": [1, 2, 3, 4], "score": 0.5}
    write_json(tmp_path / "0.json", [item])
    write_text(tmp_path / "1.json", json.dumps([item, item])[:-9])
    context = a_context("coco", **GIVEN)
    chunks = FORMATS["coco"].read(source_of(tmp_path), context)
    with pytest.raises(InputError, match=r"1\.json: malformed JSON.*; none of the 2 files is used: mend this"):
        next(chunks)
    assert context.tally.read == 0


def test_a_list_that_stands_there_twice_is_an_error(tmp_path):
    """The first is not replaced by the second."""
    text = json.dumps(a_dataset(an_item())).replace('"categories"', '"images": [], "categories"')
    with pytest.raises(InputError, match="'images' stands there twice"):
        read("coco", write_text(tmp_path / "x.json", text))


def test_a_latin_1_file_is_an_error_not_a_broken_label(tmp_path):
    """A label that cannot be written again goes nowhere."""
    text = json.dumps(a_dataset(categories=[{"id": 0, "name": "café"}]), ensure_ascii=False).encode("latin-1")
    with pytest.raises(InputError, match="is not UTF-8"):
        read("coco", write_text(tmp_path / "x.json", text))


@pytest.mark.parametrize("side", [None, 0, -1, float("nan")])
def test_c9_a_side_that_is_not_told_leaves_the_size_open(tmp_path, side):
    """Left empty in the ways that tools have of doing it."""
    chunks = FORMATS["coco"].read(
        source_of(write_json(tmp_path / "x.json", a_dataset(images=[IMAGE | {"width": side}]))), a_context("coco")
    )
    assert [image.sized for chunk in chunks for image in chunk.images] == [False]


def test_a_file_with_two_ids_is_one_image(tmp_path):
    """It comes once, also where it has no boxes."""
    _, tally = read("coco", write_json(tmp_path / "x.json", a_dataset(images=[IMAGE, IMAGE | {"id": 2}])))
    assert tally.images == 1


def test_results_beside_an_empty_list_of_images_are_results(tmp_path):
    """The dataset that is named knows their images."""
    rows, _ = read("coco", write_json(tmp_path / "x.json", {"images": [], "annotations": [an_item()]}), **GIVEN)
    assert len(rows) == 1


NO_BOX = {
    "overflow": '"bbox": [1e308, 0, 1e308, 1]',
    "5000-digits": f'"bbox": [1, 2, 3, {"9" * 5000}]',
    "image-id-5000-digits": f'"bbox": [1, 2, 3, 4], "image_id": {"9" * 5000}',
    "image-id-no-text": r'"bbox": [1, 2, 3, 4], "image_id": "\ud800"',
    "category-id-no-text": r'"bbox": [1, 2, 3, 4], "category_id": "\ud800"',
}


@pytest.mark.parametrize("fault", NO_BOX.values(), ids=NO_BOX)
def test_a_number_or_text_that_nobody_can_use_costs_only_its_item(tmp_path, fault):
    """Skipped as bad-box, with its index; its neighbours stay."""
    text = json.dumps([an_item(), an_item(), an_item()])
    at = text.index('"bbox"', len(text) // 3)
    text = text[:at] + text[at:].replace('"bbox": [1, 2, 3, 4]', fault, 1)
    rows, tally = read("coco", write_text(tmp_path / "x.json", text), **GIVEN)
    assert len(rows) == 2
    assert tally.dropped == {"bad-box": 1}
    assert tally.examples["bad-box"][0].item == 1


@pytest.mark.parametrize("where", ["item", "other-key"])
def test_json_nested_too_deep_is_said_to_be(tmp_path, where):
    """An error, not a crash."""
    deep = "[" * 200_000 + "]" * 200_000  # newer Pythons go ten times deeper
    text = (
        f'[{{"image_id": 1, "segmentation": {deep}}}, {{}}]' if where == "item" else f'{{"info": {deep}, "images": []}}'
    )
    with pytest.raises(InputError, match="nested too deep"):
        read("coco", write_text(tmp_path / "x.json", text), **GIVEN)


CROWD = {"1": True, "2": True, "true": True, '"1"': True, "1.0": True, "0": False, "false": False, "null": False}


@pytest.mark.parametrize("beside", ["", ", 5"], ids=["typed", "checked"])
@pytest.mark.parametrize(("value", "crowd"), CROWD.items(), ids=CROWD)
def test_c14_a_crowd_is_one_whatever_stands_beside_it(tmp_path, value, crowd, beside):
    """An item that is not as it should be sends its neighbours another way, to the same end."""
    text = json.dumps(a_dataset(an_item())).replace("0.5}", f'0.5, "iscrowd": {value}}}{beside}')
    _, tally = read("coco", write_text(tmp_path / "x.json", text))
    assert tally.dropped["crowd"] == crowd


# Typed and checked, grouped and not, cut anywhere: the same boxes

ITEMS = st.lists(
    st.builds(
        an_item,
        st.sampled_from([1, 2, 3, "2", 3.0, 9]),
        category_id=st.sampled_from([0, 7, 5]),
        bbox=st.lists(st.floats(-50, 50) | st.integers(-9, 99), min_size=4, max_size=4),
        score=st.none() | st.floats(0, 1),
        iscrowd=st.integers(0, 2),
        kp=st.lists(st.fixed_dictionaries({"x": st.just("},{")}), max_size=6),
    ),
    max_size=12,
)


def outcome(path):
    context = a_context("coco", bbox_format="xywh", **GIVEN)
    chunks = list(FORMATS["coco"].read(source_of(path), context))
    places = [
        (row, chunk.images[i].key) for chunk in chunks for row, i in zip(chunk.row, chunk.image_index, strict=True)
    ]
    return rows_of(chunks), places, context.tally.dropped


@settings(deadline=None, max_examples=80)
@given(items=ITEMS)
def test_typed_and_checked_items_give_the_same(tmp_path_factory, items):
    """One item that is none, put at the end, makes every other be checked key by key."""
    folder = tmp_path_factory.mktemp("coco")
    items = [an_item(), *items]
    rows, places, dropped = outcome(write_json(folder / "typed.json", items))
    again = outcome(write_json(folder / "checked.json", [*items, None]))
    assert again == (rows, places, dropped + Counter({"bad-box": 1}))


@settings(deadline=None, max_examples=80)
@given(items=ITEMS)
def test_a_shuffled_file_is_gathered_image_by_image_in_its_own_order(tmp_path_factory, items):
    """An image's boxes keep the order in which they stand in the file."""
    _, places, _ = outcome(write_json(tmp_path_factory.mktemp("coco") / "x.json", [an_item(), *items]))
    keys = [key for _, key in places]
    assert keys == sorted(keys, key=keys.index)
    assert places == sorted(places, key=lambda place: (keys.index(place[1]), place[0]))


def test_items_that_end_in_lists_of_objects_are_cut_without_reading_on(tmp_path):
    """However many objects an item holds, no more than about a piece of the file is looked at."""
    item = json.dumps(an_item(kp=[{"x": 1, "y": 2}] * 400))
    text = f"[{','.join([item] * 50)}]".encode()
    with write_text(tmp_path / "x.json", text).open("rb") as stream:
        scanner = json_scan.Scanner(stream, "x", piece_bytes=3 * len(item))
        sizes = [len(piece) for piece, _ in scanner.items(Decoder(list[dict]))]
    assert sum(sizes) == 50
    assert max(sizes) < 10


# What is written to


def test_a_link_stays_a_link(tmp_path):
    """The file that it leads to is written."""
    (tmp_path / "real.json").write_text("old")
    (tmp_path / "link.json").symlink_to(tmp_path / "real.json")
    FORMATS["coco"].write([CHUNK], tmp_path / "link.json", a_context("coco"))
    assert (tmp_path / "link.json").is_symlink()
    assert len(json.loads((tmp_path / "real.json").read_text())["annotations"]) == 1


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_is_written_to_never_replaced(tmp_path):
    """As a device is: /dev/null stays what it is."""
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()), daemon=True)
    reader.start()
    FORMATS["coco"].write([CHUNK], pipe, a_context("coco"))
    reader.join(10)
    assert pipe.is_fifo()
    assert len(json.loads(got[0])["annotations"]) == 1


def test_a_folder_or_a_place_below_a_file_is_a_plain_error(tmp_path):
    """And nothing is left behind."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    with pytest.raises(UsageError, match="a folder; expected the name of a file"):
        FORMATS["coco"].write([CHUNK], tmp_path / "folder", a_context("coco"))
    with pytest.raises(UsageError, match=re.escape("x.json: cannot be written")):
        FORMATS["coco"].write([CHUNK], tmp_path / "file" / "x.json", a_context("coco"))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


@pytest.mark.parametrize("polygons", [False, True])
def test_a_full_disk_is_one_line_with_a_remedy(tmp_path, monkeypatch, polygons):
    """Boxes wait in a temporary file; where that takes no more nothing has gone out yet."""

    class Full(io.BytesIO):
        def write(self, _):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    item = {"image_id": 1, "file_name": "a.jpg", "category_id": 0, "bbox": [1, 1, 9, 9]}
    (tmp_path / "r.json").write_text(json.dumps([item]))
    monkeypatch.setattr("tempfile.TemporaryFile", lambda **_: Full())
    with pytest.raises(
        InputError, match=r"temporary files cannot be written: No space left on device; set TMPDIR to another"
    ):
        next(boxferry.read(tmp_path / "r.json", names="cat", size="20x20", polygons=polygons).chunks(Tally()))

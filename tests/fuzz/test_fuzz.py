"""Whatever stands in a file: a reader gives boxes or says what is wrong, in time, and every box is counted.

Seeded mutations of good files and of what once found something (CORPUS). BOXFERRY_FUZZ_RUNS is the number of inputs for
each reader (`make fuzz` makes 100,000), BOXFERRY_FUZZ_SEED the first seed; a finding prints the input that shows it.
"""

import dataclasses
import os
import random
import resource
import time
from pathlib import Path

import pytest

from boxferry.boxes.detections import Image
from boxferry.boxes.fit import fit
from boxferry.errors import BoxferryError
from boxferry.formats import Catalog
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context
from formats.samples import SAMPLES, format_of

RUNS = int(os.environ.get("BOXFERRY_FUZZ_RUNS", "500"))
SEED = int(os.environ.get("BOXFERRY_FUZZ_SEED", "1"))
LONGEST_S = 1.0
MOST_MEMORY = 400 * 1024  #: KiB that a reader's whole run may add
FIXTURES = Path(__file__).parents[2] / "fixtures"

XML = (FIXTURES / "voc/Annotations/rocket.xml").read_bytes()
DATASET = (
    b'{"images":[{"id":1,"file_name":"a.jpg","width":100,"height":80}],"categories":[{"id":0,"name":"cat"}],'
    b'"annotations":[{"id":1,"image_id":1,"category_id":0,"bbox":[1,2,30,40],"segmentation":[[1,2,3,4,5,6]],"iscrowd":0},'
    b'{"image_id":1,"category_id":0,"segmentation":{"size":[80,100],"counts":[8000]}}]}'
)
NATIVE = (
    b'{"boxferry":1,"image":{"key":"a.jpg","width":100,"height":80},"xyxy":[[1,2,30,40]],"label":["cat"],'
    b'"score":[0.5]}\n'
)
RESULT = b'{"image_id":1,"category_id":0,"bbox":[1,2,30,40],"score":0.5}'
RARE = (
    b'{"image_id":1,"file_name":"a.jpg","category_id":0,"bbox":[1,2,30,40],"attributes":{"track_id":3}},'
    b'{"image_id":2,"category_id":1,"keypoints":[1,2,2,30,40,1,0,0,0],"score":0.5},'
    b'{"image_id":2,"category_id":1,"segmentation":{"size":[35,30],"counts":[40,20,990]},"track_id":"4"}'
)
POSE = b"0 0.5 0.5 0.2 0.25 0.4 0.5 2 0.5 0.6 1 0.6 0.4 0.5 0.75 7\n"
LABELME = (
    b"<annotation><filename>a.jpg</filename><source><sourceAnnotation>LabelMe Webtool</sourceAnnotation></source>"
    b"<object><name>cat</name><deleted>0</deleted><polygon><pt><x>1</x><y>2</y></pt><pt><x>9</x><y>2</y></pt><pt><x>9</x><y>8</y>"
    b"</pt></polygon></object><imagesize><nrows>80</nrows><ncols>100</ncols></imagesize></annotation>"
)
OUTLINES = b"0 .1 .1 .3 .1 .3 .4 .1 .4 .9 5\n0 .1 .1 .3 .1 .3 .4 .1 .4\n1 .1 .1 .3 .1 .3 .4 .5\ncat .5 .5 .2 .2\n"


def a_reader(name, sample):
    """A later format's, by its sample: one file of it, which is what is changed."""
    file, data = next(iter(sample.files.items()))
    return format_of(name), file, [data], {key.replace("-", "_"): value for key, value in sample.options.items()}


READERS = {
    "coco-results": ("coco", "x.json", [b"[" + RESULT + b"]", b"[" + RESULT + b",{}]", b"[" + RARE + b"]"], {}),
    "coco-utf16": ("coco", "x.json", [(b"[" + RESULT + b"," + RARE + b"]").decode().encode("utf-16")], {}),
    "coco-lines": ("coco", "x.jsonl", [(RESULT + b"\n") * 3], {}),
    "coco-dataset": (
        "coco",
        "x.json",
        [DATASET, DATASET.replace(b'"annotations":[', b'"annotations":[' + RARE + b",")],
        {},
    ),
    "yolo": ("yolo", "a.txt", [b"0 0.5 0.5 0.2 0.25 0.9\n1 0.25 0.25 0.1 0.1 0.4\n", b"0 .1 .1 .2 .1 .2 .2\n"], {}),
    "yolo-rows": ("yolo", "a.txt", [OUTLINES, POSE, b"0 .9 .5 .4 .2 .3\n0 .8 .4 .3 .2 .3\n"], {}),
    "yolo-pose": ("yolo", "a.txt", [POSE], {"yolo_kind": "pose"}),
    "yolo-frames": ("yolo", "clip_7.txt", [b"0 0.5 0.5 0.2 0.25 0.9 3\n"], {"yolo_frames": "1"}),
    "voc": ("voc", "a.xml", [XML], {}),
    "labelme-xml": ("labelme-xml", "a.xml", [LABELME], {}),
    "voc-results": ("voc", "comp4_det_test_cat.txt", [b"a 0.83 1 2 30 40\nb 0.5 1 2 3 4\n"], {}),
    "mot": ("mot", "clip.txt", [b"1,7,10,5,20,15,0.9,-1,-1,-1\n3,-1,12,5,20,15,0.8,-1,-1,-1\n"], {"mot_label": "x"}),
    "boxferry": ("boxferry", "x.ndjson", [NATIVE * 2], {}),
    **{name: a_reader(name, sample) for name, sample in SAMPLES.items()},
}
HUGE = b"[" + RESULT.replace(b"[1,2,30,40]", b"[1e308,1e308,1e308,1]") + b"]"
#: what found something once, by reader
CORPUS: dict[str, list[bytes]] = {
    "labelstudio": [
        SAMPLES["labelstudio"].files["x.json"].replace(b'"points"', b'"rle": [0,0,0,128,57,207,255], "points"'),
    ],
    "coco-results": [b"[" * 5000, b'[{"image_id":1e400}]', HUGE],
    "coco-dataset": [
        DATASET.replace(b"[8000]", b'"' + b"o" * 50 + b'"'),
        DATASET.replace(b"[80,100]", b"[99999999,1]"),
    ],
    "yolo-rows": [POSE.replace(b"2 0.5", b"1e3082 0.5")],
    "voc": [XML.replace(b"<object>", b"<object>" * 3000), b"<!DOCTYPE a [<!ENTITY x 'y'>]><annotation/>"],
}
WORDS = [
    b"NaN", b"-1", b"0", b"1e400", b"1e308", b"-0.0", b"99999999999999999999", b"null", b"true", b'""', b"[]", b"{}",
    b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\u0000", b"\\ud800", b"\xff\xfe", b"\xef\xbb\xbf", b"\0", b"\n",
    b"\r\n", b"\t", b" ", b"../../etc/passwd", b"&amp;", b"&x;", b"<!--", b"]]>", b"<bndbox>", b"</object>",
    b"<xmin>1</xmin>",
    b"<image>", b"shapes", b"points", b"annotations", b"result", b"value",
    b"\xe2\x80\xa8", b"image_id", b"bbox", b"segmentation", b"category_id", b"1,1,1,1,1,1,1", b"inf", b"0x10", b"1_0",
    b"\xd9\xa1",
]  # fmt: skip


def mutated(dice, data):
    """A few random changes."""
    data = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8))):
        at = dice.randrange(len(data) + 1)
        until = min(len(data), at + dice.choice((0, 1, 1, 2, 5, 20, 100)))
        match dice.randrange(6):
            case 0:
                data[at:at] = dice.choice(WORDS)
            case 1:
                data[at:until] = dice.choice(WORDS)
            case 2:
                del data[at:until]
            case 3:
                data[at:at] = data[at:until] * dice.choice((1, 1, 3, 40))
            case 4 if at < len(data):
                data[at] ^= 1 << dice.randrange(8)
            case _:
                del data[at if dice.random() < 0.3 else len(data) :]
    return bytes(data)


CATALOG = Catalog(names={0: "cat", 1: "dog"}, images={1: Image("a.jpg", 100, 80), 2: Image("b.jpg", 60, 70)})


def judged(fmt, path, options):
    """Read a file, fit what comes of it, and hold the counts together."""
    context = a_context(fmt, catalog=CATALOG, names=CATALOG.names, size=(100, 80), **options)
    context = dataclasses.replace(context, polygons=True, attributes=("difficult", "truncated", "group_id", "score"))
    kept = 0
    try:
        for chunk in FORMATS[fmt].read(source_of(path), context):
            kept += len(chunk)
            fit(chunk, tally=type(context.tally)())
    except BoxferryError:
        return
    assert context.tally.kept == kept, f"{context.tally.read} read, {context.tally.dropped} dropped, {kept} kept"


@pytest.mark.parametrize("reader", READERS)
def test_a_reader_survives_whatever_stands_in_a_file(reader, tmp_path):
    """No traceback, no hang, no flood of memory; read = kept + dropped."""
    fmt, name, seeds, options = READERS[reader]
    dice, path = random.Random(f"{SEED}{reader}"), str(tmp_path / name)
    known = CORPUS.get(reader, [])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(RUNS):
        data = known[number] if number < len(known) else mutated(dice, dice.choice(seeds))
        Path(path).write_bytes(data)
        started = time.perf_counter()
        try:
            judged(fmt, path, options)
        except Exception as error:
            raise AssertionError(f"input {number} of {reader}: {data[:3000]!r}") from error
        seconds = time.perf_counter() - started
        assert seconds < LONGEST_S, f"input {number} of {reader} took {seconds:.1f} s: {data[:3000]!r}"
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < MOST_MEMORY, f"{grown // 1024} MiB more"

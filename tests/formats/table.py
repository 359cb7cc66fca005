"""The table of docs/formats.md: what each format keeps, found out by reading and writing, and its peers.

`PYTHONPATH=tests .venv/bin/python tests/formats/table.py` writes it; a test holds the page to it.
"""

import dataclasses
import tempfile
from pathlib import Path

import numpy as np

from boxferry.boxes.detections import Detections, Image, objects
from boxferry.reading.source import source_of
from formats.reading import FORMATS, a_context
from formats.samples import SAMPLES, Sample, as_json, format_of
from interop import test_formats, test_frameworks, test_interop
from interop.peers import CHECKED

PAGE = Path(__file__).parents[2] / "docs" / "formats.md"
BEGIN, END = "<!-- table -->\n", "<!-- end of table -->\n"
PEERS_FROM = (test_formats, test_frameworks, test_interop)  #: their tests say what they check
FEATURES = ("score", "track", "outline", "attributes")
NAMES = ["cat", "dog"]
ASKED = ("difficult", "pose", "truncated", "group_id", "wet", "colour", "IsOccluded", "state", "visibility", "occluded")
COCO = {
    "images": [{"id": 1, "file_name": "0.jpg", "width": 100, "height": 80, "video_id": 1, "frame_id": 1}],
    "videos": [{"id": 1, "name": "clip.mp4"}],
    "categories": [{"id": 1, "name": "cat"}],
    "annotations": [
        {
            "id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 20, 30, 40], "score": 0.5, "track_id": 7,
            "segmentation": [[10, 20, 40, 20, 25, 60]], "attributes": {"pose": "left"},
        }
    ],
}  # fmt: skip
VOC = b"""<annotation><filename>a.jpg</filename><size><width>100</width><height>80</height></size>
<object><name>cat</name><confidence>0.5</confidence><difficult>1</difficult><bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax>
</bndbox><polygon><x1>11</x1><y1>21</y1><x2>40</x2><y2>21</y2><x3>25</x3><y3>60</y3></polygon></object></annotation>"""
LABELME_XML = b"""<annotation><filename>a.jpg</filename><folder>x</folder><source><sourceAnnotation>LabelMe Webtool
</sourceAnnotation></source><object><name>cat</name><deleted>0</deleted><occluded>no</occluded><polygon><pt><x>10</x>
<y>20</y></pt><pt><x>40</x><y>20</y></pt><pt><x>40</x><y>60</y></pt></polygon></object><imagesize><nrows>80</nrows>
<ncols>100</ncols></imagesize></annotation>"""
TASK = [
    {
        "data": {"image": "a.jpg"},
        "annotations": [
            {
                "result": [
                    {
                        "id": "r", "type": "rectanglelabels", "original_width": 100, "original_height": 80,
                        "value": {"x": 10, "y": 25, "width": 30, "height": 50, "rectanglelabels": ["cat"]},
                    },
                    {"id": "r", "type": "choices", "from_name": "state", "value": {"choices": ["wet"]}},
                ]
            }
        ],
    }
]  # fmt: skip
TRACKED = {"image": "clip.mp4", "label": "cat", "score": 0.5, "xyxy": [10.0, 20.0, 40.0, 60.0], "frame": 3, "track": 7}
MORE = {
    "coco": Sample(files={"x.json": as_json(COCO)}, source="x.json", expected=[], options={"coco-video": "1"}),
    "yolo": Sample(files={"a.txt": b"0 0.2 0.2 0.6 0.2 0.4 0.6 0.5\n"}, expected=[]),
    "yolo-track": Sample(files={"clip_1.txt": b"0 0.5 0.5 0.2 0.2 0.9 7\n"}, expected=[], options={"yolo-frames": "1"}),
    "voc": Sample(files={"a.xml": VOC}, expected=[]),
    "labelme-xml": Sample(files={"a.xml": LABELME_XML}, expected=[]),
    "mot": Sample(
        files={"gt.txt": b"1,7,10,20,30,40,1,1,0.5\n"}, source="gt.txt", expected=[], options={"mot-label": "cat"}
    ),
    "mot-results": Sample(
        files={"clip.txt": b"1,7,10,20,30,40,0.5,-1,-1,-1\n"}, source="clip.txt", expected=[],
        options={"mot-label": "cat"},
    ),
    "labelstudio-fields": Sample(files={"x.json": as_json(TASK)}, source="x.json", expected=[]),
}  # fmt: skip


def read_back(fmt, path, options):
    """The chunks of a source, with all that can be asked for."""
    given = {name.replace("-", "_"): value for name, value in options.items()}
    context = a_context(fmt, names=dict(enumerate(NAMES)) if fmt in {"yolo", "mot"} else {}, size=(100, 80), **given)
    context = dataclasses.replace(context, polygons=True, attributes=ASKED)
    return list(FORMATS[fmt].read(source_of(path), context))


def kept(chunks):
    """The features that a box in some chunks has."""
    found = set()
    for chunk in chunks:
        found |= {"score"} if not np.isnan(chunk.score).all() and len(chunk) else set()
        found |= {"track"} if chunk.track is not None and (chunk.track >= 0).any() else set()
        found |= {"outline"} if chunk.polygons is not None and any(chunk.polygons) else set()
        found |= {"attributes"} if chunk.attributes is not None and any(chunk.attributes) else set()
    return found


def a_full_chunk(*, video):
    """A box that has everything."""
    image = Image("clip.mp4" if video else "a.jpg", 100, 80, video=video, frames=9 if video else 0)
    ring = np.array([[10, 20], [40, 20], [25, 60.0]])
    return Detections.from_counts(
        [image], [1], [[10, 20, 40, 60]], [0], NAMES[:1], score=[0.5], frame=[3] if video else None, track=[7],
        polygons=objects([(ring,)]), attributes=objects([{"pose": "left"}]),
    )  # fmt: skip


def reads(fmt, folder):
    """What is kept of this format's samples."""
    found = set()
    for name, sample in {**SAMPLES, **MORE}.items():
        if fmt == (name if name in FORMATS else format_of(name)):
            found |= kept(read_back(fmt, sample.write(folder / name), sample.options))
    return found


def writes(fmt, folder):
    """What is kept of a box that has everything, written and read again."""
    if FORMATS[fmt].write is None:
        return set()
    target = folder / f"written-{fmt}"
    FORMATS[fmt].write([a_full_chunk(video=FORMATS[fmt].writes_videos)], target, a_context(fmt))
    chunks = read_back(fmt, target, {"bbox-format": "xywh"} if fmt == "coco" else {})
    same = [
        fields
        for chunk in chunks
        for fields in (() if chunk.attributes is None else chunk.attributes)
        if fields and fields.get("pose") == "left"
    ]
    return kept(chunks) - (set() if same else {"attributes"})


def peers(fmt):
    """The tools that it is checked against, with the directions."""
    signs = {("reads",): "→", ("writes",): "←", ("reads", "writes"): "⇄", ("same",): "="}
    return ", ".join(f"{peer} {signs[tuple(sorted(how))]}" for peer, how in sorted(CHECKED.get(fmt, {}).items()))


def rows():
    """The cells of the table."""
    with tempfile.TemporaryDirectory() as folder:
        for name, fmt in FORMATS.items():
            if fmt.read is None or fmt.live or name == "media":
                continue
            read, written = reads(name, Path(folder)), writes(name, Path(folder))
            if name == "boxferry":
                read = read | written  # its samples are what it writes
            cells = ["both" if each in written else "read" if each in read else "-" for each in FEATURES]
            yield (f"`{name}`", "yes", "yes" if fmt.write else "-", *cells, peers(name) or "-")


def table():
    """The table as Markdown."""
    head = ("format", "read", "written", *FEATURES, "checked against")
    lines = [head, tuple("---" for _ in head), *rows()]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def parts():
    """The page before the table, the table, and what comes after it."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    shown, _, after = rest.partition(END)
    return before, shown, after


if __name__ == "__main__":
    before, _, after = parts()
    PAGE.write_text(f"{before}{BEGIN}{table()}{END}{after}", encoding="utf-8")

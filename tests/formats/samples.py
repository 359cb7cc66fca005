"""A small file, or folder, of each format that came after the first four, and the boxes that stand in it.

Each is about a.jpg, 100x80, with a cat at 10, 20, 40, 60, and most have a second box, a dog at 5, 5, 95, 75.
"""

import io
import json
from dataclasses import dataclass, field

CAT = ("a.jpg", "cat", 10.0, 20.0, 40.0, 60.0)
DOG = ("a.jpg", "dog", 5.0, 5.0, 95.0, 75.0)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Files by name, and what is to be read of them.

    Attributes:
        files: relative path → content.
        expected: (image, label, corners, score) of each box.
        source: what is named to be read: a file among them, or '' for the folder.
        options: of the format.
        size: of its images, where the format does not say it.
    """

    files: dict[str, bytes]
    expected: list[tuple]
    source: str = ""
    options: dict[str, str] = field(default_factory=dict)
    size: tuple[int, int] | None = None

    def write(self, folder):
        """Put the files there; gives the source."""
        for name, data in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
        return folder / self.source if self.source else folder


def as_json(value):
    return json.dumps(value).encode()


CREATEML = [
    {
        "image": "a.jpg",
        "annotations": [
            {"label": "cat", "coordinates": {"x": 25, "y": 40, "width": 30, "height": 40}, "confidence": 0.5},
            {"label": "dog", "coordinates": {"x": 50, "y": 40, "width": 90, "height": 70}},
        ],
    }
]
NDJSON = [
    {"type": "dataset", "task": "detect", "name": "x", "class_names": {"0": "cat", "1": "dog"}},
    {
        "type": "image", "file": "a.jpg", "url": "https://x/a.jpg", "width": 100, "height": 80, "split": "train",
        "annotations": {"boxes": [[0, 0.25, 0.5, 0.3, 0.5], [1, 0.5, 0.5, 0.9, 0.875]]},
    },
]  # fmt: skip
PACKET = {
    "media": {"url": "a.jpg", "type": "image"}, "original_filename": "a.jpg",
    "instance_list": [
        {"name": "cat", "score": 0.5, "number": 7, "type": "box", "x_min": 10, "y_min": 20, "x_max": 40, "y_max": 60},
        {"name": "dog", "type": "polygon", "points": [{"x": 5, "y": 5}, {"x": 95, "y": 5}, {"x": 95, "y": 75}]},
    ],
}  # fmt: skip
LABELME = {
    "version": "5.5.0",
    "flags": {},
    "shapes": [
        {
            "label": "cat", "points": [[40.0, 20.0], [10.0, 60.0]], "group_id": None, "description": "",
            "shape_type": "rectangle", "flags": {"wet": True}, "score": 0.5,
        },
        {
            "label": "dog", "points": [[5.0, 5.0], [95.0, 30.0], [50.0, 75.0]], "group_id": 3, "shape_type": "polygon",
            "flags": {},
        },
    ],
    "imagePath": "a.jpg",
    "imageData": None,
    "imageHeight": 80,
    "imageWidth": 100,
}  # fmt: skip
KITTI = (
    b"cat 0.00 1 -1.57 10.00 20.00 40.00 60.00 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59 0.5\n"
    b"dog -1 -1 -10 5 5 95 75 -1 -1 -1 -1000 -1000 -1000 -10\n"
    b"DontCare -1 -1 -10 1 1 2 2 -1 -1 -1 -1000 -1000 -1000 -10\n"
)
DOTA = (
    b"imagesource:GoogleEarth\ngsd:0.14\n10 20 40 20 40 60 10 60 cat 0\n50.0 5.0 95.0 40.0 50.0 75.0 5.0 40.0 dog 1\n"
)
CVAT = b"""<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><task><name>x</name><mode>annotation</mode><labels><label><name>cat</name></label>
<label><name>dog</name></label></labels></task></meta>
<image id="0" name="a.jpg" width="100" height="80">
<box label="cat" occluded="1" source="auto" xtl="10" ytl="20" xbr="40" ybr="60" z_order="0">
<attribute name="score">0.5</attribute><attribute name="colour">black</attribute></box>
<polygon label="dog" occluded="0" points="5.0,5.0;95.0,30.0;50.0,75.0" z_order="0"></polygon>
</image></annotations>
"""
CVAT_VIDEO = b"""<annotations><version>1.1</version><meta><task><name>x</name><size>9</size><source>clip.mp4</source>
<original_size><width>100</width><height>80</height></original_size></task></meta>
<track id="4" label="cat"><box frame="2" outside="0" xtl="10" ytl="20" xbr="40" ybr="60"></box>
<box frame="3" outside="0" xtl="5" ytl="5" xbr="95" ybr="75"></box>
<box frame="4" outside="1" xtl="5" ytl="5" xbr="95" ybr="75">
</box></track></annotations>
"""
OPENIMAGES = (
    b"ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n"
    b"a,detector,cat,0.5,0.1,0.4,0.25,0.75,1,0,0,0,-1\na,xclick,dog,1,0.05,0.95,0.0625,0.9375,0,0,0,0,0\n"
    b"a,xclick,dog,1,0,1,0,1,0,0,1,0,0\n"
)
SIDES = {"original_width": 100, "original_height": 80, "image_rotation": 0, "from_name": "label", "to_name": "image"}
LABELSTUDIO = [
    {
        "id": 1,
        "data": {"image": "/data/upload/3/5b9c7dbd-a.jpg"},
        "annotations": [],
        "predictions": [
            {
                "model_version": "m1",
                "score": 0.4,
                "result": [
                    {
                        **SIDES, "id": "r1", "type": "rectanglelabels", "score": 0.5,
                        "value": {
                            "x": 10, "y": 25, "width": 30, "height": 50, "rotation": 0, "rectanglelabels": ["cat"]
                        },
                    },
                    {
                        **SIDES, "id": "r2", "type": "polygonlabels",
                        "value": {"points": [[5, 6.25], [95, 50], [50, 93.75]], "polygonlabels": ["dog"]},
                    },
                ],
            }
        ],
    }
]  # fmt: skip
BRUSH = {
    "data": {"image": "a.jpg"},
    "annotations": [
        {
            "result": [
                {
                    **SIDES, "original_width": 4, "original_height": 2, "id": "r", "type": "brushlabels",
                    "value": {
                        "format": "rle", "brushlabels": ["cat"],
                        "rle": [0, 0, 0, 32, 59, 187, 188, 3, 0, 128, 255, 240, 28, 2, 1, 255, 192, 112, 0],
                    },
                }
            ]
        }
    ],
}  # fmt: skip
LEAST = [
    {
        "image": "/data/local-files/?d=a.jpg",
        "box": [{**SIDES, "x": 10, "y": 25, "width": 30, "height": 50, "rotation": 0, "rectanglelabels": ["cat"]}],
    }
]
MASKED = CVAT.partition(b"<box")[0] + (
    b'<mask label="cat" left="10" top="20" width="30" height="40" rle="0, 1200"/></image></annotations>'
)
SEGMENTS = {**NDJSON[1], "annotations": {"segments": [[0, 0.1, 0.25, 0.4, 0.25, 0.25, 0.75]]}}
TABLE = [
    {"path": "a.jpg", "class_name": "cat", "prob": 0.5, "x1": 10.0, "y1": 20.0, "x2": 40.0, "y2": 60.0},
    {"path": "a.jpg", "class_name": "dog", "prob": None, "x1": 5.0, "y1": 5.0, "x2": 95.0, "y2": 75.0},
]
IMAGES = [
    {
        "file_name": "a.jpg", "bboxes": [[10.0, 20.0, 30.0, 40.0], [5.0, 5.0, 90.0, 70.0]], "labels": ["cat", "dog"],
        "scores": [0.5, None],
    },
]  # fmt: skip


def as_parquet(rows):
    """A table's file; empty bytes where pyarrow is not installed."""
    try:
        import pyarrow as pa
        import pyarrow.parquet
    except ImportError:
        return b""
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), stream := io.BytesIO())
    return stream.getvalue()


SAMPLES = {
    "createml": Sample(
        files={"x.json": as_json(CREATEML)}, source="x.json", expected=[(*CAT, 0.5), (*DOG, None)]
    ),
    "ndjson": Sample(
        files={"x.ndjson": b"\n".join(map(as_json, NDJSON)) + b"\n"},
        source="x.ndjson",
        expected=[(*CAT, None), (*DOG, None)],
    ),
    "packets": Sample(
        files={"x.ndjson": as_json(PACKET) + b"\n"}, source="x.ndjson", expected=[(*CAT, 0.5), (*DOG, None)]
    ),
    "labelme": Sample(files={"a.json": as_json(LABELME)}, expected=[(*CAT, 0.5), (*DOG, None)]),
    "kitti": Sample(files={"a.txt": KITTI}, expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], None)]),
    "dota": Sample(files={"a.txt": DOTA}, expected=[("a", *CAT[1:], None), ("a", *DOG[1:], None)]),
    "dota-results": Sample(
        files={"Task1_cat.txt": b"a 0.5 10 20 40 20 40 60 10 60\n", "Task2_dog.txt": b"a 0.25 5 5 95 75\n"},
        expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], 0.25)],
    ),
    "cvat": Sample(files={"x.xml": CVAT}, source="x.xml", expected=[(*CAT, 0.5), (*DOG, None)]),
    "cvat-video": Sample(
        files={"x.xml": CVAT_VIDEO},
        source="x.xml",
        expected=[("clip.mp4", *CAT[1:], None), ("clip.mp4", "cat", *DOG[2:], None)],
    ),
    "labelstudio": Sample(
        files={"x.json": as_json(LABELSTUDIO)},
        source="x.json",
        expected=[("5b9c7dbd-a.jpg", *CAT[1:], 0.5), ("5b9c7dbd-a.jpg", *DOG[1:], None)],
    ),
    "openimages": Sample(
        files={"x.csv": OPENIMAGES},
        source="x.csv",
        expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], None)],
        size=(100, 80),
    ),
    "openimages-predictions": Sample(
        files={"x.csv": b"ImageId,PredictionString\na,cat .5 .1 .25 .4 .75 dog .25 .05 .0625 .95 .9375\nb,\n"},
        source="x.csv",
        expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], 0.25)],
        size=(100, 80),
    ),
    "cvat-mask": Sample(files={"x.xml": MASKED}, source="x.xml", expected=[(*CAT, None)]),
    "labelstudio-brush": Sample(
        files={"x.json": as_json(BRUSH)},
        source="x.json",
        expected=[("a.jpg", "cat", 1.0, 0.0, 3.0, 2.0, None)],
        size=(4, 2),
    ),
    "labelstudio-least": Sample(files={"x.json": as_json(LEAST)}, source="x.json", expected=[(*CAT, None)]),
    "ndjson-segments": Sample(
        files={"x.ndjson": as_json(NDJSON[0]) + b"\n" + as_json(SEGMENTS)}, source="x.ndjson", expected=[(*CAT, None)]
    ),
    "parquet": Sample(
        files={"x.parquet": as_parquet(TABLE)},
        source="x.parquet",
        expected=[(*CAT, 0.5), (*DOG, None)],
        options={"columns": "score=prob"},
    ),
    "parquet-images": Sample(
        files={"x.parquet": as_parquet(IMAGES)},
        source="x.parquet",
        expected=[(*CAT, 0.5), (*DOG, None)],
        options={"parquet-box": "xywh"},
    ),
    "kitti-tracking": Sample(
        files={"clip.txt": b"".join(b"%d 7 " % frame + line for frame, line in enumerate(KITTI.splitlines(True)))},
        expected=[("clip", *CAT[1:], 0.5), ("clip", *DOG[1:], None)],
    ),
}  # fmt: skip

SAMPLES = {name: sample for name, sample in SAMPLES.items() if all(sample.files.values())}


def format_of(sample):
    """The format of a sample, 'dota' of 'dota-results'."""
    return sample.partition("-")[0]

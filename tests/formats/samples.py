"""A small file, or folder, of each format that came after the first four, and the boxes that stand in it.

Each is about a.jpg, 100x80, with a cat at 10, 20, 40, 60, and most have a second box, a dog at 5, 5, 95, 75.
"""

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
    """

    files: dict[str, bytes]
    expected: list[tuple]
    source: str = ""
    options: dict[str, str] = field(default_factory=dict)

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
SAMPLES = {
    "createml": Sample(
        files={"x.json": as_json(CREATEML)}, source="x.json", expected=[(*CAT, 0.5), (*DOG, None)]
    ),
    "ndjson": Sample(
        files={"x.ndjson": b"\n".join(map(as_json, NDJSON)) + b"\n"},
        source="x.ndjson",
        expected=[(*CAT, None), (*DOG, None)],
    ),
    "labelme": Sample(files={"a.json": as_json(LABELME)}, expected=[(*CAT, 0.5), (*DOG, None)]),
    "kitti": Sample(files={"a.txt": KITTI}, expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], None)]),
    "dota": Sample(files={"a.txt": DOTA}, expected=[("a", *CAT[1:], None), ("a", *DOG[1:], None)]),
    "dota-results": Sample(
        files={"Task1_cat.txt": b"a 0.5 10 20 40 20 40 60 10 60\n", "Task2_dog.txt": b"a 0.25 5 5 95 75\n"},
        expected=[("a", *CAT[1:], 0.5), ("a", *DOG[1:], 0.25)],
    ),
    "kitti-tracking": Sample(
        files={"clip.txt": b"".join(b"%d 7 " % frame + line for frame, line in enumerate(KITTI.splitlines(True)))},
        expected=[("clip", *CAT[1:], 0.5), ("clip", *DOG[1:], None)],
    ),
}  # fmt: skip


def format_of(sample):
    """The format of a sample, 'dota' of 'dota-results'."""
    return sample.partition("-")[0]

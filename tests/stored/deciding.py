"""What people do to the boxes of a file, for the tests of what is not asked again."""

import json
from datetime import datetime, timedelta

import requests
from PIL import Image as Picture

from boxferry import read

NAMES = ["cat", "dog"]
CORNERS = ("x_min", "y_min", "x_max", "y_max")
LATER = 60.0  #: seconds after which a person is done, who needs longer than a packet


def corners(box):
    return tuple(box[name] for name in CORNERS)


def at(place):
    return dict(zip(CORNERS, place, strict=True))


def stored(sandbox, name="a.jpg"):
    """(label id, corners) of each box of a file."""
    return sorted((box["label_file_id"], corners(box)) for box in sandbox.boxes(name))


def predicted(folder, *boxes, name="a.jpg", size=(100, 80), names=NAMES):
    """Predictions of one image, each its class's index and its corners in pixels."""
    width, height = size
    for made in ("images", "labels"):
        (folder / made).mkdir(exist_ok=True)
    if not (folder / "images" / name).exists():
        Picture.new("RGB", size, "grey").save(folder / "images" / name)
    rows = [
        f"{code} {(x + u) / 2 / width} {(y + v) / 2 / height} {(u - x) / width} {(v - y) / height} 0.9\n"
        for code, (x, y, u, v) in boxes
    ]
    (folder / "labels" / name).with_suffix(".txt").write_text("".join(rows))
    return read(folder / "labels", format="yolo", names=names, images=folder / "images")


def saved(sandbox, change, name="a.jpg"):
    """A person's save: `change` is given the file's boxes as they are read, and gives what is saved."""
    file = file_of(sandbox, name)
    path = f"{sandbox.host}/api/project/{sandbox.project}/file/{file['id']}/annotation"
    auth = (sandbox.client_id, sandbox.client_secret)
    rows = requests.post(f"{path}/list", json={"directory_id": 1}, auth=auth, timeout=9).json()
    rows = change(rows["file_serialized"]["instance_list"])
    body = {"instance_list": rows, "directory_id": 1, "and_complete": False}
    answer = requests.post(f"{path}/update", json=body, auth=auth, timeout=9).json()
    assert answer["log"]["success"] or not rows, answer


def file_of(sandbox, name="a.jpg"):
    return next(file for file in sandbox.files() if file["original_filename"] == name)


def changed(sandbox, place, *, to=None, label=None, name="a.jpg"):
    """A person moves or relabels the box at a place."""
    more = at(to or place) | {"machine_made": False} | ({} if label is None else {"label_file_id": label})
    saved(sandbox, lambda rows: [row | more if corners(row) == place else row for row in rows], name)


def deleted(sandbox, *places, name="a.jpg"):
    """A person deletes the boxes at some places; a save cannot be empty, so that one that goes may stay as marked."""
    mark = {"soft_delete": True}
    saved(sandbox, lambda rows: [row | mark if corners(row) in places else row for row in rows], name)


def drawn(sandbox, place, label=1, name="a.jpg"):
    """A person draws a box."""
    box = {"type": "box", "label_file_id": label, "machine_made": False, **at(place)}
    saved(sandbox, lambda rows: [*rows, box], name)


def completed(sandbox, name="a.jpg", *, later=LATER):
    """A person presses "done", so many seconds after its boxes came, and before now; no test waits for that."""
    store, file = sandbox._store, file_of(sandbox, name)
    for row in store.rows("SELECT id, data FROM instance WHERE file_id = ?", file["id"]):
        data = json.loads(row["data"])
        created = datetime.fromisoformat(data["created_time"]) - timedelta(seconds=2 * later)
        store.update("instance", row["id"], {"data": json.dumps(data | {"created_time": created.isoformat()})})
    store.update("file", file["id"], {"ann_is_complete": 1, "time_last_updated": store.now() - later})

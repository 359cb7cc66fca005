"""A pulled dataset is read by the loaders that train: Ultralytics' and torchvision's; `make frameworks` has them."""

import pytest

from boxferry.sandbox.server import Sandbox
from clocked import Clock
from interop.test_frameworks import torch, torchvision, ultralytics  # noqa: F401 # fixtures
from review.reviewing import LABELS, SIDE, Team

pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own


@pytest.fixture
def team(tmp_path):
    """Twelve pictures with the boxes of two models, eight of them reviewed; one has no box any more."""
    clock = Clock()
    with Sandbox(tmp_path / "sandbox", clock=clock) as sandbox:
        found = Team(sandbox, clock, tmp_path / "team", 12, suffix=".jpg")
        with found.open() as diffgram:
            found.night(diffgram, "m1", "n1", found.names)
            found.night(diffgram, "m2", "n2", found.names[:4], on_existing="append")
            for name in found.names[:7]:
                found.review(name, move=1, draw=1)
            found.review(found.names[7], delete=2, draw=1)
        yield found


def written(team, folder, **options):
    with team.open("none") as none:
        result = none.dataset(directory="Default").write(folder, val=0.4, images=team.folder / "images", **options)
    assert min(result.count("train"), result.count("val")) > 0
    return folder


def test_ultralytics_reads_it(ultralytics, team, tmp_path):  # noqa: F811 # the fixture
    """Every picture, with the ledger's boxes; none is called corrupt."""
    from ultralytics.data.dataset import YOLODataset
    from ultralytics.data.utils import check_det_dataset

    folder = written(team, tmp_path / "set", to="yolo", names=dict(enumerate(LABELS)))
    data = check_det_dataset(str(folder / "data.yaml"), autodownload=False)
    found = {}
    for split in ("train", "val"):
        loaded = YOLODataset(img_path=data[split], data=data, task="detect", imgsz=64, augment=False)
        for each in loaded.labels:
            corners = zip(each["cls"].reshape(-1).tolist(), each["bboxes"].tolist(), strict=True)
            name = each["im_file"].rpartition("/")[2]
            found[name] = sorted((data["names"][int(code)], *_corners(box)) for code, box in corners)
    assert found == team.settled()


def _corners(box):
    x, y, w, h = (side * SIDE for side in box)
    return tuple(round(each, 3) for each in (x - w / 2, y - h / 2, x + w / 2, y + h / 2))


def test_ultralytics_trains_on_it(ultralytics, team, tmp_path, monkeypatch):  # noqa: F811 # the fixture
    """One epoch of the smallest model, without weights."""
    monkeypatch.chdir(tmp_path)
    folder = written(team, tmp_path / "set", to="yolo")
    model = ultralytics.YOLO("yolo11n.yaml")
    given = {"epochs": 1, "imgsz": 64, "batch": 4, "device": "cpu", "workers": 0, "plots": False, "verbose": False}
    model.train(data=str(folder / "data.yaml"), project=str(tmp_path / "runs"), amp=False, **given)
    assert (tmp_path / "runs" / "train" / "weights" / "last.pt").exists()


def test_torchvision_reads_its_coco_and_its_voc(torchvision, team, tmp_path):  # noqa: F811 # the fixture
    """The images open, and have the ledger's boxes."""
    coco, voc = written(team, tmp_path / "coco", to="coco"), written(team, tmp_path / "voc", to="voc")
    found, objects = {}, {}
    for split in ("train", "val"):
        loaded = torchvision.datasets.CocoDetection(
            str(coco / "images" / split), str(coco / "annotations" / f"instances_{split}.json")
        )
        names = {number: each["name"] for number, each in loaded.coco.cats.items()}
        for (image, items), number in zip(loaded, loaded.ids, strict=True):
            assert image.size == (SIDE, SIDE)
            boxes = [(names[each["category_id"]], *_whole(each["bbox"])) for each in items]
            found[loaded.coco.imgs[number]["file_name"]] = sorted(boxes)
        for image, target in torchvision.datasets.VOCDetection(str(voc), year="2012", image_set=split):
            assert image.size == (SIDE, SIDE)
            whole = target["annotation"]
            objects[whole["filename"]] = sorted(_object(each) for each in whole.get("object", ()))
    assert found == objects == team.settled()


def _whole(bbox):
    x, y, w, h = map(round, bbox)
    return x, y, x + w, y + h


def _object(found):
    box = {side: int(value) for side, value in found["bndbox"].items()}
    return found["name"], box["xmin"] - 1, box["ymin"] - 1, box["xmax"], box["ymax"]

"""The frameworks' real classes and writers, without weights: `make frameworks` makes an environment that has them.

Elsewhere stand-ins with the same attributes take their place (tests/formats/test_live.py).
"""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Picture

from boxferry import read
from boxferry.boxes.tally import Tally
from boxferry.collector.collector import Collector
from boxferry.collector.disk_queue_format import DiskQueueHead
from boxferry.collector.disk_queue_push import Doing
from formats.reading import FORMATS, a_context, rows_of
from interop.peers import checked, peer

SIZE = (100, 80)
CORNERS = [[10.0, 20.0, 40.0, 60.0], [5.0, 5.0, 95.0, 75.0]]
NAMES = {0: "cat", 1: "dog"}
WANTED = [("a.jpg", "cat", *CORNERS[0], 0.5), ("a.jpg", "dog", *CORNERS[1], 0.25)]
pytestmark = pytest.mark.filterwarnings("ignore")  # the frameworks' own


@pytest.fixture
def image(tmp_path):
    """One image of 100x80."""
    (tmp_path / "images").mkdir()
    Picture.fromarray(np.random.default_rng(7).integers(0, 255, (80, 100, 3), np.uint8)).save(
        tmp_path / "images" / "a.jpg"
    )
    return tmp_path / "images" / "a.jpg"


@pytest.fixture
def torch():
    return peer("torch")


@pytest.fixture
def torchvision(torch):
    """torchvision; where its build is for another torch than this one, with its non-maximum suppression in Python."""
    try:
        return peer("torchvision")
    except RuntimeError as error:
        if "operator torchvision::" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    operators = torch.library.Library("torchvision", "DEF")
    for name in ("nms", "qnms"):
        operators.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    operators.impl("nms", nms, "CPU")
    KEPT.append(operators)  # an operator is there for as long as its library is
    found = peer("torchvision")
    found.extension._has_ops = lambda: True
    return found


KEPT = []


def nms(boxes, scores, threshold):
    """Greedy non-maximum suppression: the indices of the boxes that stay, best first."""
    order, kept = scores.argsort(descending=True, stable=True), []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        low, high = boxes[order, :2].maximum(boxes[best, :2]), boxes[order, 2:].minimum(boxes[best, 2:])
        shared = (high - low).clamp(min=0).prod(1)
        area = (boxes[:, 2:] - boxes[:, :2]).prod(1)
        order = order[shared / (area[order] + area[best] - shared) <= threshold]
    return scores.new_tensor(kept).long()


@pytest.fixture
def ultralytics(monkeypatch, tmp_path, torchvision):
    """Ultralytics with its settings in a folder of the test, without the network, and weights that are always alike."""
    peer("torch").manual_seed(7)
    monkeypatch.setenv("YOLO_CONFIG_DIR", str(tmp_path))
    monkeypatch.setenv("YOLO_OFFLINE", "true")
    return peer("ultralytics")


def found(value, **options):
    """(image, label, corners, score) of each box, and the one chunk; the counts have to add up."""
    tally = Tally()
    (chunk,) = list(read(value, **options).chunks(tally))
    assert tally.kept == len(chunk.xyxy)
    return rows_of([chunk]), chunk


def near(rows, wanted=WANTED, tolerance=1e-3):
    """The same images and labels, corners and scores within a thousandth."""
    assert [row[:2] for row in rows] == [row[:2] for row in wanted]
    assert np.allclose(np.array([row[2:] for row in rows]), np.array([row[2:] for row in wanted]), atol=tolerance)


def a_result(torch, path, *, track=False, masks=None, keypoints=None):
    """Ultralytics' own `Results` of two boxes."""
    from ultralytics.engine.results import Results

    tail = [[0.5, 0.0], [0.25, 1.0]]
    rows = [[*box, *([float(7 + n)] if track else []), *tail[n]] for n, box in enumerate(CORNERS)]
    picture = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    return Results(picture, path=str(path), names=NAMES, boxes=torch.tensor(rows), masks=masks, keypoints=keypoints)


def test_ultralytics_results_are_read_from_memory(torch, ultralytics, image):
    """Boxes, and tracks where there are some; names and sizes come with them."""
    rows, _ = found([a_result(torch, image)], images=image.parent)
    near(rows)
    rows, chunk = found([a_result(torch, image, track=True)], images=image.parent)
    near(rows)
    assert chunk.track.tolist() == [7, 8]


def test_ultralytics_outlines_and_oriented_boxes(torch, ultralytics, image):
    """As `masks` and `obb` hold them; bounds are the boxes."""
    from ultralytics.engine.results import Results

    masks = torch.zeros((2, 80, 100))
    masks[0, 20:60, 10:40] = 1
    masks[1, 5:75, 5:95] = 1
    _, chunk = found([a_result(torch, image, masks=masks)], images=image.parent, polygons=True)
    (ring,) = chunk.polygons[0]
    assert ring.min(0).tolist() == [10, 20]
    assert ring.max(0).tolist() == [39, 59]
    turned = Results(
        np.zeros((80, 100, 3), np.uint8), path=str(image), names=NAMES,
        obb=torch.tensor([[50.0, 40.0, 40.0, 20.0, 0.0, 0.5, 1.0]]),
    )  # fmt: skip
    rows, chunk = found([turned], images=image.parent, polygons=True)
    near(rows, [("a.jpg", "dog", 30.0, 30.0, 70.0, 50.0, 0.5)])
    assert len(chunk.polygons[0][0]) == 4


@pytest.mark.parametrize("save_conf", [True, False])
@pytest.mark.parametrize("track", [True, False])
def test_ultralytics_text_files_are_read(torch, ultralytics, image, tmp_path, save_conf, track):
    """What `save_txt` writes: with and without scores, with and without track ids."""
    (tmp_path / "labels").mkdir()
    a_result(torch, image, track=track).save_txt(tmp_path / "labels" / "a.txt", save_conf=save_conf)
    rows, chunk = found(tmp_path / "labels", names=NAMES, images=image.parent)
    wanted = WANTED if save_conf else [(*row[:6], None) for row in WANTED]
    assert [row[6] for row in rows] == [row[6] for row in wanted]
    near([row[:6] for row in rows], [row[:6] for row in wanted])
    assert (chunk.track.tolist() if track else chunk.track) == ([7, 8] if track else None)


def test_ultralytics_segments_are_read(torch, ultralytics, image, tmp_path):
    """The bounds of the outlines that `save_txt` writes for masks, with scores and without."""
    masks = torch.zeros((2, 80, 100))
    masks[0, 20:60, 10:40] = 1
    masks[1, 5:75, 5:95] = 1
    for save_conf in (True, False):
        folder = tmp_path / f"labels-{save_conf}"
        folder.mkdir()
        a_result(torch, image, masks=masks).save_txt(folder / "a.txt", save_conf=save_conf)
        rows, _ = found(folder, names=NAMES, images=image.parent, options={"yolo-kind": "segments"})
        assert [row[6] for row in rows] == ([0.5, 0.25] if save_conf else [None, None])
        near([row[:6] for row in rows], [row[:6] for row in WANTED], tolerance=1.01)


def a_collector(folder, given, **options):
    """One that is inside its context, and whose results go into a list: only what is taken counts here."""
    collector = Collector(folder / "spool", DiskQueueHead(), Doing(lambda *_: None), options=options)
    read = collector._still_images  # as its thread does
    collector._threads = SimpleNamespace(offer=lambda held, **_: given.extend(read([held.value])) or True), None
    return collector


def test_ultralytics_predicts_into_the_collector(torch, ultralytics, image, tmp_path):
    """A real prediction of a model without weights, by its callback; the files that it saves hold the same boxes."""
    model = ultralytics.YOLO("yolov8n.yaml")
    given = []
    taken = a_collector(tmp_path, given)
    model.add_callback("on_predict_batch_end", taken.ultralytics_batch)
    (result,) = model.predict(
        str(image), imgsz=64, conf=1e-6, max_det=20, save_txt=True, save_conf=True, project=str(tmp_path), name="p",
        verbose=False,
    )  # fmt: skip
    assert (taken.report.images, taken.report.boxes, taken.report.problems) == (1, len(result.boxes), [])
    assert len(result.boxes) > 5
    memory = rows_of(given[0])
    near(
        memory,
        [("a.jpg", result.names[int(b.cls)], *b.xyxy[0].tolist(), float(b.conf)) for b in result.boxes],
    )
    files, _ = found(tmp_path / "p" / "labels", names=dict(result.names), images=image.parent)
    lines = (tmp_path / "p" / "labels" / "a.txt").read_text().splitlines()
    distinct = dict(zip(lines, memory, strict=True))  # equal lines are one box
    near(files, list(distinct.values()), tolerance=0.01)


def test_ultralytics_is_given_callbacks_for_a_while(torch, ultralytics, image, tmp_path):
    """As `add_to` does it: the model's own list of them is as before afterwards."""
    from boxferry.integrations.ultralytics import add_to

    class Entered(list):
        def __enter__(self):
            return self

        def __exit__(self, *_):
            """Nothing is sent."""

        def ultralytics_batch(self, predictor):
            self.extend(predictor.results)

        def ultralytics_validation(self, validator):
            """Not called."""

    model = ultralytics.YOLO("yolov8n.yaml")
    model.predict(str(image), imgsz=64, verbose=False)  # the first prediction adds the framework's own callbacks
    before = {event: list(calls) for event, calls in model.callbacks.items()}
    with add_to(model, Entered()) as taken:
        model.predict(str(image), imgsz=64, verbose=False)
    model.predict(str(image), imgsz=64, verbose=False)
    assert [result.path for result in taken] == [str(image)]
    assert {event: list(calls) for event, calls in model.callbacks.items()} == before


def test_lightning_predicts_into_the_collector(torch, image, tmp_path):
    """The real trainer, with a model that gives two boxes an image."""
    lightning = peer("lightning")
    from boxferry.integrations.lightning import DiffgramWriter

    class Detector(lightning.LightningModule):
        def predict_step(self, batch, batch_idx):
            result = {"boxes": torch.tensor(CORNERS), "labels": torch.tensor([0, 1]), "scores": torch.ones(2)}
            return [result] * len(batch)

    seen = []

    class Taking:
        def __enter__(self):
            seen.append("entered")

        def __exit__(self, *_):
            seen.append("left")

        def __call__(self, result, image):
            seen.append((image, len(result["boxes"])))

    trainer = lightning.Trainer(
        callbacks=[DiffgramWriter(Taking(), names=lambda batch: batch)], accelerator="cpu", logger=False,
        enable_progress_bar=False, default_root_dir=tmp_path,
    )  # fmt: skip
    loader = torch.utils.data.DataLoader([str(image)] * 3, batch_size=2)
    trainer.predict(Detector(), loader, return_predictions=False)
    assert seen == ["entered", *[(str(image), 2)] * 3, "left"]


def test_lightning_closes_the_collector_where_a_prediction_fails(torch, image, tmp_path):
    """The real trainer calls `on_exception`, and no `teardown`."""
    lightning = peer("lightning")
    from boxferry.integrations.lightning import DiffgramWriter

    class Detector(lightning.LightningModule):
        def predict_step(self, batch, batch_idx):
            raise RuntimeError("out of memory")

    seen = []

    class Taking:
        def __enter__(self):
            seen.append("entered")

        def __exit__(self, *_):
            seen.append("left")

    trainer = lightning.Trainer(
        callbacks=[DiffgramWriter(Taking(), names=lambda batch: batch)], accelerator="cpu", logger=False,
        enable_progress_bar=False, default_root_dir=tmp_path,
    )  # fmt: skip
    with pytest.raises(RuntimeError, match="out of memory"):
        trainer.predict(Detector(), torch.utils.data.DataLoader([str(image)]), return_predictions=False)
    assert seen == ["entered", "left"]


@pytest.mark.parametrize("workers", [0, 2])
def test_a_pipeline_is_given_a_data_set(torch, torchvision, image, workers):
    """Of the framework's own kind, which has no iterator; and a generator, whose images no other process takes."""
    transformers = peer("transformers")
    from transformers.pipelines.pt_utils import KeyDataset

    from boxferry.integrations.huggingface import Collecting

    sizes = {"hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32}
    config = transformers.YolosConfig(**sizes, image_size=[64, 64], num_detection_tokens=3, num_labels=2)
    detect = transformers.ObjectDetectionPipeline(
        model=transformers.YolosForObjectDetection(config),
        image_processor=transformers.YolosImageProcessor(size={"height": 64, "width": 64}),
        device="cpu",
    )
    seen = []
    wrapped = Collecting(detect, lambda result, name: seen.append((name, len(result))))
    for images in (KeyDataset([{"image": str(image)}] * 2, "image"), (str(image) for _ in range(2))):
        assert [len(result) for result in wrapped(images, threshold=0.0, num_workers=workers)] == [3, 3]
    assert seen == [(str(image), 3)] * 4


def test_ultralytics_validates_into_the_collector(torch, ultralytics, image, tmp_path):
    """Its list for `save_json`, and the file that it writes of it, which is read as COCO results."""
    (tmp_path / "labels").mkdir()
    (tmp_path / "labels" / "a.txt").write_text("0 .5 .5 .2 .2\n1 .25 .25 .2 .2\n")
    names = {number: f"class {number}" for number in range(80)}
    data = tmp_path / "data.yaml"
    data.write_text(f"path: {tmp_path}\ntrain: images\nval: images\nnames: {json.dumps(names)}\n")
    chunks = []
    taken = a_collector(tmp_path, chunks, images=image.parent)
    model = ultralytics.YOLO("yolov8n.yaml")
    model.model.names = names
    model.add_callback("on_val_end", taken.ultralytics_validation)
    model.val(
        data=str(data), imgsz=64, conf=1e-6, max_det=20, save_json=True, plots=False, workers=0, batch=1,
        project=str(tmp_path), name="v", verbose=False,
    )  # fmt: skip
    assert taken.report.problems == []
    (file,) = (tmp_path / "v").glob("*predictions.json")
    items = json.loads(file.read_text())
    assert taken.report.boxes == len(items) > 5
    memory = rows_of(chunks[0])
    files, _ = found(file, names={number + 1: name for number, name in names.items()}, images=image.parent)
    assert sorted(memory) == sorted(files)


def ours(fmt, target, image):
    """The two boxes, as one of our formats writes them."""
    value = {"boxes": CORNERS, "labels": [0, 1], "scores": [0.5, 0.25]}
    predictions = read({str(image): value}, names=NAMES, images=image.parent)
    predictions.write_as(FORMATS[fmt], target, Tally(), a_context(fmt).options)
    return target


def test_ultralytics_trains_on_what_is_written(torch, ultralytics, image, tmp_path):
    """Its own data set over a folder of YOLO that was written here: no score, since it refuses a sixth column."""
    from ultralytics.data.dataset import YOLODataset

    folder = ours("yolo", tmp_path / "ours", image)
    for path in (folder / "labels").glob("*.txt"):
        path.write_text("".join(" ".join(line.split()[:5]) + "\n" for line in path.read_text().splitlines()))
    (folder / "images").mkdir(exist_ok=True)
    (folder / "images" / "a.jpg").write_bytes(image.read_bytes())
    (label,) = YOLODataset(img_path=str(folder / "images"), data={"names": NAMES, "nc": 2}, augment=False).labels
    assert label["cls"].ravel().tolist() == [0, 1]
    centres = label["bboxes"] * np.tile(SIZE, 2)
    corners = np.hstack([centres[:, :2] - centres[:, 2:] / 2, centres[:, :2] + centres[:, 2:] / 2])
    assert np.allclose(corners, CORNERS, atol=1e-3)


@checked("Ultralytics", "ndjson", how=("same",))
@pytest.mark.parametrize("kind", ["boxes", "segments", "obb", "pose"])
def test_ultralytics_takes_the_same_boxes_out_of_its_ndjson(torch, ultralytics, image, tmp_path, kind):
    """It turns the lines into label files: what is read of those is what is read of the lines."""
    import asyncio

    from ultralytics.data.converter import convert_ndjson_to_yolo

    row = {
        "boxes": [0.25, 0.5, 0.3, 0.5], "segments": [0.1, 0.25, 0.4, 0.25, 0.25, 0.75],
        "obb": [0.1, 0.5, 0.25, 0.25, 0.4, 0.5, 0.25, 0.75], "pose": [0.25, 0.5, 0.3, 0.5, 0.2, 0.3, 2, 0.3, 0.4, 1],
    }[kind]  # fmt: skip
    task = {"boxes": "detect", "segments": "segment"}.get(kind, kind)
    for split in ("train", "val"):
        (tmp_path / "images" / split).mkdir()
        (tmp_path / "images" / split / f"{split}.jpg").write_bytes(image.read_bytes())
    image.unlink()
    lines = [{"type": "dataset", "task": task, "name": "x", "class_names": {"0": "cat", "1": "dog"}, "path": "."}]
    lines += [
        {
            "type": "image", "file": f"{split}.jpg", "width": SIZE[0], "height": SIZE[1], "split": split,
            "annotations": {kind: [[1, *row]]},
        }
        for split in ("train", "val")
    ]  # fmt: skip
    source = tmp_path / "x.ndjson"
    source.write_text("".join(json.dumps(line) + "\n" for line in lines))
    made = asyncio.run(convert_ndjson_to_yolo(source, tmp_path / "made")).parent
    theirs = read(
        made / "labels", format="yolo", names=NAMES, images=made / "images",
        options={} if kind == "boxes" else {"yolo-kind": kind},
    )  # fmt: skip
    corners = [row[1:] for row in rows_of(list(theirs.chunks(Tally())))]
    ours = [row[1:] for row in rows_of(list(read(source).chunks(Tally())))]
    assert len(ours) == len(corners) == 2
    assert np.allclose([row[1:5] for row in ours], [row[1:5] for row in corners])
    assert [row[0] for row in ours] == [row[0] for row in corners]


def test_torchvision_reads_what_is_written(torch, torchvision, image, tmp_path):
    """COCO by its `CocoDetection`."""
    ((_, items),) = torchvision.datasets.CocoDetection(str(image.parent), str(ours("coco", tmp_path / "c.json", image)))
    assert [item["bbox"] for item in items] == [[x1, y1, x2 - x1, y2 - y1] for x1, y1, x2, y2 in CORNERS]
    assert [item["score"] for item in items] == [0.5, 0.25]


def test_dicts_of_tensors_are_read(torch):
    """As torchvision's models give them: half precision, on a graph, empty."""
    one = {
        "boxes": torch.tensor(CORNERS, dtype=torch.float16),
        "labels": torch.tensor([0, 1]),
        "scores": torch.tensor([0.5, 0.25], dtype=torch.bfloat16, requires_grad=True),
    }
    near(found({"a.jpg": one}, names=NAMES, size="100x80")[0])
    none = {"boxes": torch.zeros((0, 4)), "labels": torch.zeros(0, dtype=torch.int64), "scores": torch.zeros(0)}
    assert found({"a.jpg": none}, names=NAMES, size="100x80")[0] == []


def test_torchvisions_models_are_read(torch, torchvision, image):
    """A real model without weights."""
    model = torchvision.models.detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=3, score_thresh=0.0, detections_per_img=20
    )
    with torch.no_grad():
        (result,) = model.eval()([torch.rand(3, 80, 100)])
    rows, _ = found({str(image): result}, names=["__background__", "cat", "dog"], images=image.parent)
    assert len(rows) == len(result["boxes"]) > 0
    assert np.allclose([row[2:6] for row in rows], result["boxes"].numpy())


def test_hugging_faces_pipeline_is_read(torch, torchvision, image):
    """A real object detection pipeline around a small model without weights."""
    transformers = peer("transformers")
    config = transformers.YolosConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=[64, 64],
        num_detection_tokens=10, id2label=NAMES, label2id={name: number for number, name in NAMES.items()},
    )  # fmt: skip
    processor = transformers.YolosImageProcessor(size={"height": 64, "width": 64}, do_pad=False)
    detect = transformers.pipeline(
        "object-detection", model=transformers.YolosForObjectDetection(config), image_processor=processor
    )
    result = detect(str(image), threshold=0.0)
    rows, chunk = found({str(image): result}, images=image.parent)
    assert read({str(image): result}).format.name == "huggingface"
    assert len(rows) == len(result) == 10
    corners = [[each["box"][name] for name in ("xmin", "ymin", "xmax", "ymax")] for each in result]
    assert chunk.xyxy.tolist() == corners
    assert [row[1] for row in rows] == [each["label"] for each in result]


def test_sahis_results_are_read(image):
    """Its own classes, its result and its list; and what it writes as COCO predictions."""
    peer("sahi")
    from sahi.prediction import ObjectPrediction, PredictionResult

    ours = [
        ObjectPrediction(bbox=box, category_id=n, category_name=NAMES[n], score=[0.5, 0.25][n], full_shape=[80, 100])
        for n, box in enumerate(CORNERS)
    ]
    result = PredictionResult(object_prediction_list=ours, image=str(image))
    near(found({str(image): result}, images=image.parent)[0])
    near(found({str(image): ours}, images=image.parent)[0])
    file = image.parent.parent / "sahi.json"
    file.write_text(json.dumps(result.to_coco_predictions(image_id=1)))
    dataset = {
        "images": [{"id": 1, "file_name": "a.jpg", "width": 100, "height": 80}],
        "categories": [{"id": n, "name": name} for n, name in NAMES.items()],
    }
    (image.parent.parent / "dataset.json").write_text(json.dumps(dataset))
    near(found(file, categories=image.parent.parent / "dataset.json")[0])


def test_mmengines_instances_are_read(torch, image):
    """`InstanceData`, which MMDetection's samples hold."""
    structures = peer("mmengine.structures")
    instances = structures.InstanceData(
        bboxes=torch.tensor(CORNERS), labels=torch.tensor([0, 1]), scores=torch.tensor([0.5, 0.25])
    )
    near(found({str(image): instances}, names=NAMES, images=image.parent)[0])
    sample = structures.BaseDataElement(metainfo={"img_path": str(image), "ori_shape": (80, 100)})
    sample.pred_instances = instances
    near(found([sample], names=NAMES, images=image.parent)[0])


def test_fiftyones_detections_are_read(image):
    """Its own label classes; its database is not asked."""
    labels = peer("fiftyone.core.labels")
    detections = labels.Detections(
        detections=[
            labels.Detection(
                label=NAMES[n],
                bounding_box=[box[0] / 100, box[1] / 80, (box[2] - box[0]) / 100, (box[3] - box[1]) / 80],
                confidence=[0.5, 0.25][n],
            )
            for n, box in enumerate(CORNERS)
        ]
    )
    near(found({str(image): detections}, images=image.parent)[0])

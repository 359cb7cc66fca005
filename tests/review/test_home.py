"""Corrections come home: written in every format, counted, measured as pycocotools measures, resumable."""

import contextlib
import csv
import io
import json
import re
import sys
from types import ModuleType

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxferry import Diffgram, read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.errors import OutboxError
from boxferry.plugins import plugin_manager
from boxferry.review.metrics import METRICS
from pages.page_data import boxes_of, data_of
from sending.pushing import predictions, push, server_of

FORMATS = plugin_manager().formats()


@pytest.fixture
def diffgram(sandbox, tmp_path):
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


@pytest.fixture
def corrected(sandbox, diffgram, folder):
    """Three files; on a.jpg one box was moved, one deleted, one drawn; b.png is complete; c.jpg nobody has seen."""
    push(diffgram, predictions(folder))
    store = sandbox._store
    from boxferry.sandbox.annotating import save

    files = {file["original_filename"]: file for file in sandbox.files()}
    first, _ = store.instances(files["a.jpg"]["id"])
    drawn = {"type": "box", "label_file_id": first["label_file_id"], "machine_made": False}
    drawn |= {"x_min": 70, "y_min": 60, "x_max": 90, "y_max": 75}
    save(store, files["a.jpg"], [first | {"x_max": first["x_max"] + 5}, drawn])
    store.update("file", files["b.png"]["id"], {"ann_is_complete": 1, "time_last_updated": store.now() + 60})
    return diffgram


A_NOW = [(40, 30, 65, 50), (70, 60, 90, 75)]


def test_fates_are_counted_by_label_and_score(corrected):
    """Of files that somebody has looked at."""
    summary = corrected.pull("r").summary()
    assert (summary.files, summary.reviewed) == (3, 2)
    assert summary.fates == {"moved": 1, "deleted": 1, "added": 1, "kept": 1}
    assert summary.labels["dog"] == {"deleted": 1}
    assert summary.scores["dog"][4] == {"deleted": 1}
    assert summary.worst == [("a.jpg", 3)]
    assert summary.by == {"reference": 2}
    assert json.loads(json.dumps(summary.as_dict()))["thresholds"]["dog"] == {
        "score": 0.41, "clicks": 0.0, "clicks_now": 1.0,
    }  # fmt: skip


@pytest.mark.parametrize("fmt", ["coco", "yolo", "voc", "boxferry"])
def test_corrected_boxes_are_written_and_read_again(corrected, tmp_path, folder, fmt):
    """In every format that can be written; files that nobody has looked at are left out, or not."""
    review = corrected.pull("r")
    target = tmp_path / ("out.json" if fmt in {"coco", "boxferry"} else "out")
    review.write_as(FORMATS[fmt], target, Tally())
    source = {"yolo": target / "labels", "voc": target / "Annotations"}.get(fmt, target)
    options = {"names": target / "data.yaml"} if fmt == "yolo" else {}
    chunks = list(read(source, size="100x80", **options).chunks(Tally()))
    found = {image.key: chunk.xyxy[rows].round(3).tolist() for chunk in chunks for image, rows in chunk.each_image()}
    assert {key.partition(".")[0] for key in found} == {"a", "b"}
    a = next(rows for key, rows in found.items() if key.startswith("a"))
    assert sorted(map(tuple, a)) == [tuple(map(float, corners)) for corners in A_NOW]
    images = [image.key for chunk in review.corrected_chunks(everything=True) for image in chunk.images]
    assert sorted(images) == ["a.jpg", "b.png", "c.jpg"]


def by_hand(truth, found):
    """The twelve numbers, by pycocotools alone."""
    with contextlib.redirect_stdout(io.StringIO()):
        right, results = COCO(), COCO()
        for empty, dataset in ((right, truth), (results, found)):
            empty.dataset = dataset
            empty.createIndex()
        evaluation = COCOeval(right, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(METRICS, evaluation.stats.tolist(), strict=True))


def dataset(rows, names):
    images = {key: number for number, key in enumerate(names, start=1)}
    items = [
        {"id": n, "image_id": images[key], "category_id": 1 + (label == "dog"), "bbox": list(bbox), "iscrowd": 0,
         "area": bbox[2] * bbox[3], "score": score}
        for n, (key, label, bbox, score) in enumerate(rows, start=1)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    return {"images": [{"id": n} for n in images.values()], "categories": categories, "annotations": items}


def test_metrics_are_those_of_pycocotools_to_the_last_digit(corrected):
    """Of the predictions against the corrected boxes of the reviewed files."""
    truth = [
        ("a.jpg", "cat", (40, 30, 25, 20), 1), ("a.jpg", "cat", (70, 60, 20, 15), 1),
        ("b.png", "cat", (40, 30, 20, 20), 1),
    ]  # fmt: skip
    found = [
        ("a.jpg", "cat", (40, 30, 20, 20), 0.9), ("a.jpg", "dog", (20, 16, 10, 8), 0.4),
        ("b.png", "cat", (40, 30, 20, 20), 0.9),
    ]  # fmt: skip
    names = ("a.jpg", "b.png")
    assert corrected.pull("r").metrics() == by_hand(dataset(truth, names), dataset(found, names))


def test_metrics_against_a_ground_truth_of_the_fixtures(sandbox, diffgram, tmp_path):
    """A real results file against itself, thinned out and moved: the numbers are pycocotools' own."""
    from pathlib import Path

    fixtures = Path(__file__).parents[2] / "fixtures"
    given = {"categories": fixtures / "coco/instances.json", "images": fixtures / "images"}
    results = read(fixtures / "coco/results.json", **given)
    push(diffgram, results, run="f")
    moved = results.filter(min_score=0.6).then(lambda chunk, _: chunk.replace(xyxy=chunk.xyxy + 7))
    truth = list(moved.chunks(Tally()))
    metrics = diffgram.pull("f").metrics(iter(truth))
    labels, images, right = {}, {}, []
    for chunk in truth:
        for image, rows in chunk.each_image():
            for row in range(rows.start, rows.stop):
                x1, y1, x2, y2 = chunk.xyxy[row].tolist()
                label = chunk.labels[chunk.label[row]]
                right.append((image.key, label, (x1, y1, x2 - x1, y2 - y1), 1))
            images.setdefault(image.key, len(images) + 1)
    found = [
        (file.file_name, box.label, (c[0], c[1], c[2] - c[0], c[3] - c[1]), box.score)
        for file in diffgram.pull("f").files
        for box in file.predicted
        for c in [box.corners]
    ]
    labels = {name: n for n, name in enumerate(dict.fromkeys(name for _, name, *_ in right + found), start=1)}

    def coco(rows):
        items = [
            {"id": n, "image_id": images[key], "category_id": labels[label], "bbox": list(bbox), "iscrowd": 0,
             "area": bbox[2] * bbox[3], "score": score}
            for n, (key, label, bbox, score) in enumerate([r for r in rows if r[0] in images], start=1)
        ]  # fmt: skip
        categories = [{"id": n, "name": name} for name, n in labels.items()]
        return {"images": [{"id": n} for n in images.values()], "categories": categories, "annotations": items}

    assert metrics == by_hand(coco(right), coco(found))
    assert 0 < metrics["AP"] < 1


def test_an_empty_run_and_one_without_a_review_are_no_error(sandbox, diffgram, folder):
    """Nothing to measure is -1, as pycocotools says it."""
    push(diffgram, read(folder / "images"), run="raw")
    review = diffgram.pull("raw")
    assert (review.summary().reviewed, set(review.metrics().values())) == (0, {-1.0})
    push(diffgram, predictions(folder), run="r", existing=True)
    assert set(diffgram.pull("r").metrics().values()) == {-1.0}
    with pytest.raises(OutboxError, match="no run 'x'"):
        diffgram.pull("x")


def test_the_order_of_review_leaves_out_what_was_reviewed(sandbox, corrected, folder):
    """By how doubtful the boxes are, how often such boxes were corrected, how rare their labels are."""
    from boxferry.review.order import order_lines

    for name, score in (("sure", 0.99), ("doubtful", 0.5)):
        from PIL import Image as Picture

        Picture.new("RGB", (100, 80)).save(folder / "images" / f"{name}.png")
        (folder / "labels" / f"{name}.txt").write_text(f"0 0.5 0.5 0.2 0.25 {score}\n")
    push(corrected, predictions(folder))
    lines = list(csv.DictReader(io.StringIO(order_lines(corrected.pull("r")))))
    assert [line["file_name"] for line in lines] == ["doubtful.png", "sure.png", "c.jpg"]
    assert {line["file_id"] for line in lines} <= {str(file["id"]) for file in sandbox.files()}


@pytest.fixture
def settings(sandbox, corrected, tmp_path, monkeypatch):
    values = {"HOST": sandbox.host, "PROJECT": sandbox.project}
    values |= {"CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret}
    for name, value in values.items():
        monkeypatch.setenv(f"DIFFGRAM_{name}", value)
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_commands(settings, capsys):
    """pull, report with its page and its order, evaluate; as text and as JSON."""
    assert boxferry(["pull", "r", "-o", "out.json"]) == 0
    assert "2 of 3 files reviewed; 3 boxes written" in capsys.readouterr().err
    assert boxferry(["report", "r", "--html", "r.html", "--order", "order.csv"]) == 0
    said = capsys.readouterr().out
    assert "moved" in said
    assert "best threshold: the score under which" in said
    assert boxferry(["report", "r", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["fates"]["deleted"] == 1
    assert facts["calibration"]["labels"]["cat"]["boxes"] == facts["calibration"]["whole"]["right"] == 2
    assert boxferry(["evaluate", "r", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)["runs"]["r"]) == set(METRICS)
    assert boxferry(["evaluate", "r", "--against", "out.json"]) == 0
    assert "AP50" in capsys.readouterr().out
    page = (settings / "r.html").read_text()
    assert page.startswith("<!doctype html>")
    assert "http://" not in page
    assert "Best threshold: the score under which" in page
    assert "How far scores can be trusted" in page
    assert "cat: 2 boxes, calibration error 0.100" in page
    assert ("a.jpg", "3 corrections") in [(image["n"], image["t"]) for image in data_of(page)["images"]]
    assert ("moved", "cat") in [(box[0], box[2]) for box in boxes_of(page)]


def test_a_report_is_logged(settings, monkeypatch, capsys):
    """Into the run that the environment names; a missing package is said before the server is asked."""
    monkeypatch.setitem(sys.modules, "mlflow", None)
    assert boxferry(["report", "r", "--log", "mlflow"]) == 2
    assert capsys.readouterr().err == "boxferry: mlflow is not installed: pip install mlflow\n"
    logged = {}
    fake = ModuleType("mlflow")
    fake.active_run = lambda: None
    fake.log_metrics = lambda numbers, run_id: logged.update(numbers)
    fake.log_dict = fake.log_text = lambda what, path, run_id: logged.update({path: what})
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    monkeypatch.setenv("MLFLOW_RUN_ID", "abc")
    assert boxferry(["report", "r", "--log", "mlflow", "--json"]) == 0
    said = capsys.readouterr()
    facts = json.loads(said.out)
    assert logged["boxferry/coco/AP"] == facts["metrics"]["AP"]
    assert logged["boxferry/boxes/deleted"] == facts["fates"]["deleted"] == 1
    assert logged["boxferry/corrected_share"] == facts["corrected_share"]
    assert "mlflow run abc:" in said.err
    assert logged["boxferry/report.html"].startswith("<!doctype html>")


def test_suspicious_boxes_are_listed_where_asked_for(settings, corrected, folder, capsys):
    """As text, as JSON, on the page; another run's predictions count."""
    assert boxferry(["report", "r", "--json"]) == 0
    assert "suspicious" not in json.loads(capsys.readouterr().out)
    push(corrected, predictions(folder, names=["fox", "cow"]), run="other", on_existing="append", existing=True)
    capsys.readouterr()
    assert boxferry(["report", "r", "other", "--suspicious", "--html", "r.html"]) == 0
    said = capsys.readouterr()
    assert re.search(r"0\.18 +other place +cat at 40, 30, 65, 50 +cat 0\.90 at 40, 30, 60, 50", said.out)
    assert "boxes to look at again, ranked by score x IoU" in said.err
    assert "Boxes to look at again" in (settings / "r.html").read_text()
    assert boxferry(["report", "r", "--suspicious", "--json"]) == 0
    kinds = [each["kind"] for each in json.loads(capsys.readouterr().out)["suspicious"]["boxes"]]
    assert set(kinds) <= {"other place", "missing", "not predicted"}
    assert "missing" in kinds


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["pull", "nobody", "-o", "x"], 1, "no run 'nobody'"),
        (["pull", "r", "-o", "x", "--to", "media"], 2, "choose one of"),
        (["pull", "r", "-o", "-", "--json"], 2, "--json needs -o FILE"),
        (["evaluate", "r", "--against", "missing.json"], 2, "missing.json"),
    ],
)
def test_a_mistake_is_one_line(settings, arguments, code, word, capsys):
    """With the place or the remedy."""
    assert boxferry(arguments) == code
    assert word in capsys.readouterr().err


def test_the_page_escapes_what_it_shows(sandbox, diffgram, folder):
    """Labels and file names are other people's."""
    from boxferry.review.page import report_page

    nasty = "<script>alert(1)</script>"
    push(diffgram, predictions(folder, names=[nasty, "dog"]), run="<b>r")
    for file in sandbox.files():
        sandbox._store.update(
            "file", file["id"], {"ann_is_complete": 1, "time_last_updated": sandbox._store.now() + 60}
        )
    review = diffgram.pull("<b>r")
    page = report_page([(review, review.summary())])
    assert nasty not in page
    assert "&lt;script&gt;" in page
    assert "<b>r" not in page


def test_two_runs_are_set_beside_each_other(sandbox, settings, corrected, folder, capsys):
    """By what people had to correct; a page and JSON with both; a name that is not there is an error."""
    push(corrected, predictions(folder, names=["fox", "cow"]), run="other", on_existing="append", existing=True)
    assert boxferry(["report", "r", "other", "--html", "both.html"]) == 0
    said = capsys.readouterr()
    assert "66.7% of its boxes there had to be corrected" in said.err
    assert "run r: 2 of 3 files reviewed" in said.err
    assert [line.split()[0] for line in said.out.splitlines()[:3]] == ["run", "r", "other"]
    page = (settings / "both.html").read_text()
    assert page.count("<h1>") == 1
    assert "Labels: run r" in page
    assert "Labels: run other" in page
    assert "66.7%" in page
    assert boxferry(["report", "r", "other", "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)["runs"]
    assert set(runs) == {"r", "other"}
    files = {each["file"]: each["fates"] for each in runs["r"]["images"]}
    counts = {name: {fate: n for fate, n in fates.items() if n} for name, fates in files.items()}
    assert counts == {"a.jpg": {"moved": 1, "deleted": 1, "added": 1}, "b.png": {"kept": 1}}
    assert {fate: n for fate, n in runs["other"]["fates"].items() if n} == {"unreviewed": 3}


def test_files_on_which_two_runs_disagree_come_first():
    """Boxes that one has and the other has not count; the same object found a little differently does not."""
    from boxferry.review.judged import Predicted
    from boxferry.review.order import disputed
    from boxferry.review.pull import ReviewedFile

    def box(x, label="cat", frame=None):
        return Predicted(reference=str(x), label=label, corners=(x, 0.0, x + 10.0, 10.0), frame=frame)

    file = ReviewedFile(file_name="a", file_id=1, predicted=[box(0.0), box(50.0)])
    assert disputed(file, {}) == 0
    assert disputed(file, {1: [box(50.0), box(1.0)]}) == 0
    assert disputed(file, {1: []}) == 2
    assert disputed(file, {1: [box(0.0), box(50.0, "dog")]}) == 2
    assert disputed(file, {1: [box(0.0), box(50.0), box(51.0)]}) == 1
    assert disputed(file, {1: [box(0.0), box(50.0, frame=3)]}) == 2


@pytest.mark.parametrize("labels", [3, 31])
def test_relabellings_are_a_matrix_or_a_list(labels):
    """A matrix with what stayed on its diagonal, where it fits on the page."""
    from types import SimpleNamespace as Thing

    from boxferry.review.page import report_page
    from boxferry.review.review import Review
    from boxferry.review.summary import Summary

    summary = Summary(files=1, reviewed=1)
    for number in range(labels):
        summary.relabelled[f"l{number:02}", f"l{(number + 1) % labels:02}"] = number + 40
        summary.labels[f"l{number:02}"].update(kept=number + 70, moved=100)
    run = Thing(name="r", model="m", project="p", directory_id=1)
    page = report_page([(Review(run, []), summary)])
    if labels == 3:
        told = re.findall('data-fates="([^"]*)" style="[^"]*" aria-label="([^"]*)"', page)
        assert [words for _, words in told[2:4]] == ["171 boxes: l01 that stayed", "41 boxes: l01 to l02"]
        assert {fates for fates, _ in told} == {"0 1", "2"}  # kept and moved; relabelled
    else:
        assert '<tr><td>l01</td><td>l02</td><td class="n">41</td></tr>' in page

"""`evaluate` gives pycocotools' numbers to the last digit: on any ground truth, by class, with no server."""

import contextlib
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from boxferry import Detections, Diffgram, Image, evaluate, read
from boxferry.boxes.tally import Tally
from boxferry.cli.app import run as boxferry
from boxferry.errors import InputError
from boxferry.plugins import plugin_manager
from boxferry.review.evaluate import coco_metrics
from boxferry.review.measure import ground_truth, in_whole_pixels, results
from boxferry.review.metrics import METRICS
from sending.pushing import predictions, push, server_of

PLUGINS = plugin_manager()


def by_pycocotools(truth, found, categories=None):
    """The twelve numbers, as pycocotools' own examples get them: files loaded, nothing touched."""
    with contextlib.redirect_stdout(io.StringIO()):
        right = COCO(str(truth))
        evaluation = COCOeval(right, right.loadRes(str(found)), "bbox")
        if categories is not None:
            evaluation.params.catIds = categories
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    return dict(zip(METRICS, evaluation.stats.tolist(), strict=True))


def measured(truth, found):
    right = ground_truth(str(truth), Tally(), plugins=PLUGINS)
    return coco_metrics(right, results(str(found), against=str(truth), plugins=PLUGINS).chunks(Tally()))


def same_as_pycocotools(folder, dataset, found):
    (folder / "truth.json").write_text(json.dumps(dataset))
    (folder / "found.json").write_text(json.dumps(found))
    ours = measured(folder / "truth.json", folder / "found.json")
    assert ours == by_pycocotools(folder / "truth.json", folder / "found.json")
    for category in dataset["categories"]:
        alone = by_pycocotools(folder / "truth.json", folder / "found.json", [category["id"]])
        assert ours.per_class()[category["name"]] == alone
    return ours


CATEGORIES = [{"id": 90, "name": "zebra"}, {"id": 3, "name": "ant"}, {"id": 17, "name": "never seen"}]
IMAGES = [{"id": number, "file_name": f"{number}.jpg", "width": 640, "height": 480} for number in (42, 7, 1000)]
side = st.one_of(st.integers(2, 230), st.floats(1.5, 230).map(lambda value: round(value, 2)), st.floats(1.5, 230))
#: never beyond the edge of the image: many of those would look like corners, which is an error
bbox = st.tuples(side, side, side, side).map(list)
PLACES = [[10.1, 20.2, 30.3, 40.4], [12.1, 20.2, 30.3, 40.4], [10.1, 20.2, 60.6, 40.4], [200.7, 100.1, 150.3, 120.9]]
near = st.one_of(st.sampled_from(PLACES), bbox)
annotation = st.fixed_dictionaries({
    "image_id": st.sampled_from([42, 7]),
    "category_id": st.sampled_from([90, 3]),
    "bbox": near,
    "area": st.one_of(st.integers(1, 40_000), st.floats(0.1, 40_000)),
    "iscrowd": st.sampled_from([0, 0, 0, 1]),
    "ignore": st.sampled_from([0, 1]),
})  # fmt: skip
result = st.fixed_dictionaries({
    "image_id": st.sampled_from([42, 7, 1000]),
    "category_id": st.sampled_from([90, 3, 17]),
    "bbox": near,
    "score": st.one_of(st.sampled_from([0.5, 0.9]), st.floats(0, 1)),
})  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    annotations=st.lists(annotation, min_size=1, max_size=12),
    found=st.lists(result, min_size=1, max_size=12),
    first=st.sampled_from([0, 1, 500]),
)
def test_any_coco_ground_truth(tmp_path, annotations, found, first):
    """Crowds, areas and flags as written, ids in any order, equal scores, images and classes without boxes."""
    numbered = [each | {"id": number} for number, each in enumerate(annotations, start=first)]
    dataset = {"images": IMAGES, "categories": CATEGORIES, "annotations": numbered}
    same_as_pycocotools(tmp_path, dataset, found)


@pytest.mark.parametrize("right", [[93.34, 20.1, 101.64, 40.3], [61.45, 20.1, 162.88, 40.3]])
def test_digits_are_those_of_the_file(tmp_path, right):
    """x + width - x is not always width: an overlap that is a hair under a threshold would reach it."""
    width = {101.64: 76.23, 162.88: 81.44}[right[2]]
    one = {"image_id": 7, "category_id": 3}
    truth = one | {"id": 1, "bbox": right, "area": 1, "iscrowd": 0}
    dataset = {"images": IMAGES, "categories": CATEGORIES, "annotations": [truth]}
    same_as_pycocotools(tmp_path, dataset, [one | {"bbox": [right[0], 20.1, width, 40.3], "score": 0.5}])


def crowded(folder):
    """A ground truth in which a crowd region and an area of an outline count."""
    annotations = [
        {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 10, 100, 100], "area": 900.0, "iscrowd": 0},
        {"id": 2, "image_id": 7, "category_id": 3, "bbox": [300, 100, 200, 200], "area": 40000, "iscrowd": 1},
        {"id": 3, "image_id": 42, "category_id": 90, "bbox": [50.4, 60.4, 80.2, 20.2], "area": 1000, "iscrowd": 0},
    ]
    found = [
        {"image_id": 7, "category_id": 3, "bbox": [310, 110, 60, 60], "score": 0.95},
        {"image_id": 7, "category_id": 3, "bbox": [12, 10, 100, 100], "score": 0.9},
        {"image_id": 42, "category_id": 90, "bbox": [50.4, 60.4, 80.2, 20.2], "score": 0.8},
        {"image_id": 42, "category_id": 90, "bbox": [400, 300, 20, 20], "score": 0.85},
    ]
    dataset = {"images": IMAGES, "categories": CATEGORIES, "annotations": annotations}
    return dataset, found


def test_equal_scores_are_ordered_by_image_ids(tmp_path):
    """Whatever the order in the file: here the image with the lower id comes later, and its prediction is right."""
    truth = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 10, 50, 50], "area": 2500, "iscrowd": 0}
    found = [{"image_id": n, "category_id": 3, "bbox": [10, 10, 50, 50], "score": 0.5} for n in (42, 7)]
    dataset = {"images": IMAGES, "categories": CATEGORIES, "annotations": [truth]}
    average = same_as_pycocotools(tmp_path, dataset, found).AP
    assert average == pytest.approx(1)


def test_a_crowd_is_no_object_and_what_lies_in_it_is_not_wrong(tmp_path):
    """A prediction inside a crowd region neither counts as right nor as wrong; a small outline is a small object."""
    ours = same_as_pycocotools(tmp_path, *crowded(tmp_path))
    assert ours.per_class()["ant"]["AP50"] == pytest.approx(1)
    assert ours["AP_small"] > 0
    assert (ours.boxes, ours.crowds, ours.predicted, ours.images) == (3, 1, 4, 3)
    assert repr(ours) == "<Metrics AP 0.750, 4 predictions, 3 boxes on 3 images>"
    assert "<td>AP50</td><td>0.750</td>" in ours._repr_html_()
    assert "<td>AP_large</td><td>-</td>" in ours._repr_html_()


def test_what_a_dataset_leaves_out_is_filled_in(tmp_path):
    """Without ids, areas and crowd flags, where pycocotools ends with a KeyError, as with those that follow."""
    dataset, found = crowded(tmp_path)
    dataset["annotations"] = [each for each in dataset["annotations"] if not each["iscrowd"]]
    bare = [{key: each[key] for key in ("image_id", "category_id", "bbox")} for each in dataset["annotations"]]
    for each in dataset["annotations"]:
        each["area"] = each["bbox"][2] * each["bbox"][3]
    ours = same_as_pycocotools(tmp_path, dataset, found)
    (tmp_path / "truth.json").write_text(json.dumps(dataset | {"annotations": bare}))
    assert measured(tmp_path / "truth.json", tmp_path / "found.json") == ours


def test_scores_are_judged_by_the_same_matches(tmp_path):
    """At an overlap of one half; what lies in a crowd is neither right nor wrong."""
    same_as_pycocotools(tmp_path, *crowded(tmp_path))
    metrics = measured(tmp_path / "truth.json", tmp_path / "found.json")
    assert metrics.decided["ant"].scores.tolist() == [0.9]
    zebras = metrics.decided["zebra"]
    assert dict(zip(zebras.scores.tolist(), zebras.right.tolist(), strict=True)) == {0.8: True, 0.85: False}
    found = metrics.calibration(precision=0.6)
    assert found.whole.error == pytest.approx((0.1 + 2 * abs(0.825 - 0.5)) / 3)
    assert metrics.threshold(precision=0.6)["zebra"].score is None
    assert (metrics.threshold(precision=0.5)["zebra"].score, metrics.threshold()["ant"].boxes) == (0.8, 1)


@pytest.mark.parametrize(("ids", "code"), [([0, 1, 2], "annotation-id-0"), ([5, 5, 6], "annotation-ids-repeated")])
def test_ids_that_pycocotools_stumbles_over_are_noted(tmp_path, ids, code):
    """Its number is given, with a note that it is not what was meant."""
    dataset, found = crowded(tmp_path)
    for number, each in zip(ids, dataset["annotations"], strict=True):
        each["id"] = number
    same_as_pycocotools(tmp_path, dataset, found)
    tally = Tally()
    ground_truth(str(tmp_path / "truth.json"), tally)
    assert tally.noted[code] == 1


def test_several_datasets_are_one_ground_truth(tmp_path):
    """Two splits with ids of their own, crowds and areas as written, against pycocotools on the two put into one."""
    dataset, found = crowded(tmp_path)
    names = {3: "ant", 90: "zebra"}
    (tmp_path / "splits").mkdir()
    for split, image, ant in (("a", 7, 8), ("b", 42, 7)):
        ids = {3: ant, 90: 1}
        part = {
            "images": [{"id": 1, "file_name": f"{image}.jpg", "width": 640, "height": 480}],
            "categories": [{"id": ids[each], "name": name} for each, name in names.items()],
            "annotations": [
                each | {"id": n, "image_id": 1, "category_id": ids[each["category_id"]]}
                for n, each in enumerate(dataset["annotations"])
                if each["image_id"] == image
            ],
        }
        (tmp_path / "splits" / f"{split}.json").write_text(json.dumps(part))
    alone = dataset | {"images": [each for each in IMAGES if each["id"] in {7, 42}]}
    expected = same_as_pycocotools(tmp_path, alone, found)
    predicted = results(str(tmp_path / "found.json"), against=str(tmp_path / "truth.json"))
    ours = coco_metrics(ground_truth(str(tmp_path / "splits"), Tally()), predicted.chunks(Tally()))
    assert ours == expected
    assert (ours.crowds, ours.boxes) == (1, 3)


@pytest.mark.parametrize("pictures", [True, False])
def test_results_of_other_formats_are_matched_by_name(tmp_path, monkeypatch, capsys, pictures):
    """YOLO's files have no suffix of an image, their class ids are their own, and sizes come from the dataset too."""
    (tmp_path / "images").mkdir()
    (tmp_path / "labels").mkdir()
    from PIL import Image as Picture

    Picture.new("RGB", (640, 480)).save(tmp_path / "images" / "7.jpg")
    dataset, _ = crowded(tmp_path)
    for image in dataset["images"]:
        image |= {"file_name": f"val/{image['id']}.jpg"}
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    (tmp_path / "labels" / "7.txt").write_text(f"3 {60 / 640} {60 / 480} {100 / 640} {100 / 480} 0.9\n")
    monkeypatch.chdir(tmp_path)
    images = ["--images", "images"] if pictures else []
    arguments = ["labels", "--against", "truth.json", "--names", "zebra,none,none2,ant", *images, "--json"]
    assert boxferry(["evaluate", *arguments]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["classes"]["labels"]["ant"]["AP"] == pytest.approx(1)
    assert facts["boxes"]["labels"]["left_out"] == 0
    assert facts["whole_pixels"]["labels"]["AP"] == facts["runs"]["labels"]["AP"]


def test_results_and_a_dataset_in_memory(tmp_path):
    """As an evaluation script holds them: the lists and dicts that would be the files."""
    dataset, found = crowded(tmp_path)
    expected = same_as_pycocotools(tmp_path, dataset, found)
    assert evaluate(found, dataset) == expected
    assert evaluate(found, tmp_path / "truth.json") == expected
    assert pytest.approx(expected.AP) == evaluate(read(found, categories=dataset), dataset).AP


def chunk(key, corners=((0, 0, 10, 10),), **columns):
    n = len(corners)
    return Detections.from_counts([Image(key, 100, 100)], [n], corners, [0] * n, ["cat"], **columns)


def test_nothing_in_common_is_an_error():
    """Rather than a zero that looks like a bad model."""
    with pytest.raises(InputError, match=r"'b\.jpg' is not one of 'a\.jpg'"):
        evaluate([chunk("b.jpg")], [chunk("a.jpg")])
    with pytest.raises(InputError, match="both one image"):
        evaluate([chunk("x/a.jpg"), chunk("y/a.jpg")], [chunk("a.jpg")])


def test_what_does_not_count_is_counted():
    """Predictions on other images, and of classes that the truth does not have."""
    other = chunk("a.jpg").replace(labels=("dog",))
    metrics = evaluate([chunk("a.jpg"), chunk("z.jpg"), other], [chunk("a.jpg")])
    assert (metrics["AP"], metrics.left_out, metrics.unknown) == (pytest.approx(1), 1, {"dog": 1})
    assert set(evaluate([chunk("a.jpg")], []).values()) == {-1.0}


def test_frames_of_a_video_are_images_of_their_own():
    """A box on another frame is not found, and one on a frame without boxes is wrong."""

    def video(frames):
        film = Image("film.mp4", 100, 100, video=True)
        corners = [[0, 0, 10, 10]] * len(frames)
        return Detections.from_counts([film], [len(frames)], corners, [0] * len(frames), ["cat"], frame=frames)

    assert pytest.approx(1) == evaluate([video([3, 8])], [video([3, 8])]).AP
    assert evaluate([video([3, 9])], [video([3, 8])])["AR_100"] == 0.5
    assert evaluate([video([1, 2])], [video([3, 8])]).AP == 0


def test_whole_pixels_have_a_cost(tmp_path):
    """The boxes as Diffgram keeps them, against the same truth: pycocotools' own numbers of the rounded file."""
    dataset, _ = crowded(tmp_path)
    annotations = [
        {"id": n, "image_id": 7, "category_id": 3, "bbox": [20 * n + 0.5, 9.5, 3, 3], "area": 9, "iscrowd": 0}
        for n in range(1, 9)
    ]  # fmt: skip
    found = [
        {"image_id": 7, "category_id": 3, "bbox": [20 * n + 0.4, 9.5, 3, 3], "score": 0.9 - n / 100}
        for n in range(1, 9)
    ]
    exact = same_as_pycocotools(tmp_path, dataset | {"annotations": annotations}, found)
    truth, predictions = tmp_path / "truth.json", results(str(tmp_path / "found.json"), against=tmp_path / "truth.json")
    ours = in_whole_pixels(ground_truth(str(truth), Tally()), predictions)
    rounded = [each | {"bbox": [float(np.floor(each["bbox"][0] + 0.5)), 10, 3, 3]} for each in found]
    (tmp_path / "rounded.json").write_text(json.dumps(rounded))
    assert ours == by_pycocotools(truth, tmp_path / "rounded.json")
    assert ours.AP < exact.AP


@pytest.fixture
def files(tmp_path, monkeypatch):
    dataset, found = crowded(tmp_path)
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    (tmp_path / "found.json").write_text(json.dumps(found))
    (tmp_path / "worse.json").write_text(json.dumps(found[2:]))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    for name in ("HOST", "PROJECT", "CLIENT_ID", "CLIENT_SECRET"):
        monkeypatch.delenv(f"DIFFGRAM_{name}", raising=False)
    return tmp_path


def test_two_result_files_without_a_server(files, capsys):
    """No credentials, no outbox; both columns, the cost of whole pixels beside them, and classes where asked for."""
    assert boxferry(["evaluate", "found.json", "worse.json", "--against", "truth.json", "--per-class"]) == 0
    said = capsys.readouterr()
    expected = by_pycocotools("truth.json", "found.json")
    lines = said.out.splitlines()
    assert lines[0].split("  ")[0] == "metric"
    assert f"{expected['AP']:.3f}" in lines[1]
    assert "found.json in whole pixels" in lines[0]
    assert "points of AP" in said.err
    assert "found.json: class" in said.out
    assert "score for 90% right" in said.out
    assert "1 of them crowd regions" in said.err
    assert not (files / "outbox.sqlite").exists()


def test_results_from_standard_input(files, monkeypatch, capsys):
    """As a pipeline has them; their names come from the ground truth too."""
    stream = io.TextIOWrapper(io.BytesIO((files / "found.json").read_bytes()))
    monkeypatch.setattr("sys.stdin", stream)
    assert boxferry(["evaluate", "-", "--against", "truth.json", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["runs"]["-"] == by_pycocotools("truth.json", "found.json")
    assert set(facts["whole_pixels"]["-"]) == set(METRICS)


def test_boxes_of_which_none_counts_are_no_success(files, capsys):
    """Labels in another spelling: said, with exit code 1."""
    found = {"images": IMAGES, "categories": [{"id": 3, "name": "Ant"}], "annotations": []}
    box = {"id": 1, "image_id": 7, "category_id": 3, "bbox": [10, 10, 100, 100], "area": 1, "iscrowd": 0, "score": 0.9}
    (files / "spelt.json").write_text(json.dumps(found | {"annotations": [box]}))
    assert boxferry(["evaluate", "spelt.json", "--against", "truth.json"]) == 1
    assert "ignored labels that the ground truth does not have: Ant (1)" in capsys.readouterr().err


def test_a_ground_truth_without_boxes_tells_no_cost(files, capsys):
    """Where there is no AP, whole pixels cost none that is known."""
    truth = json.loads((files / "truth.json").read_text()) | {"annotations": []}
    (files / "empty.json").write_text(json.dumps(truth))
    assert boxferry(["evaluate", "found.json", "--against", "empty.json"]) == 0
    said = capsys.readouterr().err
    assert "the ground truth has no such boxes" in said
    assert "points of AP" not in said


def test_json_has_the_same_numbers(files, capsys):
    """Digit for digit, by class too, with what they rest on."""
    assert boxferry(["evaluate", "found.json", "--against", "truth.json", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["runs"]["found.json"] == by_pycocotools("truth.json", "found.json")
    assert facts["classes"]["found.json"]["ant"] == by_pycocotools("truth.json", "found.json", [3])
    assert facts["boxes"]["found.json"]["crowds"] == 1
    assert facts["calibration"]["found.json"]["labels"]["ant"]["boxes"] == 1
    assert facts["calibration"]["found.json"]["wished"] == 0.9
    assert set(facts["whole_pixels"]["found.json"]) == set(METRICS)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["evaluate", "found.json"], "add --against FILE"),
        (["evaluate", "missing.json", "--against", "truth.json"], "no such file, and no run of that name"),
        (["evaluate", "found.json", "--against", "missing.json"], "missing.json"),
        (["evaluate", "truth.json", "--against", "found.json"], "RESULTS come first, the ground truth after --against"),
        (["evaluate", "found.json", "--against", "night"], "'night' is a run; boxferry pull night --to coco -o"),
    ],
)
def test_a_mistake_is_one_line(files, arguments, word, capsys):
    """With the remedy, and exit code 2."""
    from boxferry.outbox.outbox import Outbox

    with Outbox(files / "outbox.sqlite") as outbox:
        outbox.run(host="http://h", project="p", directory_id=1, model="m", name="night")
    assert boxferry(arguments) == 2
    said = capsys.readouterr().err
    assert word in said
    assert len(said.splitlines()) == 1


def test_names_that_contradict_the_results_ids_are_an_error(files, capsys):
    """COCO results count by the ids of the ground truth."""
    assert boxferry(["evaluate", "found.json", "--against", "truth.json", "--names", "a,b,c,d"]) == 2
    assert "class 3 is 'd' in --names and 'ant' in --categories" in capsys.readouterr().err.splitlines()[-1]


def test_a_name_that_is_a_run_and_a_file_has_to_be_told_apart(files, capsys):
    """Neither is guessed."""
    from boxferry.outbox.outbox import Outbox

    with Outbox(files / "outbox.sqlite") as outbox:
        outbox.run(host="http://h", project="p", directory_id=1, model="m", name="found.json")
    assert boxferry(["evaluate", "found.json", "--against", "truth.json"]) == 2
    assert "write ./found.json for the file, or 1 for the run" in capsys.readouterr().err
    assert boxferry(["evaluate", "./found.json", "--against", "truth.json"]) == 0


@pytest.fixture
def diffgram(sandbox, tmp_path, monkeypatch):
    values = {"HOST": sandbox.host, "PROJECT": sandbox.project}
    values |= {"CLIENT_ID": sandbox.client_id, "CLIENT_SECRET": sandbox.client_secret}
    for name, value in values.items():
        monkeypatch.setenv(f"DIFFGRAM_{name}", value)
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))
    with Diffgram(server_of(sandbox), outbox=tmp_path / "outbox.sqlite") as opened:
        yield opened


def test_the_other_models_boxes_are_no_truth(sandbox, diffgram, folder):
    """Two runs on the same files; people complete them with the first run's boxes as they are."""
    push(diffgram, predictions(folder))
    push(diffgram, predictions(folder, names=["fox", "cow"]), run="other", on_existing="append", existing=True)
    for file in sandbox.files():
        sandbox._store.update(
            "file", file["id"], {"ann_is_complete": 1, "time_last_updated": sandbox._store.now() + 60}
        )
    review = diffgram.pull("r")
    assert len(next(iter(review.corrected_chunks())).labels) == 4
    metrics = review.metrics()
    assert (set(metrics.per_class()), metrics.boxes) == ({"cat", "dog"}, sum(len(f.predicted) for f in review.files))
    assert pytest.approx(1) == metrics.AP


def test_a_run_is_measured_as_it_was_sent_after_another_has_replaced_it(diffgram, folder, tmp_path, capsys):
    """Against a ground truth: a model is no worse because its boxes have made way for a newer one's."""
    push(diffgram, predictions(folder), model="m")
    truth = tmp_path / "truth.json"
    assert boxferry(["pull", "r", "--all", "-o", str(truth)]) == 0
    newer = predictions(folder, names=["fox", "cow"])
    push(diffgram, newer, model="m", run="r2", on_existing="replace-own", existing=True)
    assert {box.fate for file in diffgram.pull("r").files for box in file.judged} == {"replaced"}
    capsys.readouterr()
    assert boxferry(["evaluate", "r", "--against", str(truth), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"]["r"]["AP"] == pytest.approx(1)


def test_with_nothing_reviewed_there_is_one_sentence(diffgram, folder, capsys):
    """And the next step, and exit code 1, in place of twelve times -1."""
    push(diffgram, predictions(folder))
    push(diffgram, read(folder / "images"), run="raw")
    capsys.readouterr()
    assert boxferry(["evaluate", "r"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "run r: none of its 3 files is reviewed, so there are no metrics: correct boxes or" in said.err
    assert boxferry(["evaluate", "raw", "--json"]) == 1
    said = capsys.readouterr()
    assert json.loads(said.out)["runs"] == {"raw": None}
    assert "run raw: sent no boxes" in said.err


def test_a_run_against_a_ground_truth_with_crowds(diffgram, folder, tmp_path, capsys):
    """As it was sent, in whole pixels, by the names of the images."""
    push(diffgram, predictions(folder))
    review = diffgram.pull("r")
    images = [{"id": n, "file_name": f"val/{file.file_name}"} for n, file in enumerate(review.files, start=5)]
    found = [
        {"image_id": n, "category_id": 1 + (box.label == "dog"), "bbox": [x1, y1, x2 - x1, y2 - y1], "score": box.score}
        for n, file in enumerate(review.files, start=5)
        for box in file.predicted
        for x1, y1, x2, y2 in [box.corners]
    ]
    right = [
        {"id": n, "image_id": each["image_id"], "category_id": each["category_id"], "bbox": each["bbox"],
         "area": 12.5, "iscrowd": int(n == 1)}
        for n, each in enumerate(found, start=1)
    ]  # fmt: skip
    categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
    dataset = {"images": images, "categories": categories, "annotations": right}
    (tmp_path / "truth.json").write_text(json.dumps(dataset))
    (tmp_path / "found.json").write_text(json.dumps(found))
    capsys.readouterr()
    assert boxferry(["evaluate", "r", "--against", str(tmp_path / "truth.json"), "--json"]) == 0
    said = capsys.readouterr()
    assert json.loads(said.out)["runs"]["r"] == by_pycocotools(tmp_path / "truth.json", tmp_path / "found.json")
    assert "measured as it was sent, in whole pixels; what they cost: boxferry evaluate /" in said.err
    assert boxferry(["evaluate", "r", "--against", str(tmp_path / "truth.json"), "--images", str(folder)]) == 0
    assert f"truth.json --images {folder}" in capsys.readouterr().err


def test_the_pages_example_runs(tmp_path, monkeypatch, capsys):
    """In a clone, without settings."""
    root = Path(__file__).parents[2]
    page = (root / "docs" / "review.md").read_text()
    block = page.partition("<!-- without a server -->\n```python\n")[2].partition("```")[0]
    monkeypatch.chdir(root)
    exec(compile(block, "review.md", "exec"), {})
    assert 0 < float(capsys.readouterr().out.split()[0]) <= 1

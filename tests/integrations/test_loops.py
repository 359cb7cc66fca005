"""Trainers, pipelines and model servers: what they give goes to a collector too; with stand-ins for the frameworks.

`make frameworks` runs the real ones (tests/interop/test_frameworks.py).
"""

import asyncio
import runpy
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from boxferry.errors import UsageError
from boxferry.integrations.huggingface import Collecting, image_name
from boxferry.integrations.serving import collecting
from boxferry.integrations.ultralytics import add_to
from collector.collecting import a_collector, a_result

EXAMPLES = Path(__file__).parents[2] / "examples"
BOX = {"xmin": 40.0, "ymin": 30.0, "xmax": 60.0, "ymax": 50.0}
RESULT = {"boxes": np.array([list(BOX.values())]), "labels": np.array([1]), "scores": np.array([0.5])}


class Model:
    """As Ultralytics' model: callbacks by event, and a predictor that has the same ones."""

    def __init__(self, _=""):
        self.callbacks = {"on_predict_batch_end": [], "on_val_end": []}
        self.predictor = SimpleNamespace(callbacks=self.callbacks)

    def add_callback(self, event, call):
        self.callbacks[event].append(call)

    def predict(self, source, stream=False):
        paths = sorted(Path(source).iterdir()) if isinstance(source, str) else source
        for path in paths:
            for call in self.callbacks["on_predict_batch_end"]:
                call(SimpleNamespace(results=[a_result(path)]))
            yield path


def pipeline(_task):
    """As Hugging Face's: a list for a list, a generator for a generator, which is taken from ahead."""

    def detect(images):
        if isinstance(images, str):
            return [{"score": 0.5, "label": "cat", "box": BOX}]
        found = ([{"score": 0.5, "label": "cat", "box": BOX}] for _ in list(images))
        return list(found) if isinstance(images, list) else found

    detect.task = "object-detection"
    return detect


class BasePredictionWriter:
    """As Lightning's, as far as it is used."""

    def __init__(self, write_interval):
        self.interval = write_interval

    def setup(self, trainer, pl_module, stage):
        """Lightning's own."""

    def teardown(self, trainer, pl_module, stage):
        """Lightning's own."""

    def on_exception(self, trainer, pl_module, exception):
        """Lightning's own."""


class Trainer:
    """As Lightning's, as far as it is used."""

    def __init__(self, callbacks):
        (self.writer,) = callbacks

    def predict(self, model, loader, return_predictions):
        self.writer.setup(self, model, "predict")
        try:
            for number, batch in enumerate(loader):
                self.writer.write_on_batch_end(self, model, model.predict_step(batch, number), None, batch, number, 0)
        except BaseException as error:
            self.writer.on_exception(self, model, error)  # and no teardown
            raise
        self.writer.teardown(self, model, "predict")


@pytest.fixture
def frameworks(monkeypatch, sandbox, images, tmp_path):
    """Stand-ins for what the examples import, and the settings."""
    batches = [([str(path) for path in images[:3]], None), ([str(path) for path in images[3:]], None)]
    detector = SimpleNamespace(predict_step=lambda batch, _: [RESULT] * len(batch[0]))
    modules = {
        "ultralytics": {"YOLO": Model},
        "transformers": {"pipeline": pipeline},
        "lightning": {"Trainer": Trainer},
        "lightning.pytorch": {},
        "lightning.pytorch.callbacks": {"BasePredictionWriter": BasePredictionWriter},
        "my_model": {"Detector": lambda: detector, "loader": batches},
    }
    for name, facts in modules.items():
        stand_in = ModuleType(name)
        vars(stand_in).update(facts)
        monkeypatch.setitem(sys.modules, name, stand_in)
    monkeypatch.delitem(sys.modules, "boxferry.integrations.lightning", raising=False)
    for setting in ("host", "project", "client_id", "client_secret"):
        monkeypatch.setenv(f"DIFFGRAM_{setting.upper()}", getattr(sandbox, setting))
    monkeypatch.setenv("BOXFERRY_OUTBOX", str(tmp_path / "outbox.sqlite"))


@pytest.mark.parametrize("name", ["ultralytics_predict", "huggingface_detect", "lightning_predict"])
def test_the_example_runs_and_its_boxes_arrive(name, frameworks, sandbox, images, monkeypatch):
    monkeypatch.setattr(sys, "argv", [name, str(images[0].parent)])
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert [len(sandbox.boxes(path.name)) for path in images] == [1] * 5


def test_a_model_is_left_as_it_was(diffgram, sandbox, images):
    """Its other callbacks stay, and what it predicts later is not handed over."""
    model, others = Model(), []
    model.add_callback("on_predict_batch_end", others.append)
    with add_to(model, a_collector(diffgram)) as collect:
        list(model.predict(images[:2]))
    list(model.predict(images[2:]))
    assert model.callbacks == {"on_predict_batch_end": [others.append], "on_val_end": []}
    assert (collect.report.images, len(others)) == (2, 5)


def test_what_is_no_model_of_ultralytics_is_said(diffgram):
    """In one line, before anything begins."""
    with pytest.raises(UsageError, match="is no model of Ultralytics"), add_to(object(), a_collector(diffgram)):
        pass


def test_results_that_are_read_too_late_are_noted(diffgram, images):
    """The results of stream=True come while they are read, outside the with block."""
    model = Model()
    with add_to(model, a_collector(diffgram)) as collect:
        results = model.predict(images, stream=True)
    assert len(list(results)) == 5
    assert "stream=True" in collect.report.problems[0]


def test_the_validations_of_a_training_are_no_results(diffgram):
    """One an epoch, without a list of results; one that was asked for without the list is counted."""
    model = Model()
    with add_to(model, a_collector(diffgram)) as collect:
        for mode, training in (("train", True), ("train", False), ("val", False)):
            for call in model.callbacks["on_val_end"]:
                call(SimpleNamespace(training=training, args=SimpleNamespace(mode=mode), jdict=[], names={}))
    assert collect.report.lost == {"unusable": 1}
    assert "save_json=True" in collect.report.problems[0]


def test_a_prediction_that_fails_in_lightning_closes_the_collector(frameworks, diffgram, sandbox, images):
    """Lightning tears nothing down then; what came before is sent, and the next prediction begins anew."""
    from boxferry.integrations.lightning import DiffgramWriter

    def failing(batch, number):
        if number:
            raise RuntimeError("out of memory")
        return [RESULT]

    collector = a_collector(diffgram, names=["none", "cat"])
    trainer = Trainer([DiffgramWriter(collector, names=lambda batch: batch)])
    with pytest.raises(RuntimeError):
        trainer.predict(SimpleNamespace(predict_step=failing), [[images[0]], [images[1]]], return_predictions=False)
    assert len(sandbox.files()) == 1
    fine = SimpleNamespace(predict_step=lambda *_: [RESULT])
    trainer.predict(fine, [[images[2]]], return_predictions=False)
    assert len(sandbox.files()) == 2


@pytest.mark.parametrize("names", [lambda batch: batch[:1], lambda batch: batch.paths], ids=["too few", "wrong"])
def test_wrong_names_are_counted_and_end_no_prediction(frameworks, diffgram, images, names):
    from boxferry.integrations.lightning import DiffgramWriter

    collector = a_collector(diffgram, names=["none", "cat"])
    model = SimpleNamespace(predict_step=lambda *_: [RESULT] * 2)
    Trainer([DiffgramWriter(collector, names=names)]).predict(model, [images[:2]], return_predictions=False)
    assert collector.report.lost == {"unusable": 1}
    assert len(collector.report.problems) == 1


def test_a_data_set_is_given_as_results_one_by_one(diffgram, images):
    """It has a length and items alone, as one of PyTorch; it had been taken for an image, and its results consumed."""

    class Images:
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return str(images[i])

    with a_collector(diffgram) as collect:
        assert len(list(Collecting(pipeline(""), collect)(Images()))) == 3
    assert (collect.report.images, collect.report.lost) == (3, {})


@pytest.mark.parametrize("name", ["inputs", "images", "image"])
def test_images_may_be_given_by_name(diffgram, images, name):
    with a_collector(diffgram) as collect:
        assert Collecting(pipeline(""), collect)(**{name: [str(images[0])]}) == pipeline("")([str(images[0])])
    assert collect.report.images == 1


def test_a_name_that_cannot_be_told_is_counted(diffgram, images):
    def name(_):
        raise KeyError("path")

    with a_collector(diffgram) as collect:
        assert len(Collecting(pipeline(""), collect, name=name)(str(images[0]))) == 1
        assert len(list(Collecting(pipeline(""), collect, name=name)(str(path) for path in images[:2]))) == 2
    assert collect.report.lost == {"unusable": 3}


def test_a_pipeline_gives_what_it_gave_whatever_it_is_called_with(diffgram, images):
    """One image, a list, or a generator."""
    paths = [str(path) for path in images]
    alone = pipeline("")
    with a_collector(diffgram) as collect:
        wrapped = Collecting(alone, collect)
        assert wrapped(paths[0]) == alone(paths[0])
        assert wrapped(paths[1:3]) == alone(paths[1:3])
        assert list(wrapped(path for path in paths[3:])) == alone(paths[3:])
        assert wrapped.task == "object-detection"
    assert (collect.report.images, collect.report.lost) == (5, {})


def test_the_name_of_what_a_pipeline_is_given():
    picture = SimpleNamespace(filename="b.jpg")
    given = ["a.jpg", Path("a.jpg"), picture, {"image": picture, "candidate_labels": ["cat"]}, SimpleNamespace()]
    assert [image_name(each) for each in given] == ["a.jpg", "a.jpg", "b.jpg", "b.jpg", None]


def test_a_server_answers_as_before_and_waits_for_nothing(diffgram, sandbox, images):
    """Also where it is a coroutine, and where the server of the boxes is slow."""
    sandbox.stop()

    async def later(path):
        return RESULT

    with a_collector(diffgram, names=["none", "cat"], close_s=0.2) as collect:
        now = collecting(lambda path: RESULT, collect, image=str)
        assert now(images[0]) is RESULT
        assert asyncio.run(collecting(later, collect, image=str)(images[1])) is RESULT
        assert collect.report.pushes == []
    assert (collect.report.images, collect.report.waiting_images) == (2, 2)


def test_an_answer_is_given_whatever_goes_wrong_with_handing_it_over(diffgram, images):
    """It is counted."""

    def no_image(*_):
        raise KeyError("image")

    with a_collector(diffgram) as collect:
        assert collecting(lambda path: RESULT, collect, image=no_image)(images[0]) is RESULT
        assert collecting(lambda path: "text", collect, image=str)(images[0]) == "text"
    assert collecting(lambda path: RESULT, collect, image=str)(images[0]) is RESULT
    assert collect.report.lost == {"unusable": 2, "outside": 1}

"""What is known of a run goes into the active run of a tracker, which is no dependency."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from boxferry.errors import BoxferryError, UsageError
from boxferry.review.metrics import METRICS
from boxferry.review.report import reports_of
from boxferry.review.summary import Clicks
from boxferry.review.trackers import active_run, log_reports
from review.tracked import a_review


@pytest.fixture
def mlflow(monkeypatch):
    """As MLflow: an active run, or none, and what was logged under which run."""
    made = ModuleType("mlflow")
    made.logged = []
    made.active_run = lambda: SimpleNamespace(info=SimpleNamespace(run_id="abc"))
    made.log_metrics = lambda numbers, run_id: made.logged.append(("metrics", numbers, run_id))
    made.log_dict = lambda facts, path, run_id: made.logged.append((path, facts, run_id))
    made.log_text = lambda text, path, run_id: made.logged.append((path, text, run_id))
    monkeypatch.setitem(sys.modules, "mlflow", made)
    monkeypatch.delenv("MLFLOW_RUN_ID", raising=False)
    return made


def test_numbers_facts_and_page_go_into_the_active_run(mlflow):
    """By names that trackers take; what is not known is left out."""
    review = a_review()
    numbers = review.log("mlflow")
    (_, logged, run_id), (facts_path, facts, _), (page_path, page, _) = mlflow.logged
    assert (run_id, logged, facts_path, page_path) == ("abc", numbers, "boxferry/report.json", "boxferry/report.html")
    assert numbers["boxferry/boxes/kept"] == numbers["boxferry/boxes/deleted"] == numbers["boxferry/boxes/added"] == 1
    assert numbers["boxferry/corrected_share"] == 0.5
    assert {f"boxferry/coco/{name}" for name in METRICS if review.metrics()[name] >= 0} <= set(numbers)
    assert numbers["boxferry/coco/AP"] == review.metrics().AP
    assert numbers["boxferry/score_for_precision"] == 0.9
    assert numbers["boxferry/best_threshold/dog_wild"] == review.summary().thresholds["dog/wild"].score
    assert "boxferry/score_for_precision_by_label/dog_wild" not in numbers
    assert all(isinstance(value, float) for value in numbers.values())
    assert facts["night"]["metrics"]["AP"] == review.metrics().AP
    assert page.startswith("<!doctype html>")


def test_a_run_of_the_environment_is_taken_where_none_is_active(mlflow, monkeypatch):
    """As on the command line, which is a process of its own."""
    mlflow.active_run = lambda: None
    with pytest.raises(UsageError, match=r"mlflow: no run is active: log within mlflow\.start_run\(\), or name a run"):
        a_review().log("mlflow")
    monkeypatch.setenv("MLFLOW_RUN_ID", "def")
    a_review().log("mlflow")
    assert {run_id for *_, run_id in mlflow.logged} == {"def"}


@pytest.fixture
def wandb(monkeypatch):
    """As Weights & Biases: `run` is the active run."""
    made = ModuleType("wandb")
    made.logged, made.events = [], []
    made.run = SimpleNamespace(id="w1", log=made.logged.append)
    made.Html = lambda stream, inject: ("html", stream.read(), inject)
    monkeypatch.setitem(sys.modules, "wandb", made)
    monkeypatch.delenv("WANDB_RUN_ID", raising=False)
    return made


def test_wandb_gets_numbers_and_page_in_one_step(wandb):
    """And a run that the environment names is ended again; the active one is not."""
    a_review().log("wandb")
    (logged,) = wandb.logged
    assert logged["boxferry/boxes/kept"] == 1
    assert logged["boxferry/report"][1].startswith("<!doctype html>")


def test_wandb_takes_a_run_up_by_its_id(wandb, monkeypatch):
    """And ends what it began."""
    wandb.run = None
    with pytest.raises(UsageError, match="environment variable WANDB_RUN_ID"):
        active_run("wandb")
    monkeypatch.setenv("WANDB_RUN_ID", "w2")

    def init(**how):
        wandb.events.append(how)
        return SimpleNamespace(log=wandb.logged.append, finish=lambda: wandb.events.append("finished"))

    wandb.init = init
    a_review().log("wandb")
    assert wandb.events == [{"id": "w2", "resume": "allow"}, "finished"]
    assert len(wandb.logged) == 1


def test_several_runs_are_told_apart_and_labels_too(mlflow):
    """By the run's name; two labels that names cannot tell apart are numbered."""
    reviews = [a_review(), a_review("night 2", labels=("a/b", "a:b"))]
    reports = reports_of(reviews, Clicks(), precision=0.1)
    numbers = log_reports(reports, active_run("mlflow"))
    assert numbers["boxferry/night 2/boxes/kept"] == 1
    assert {"boxferry/night 2/best_threshold/a_b", "boxferry/night 2/best_threshold/a_b_2"} <= set(numbers)
    assert "boxferry/night/coco/AP" not in numbers


def test_what_is_missing_is_one_line(monkeypatch, mlflow):
    """A package, a word, or the tracker's server."""
    with pytest.raises(UsageError, match="tracker: 'tensorboard', expected one of mlflow, wandb"):
        a_review().log("tensorboard")

    def unreachable(*_, **__):
        raise ConnectionError("no\nroute")

    mlflow.log_text = unreachable
    with pytest.raises(BoxferryError, match="mlflow run abc: no route"):
        a_review().log("mlflow")
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UsageError, match="wandb is not installed: pip install wandb"):
        a_review().log("wandb")

"""The real MLflow and Weights & Biases take what is recorded, in an active run and by the environment's run id."""

import json
import os

import pytest

from boxferry.errors import UsageError
from interop.peers import peer
from review.tracked import a_review

pytestmark = pytest.mark.filterwarnings("ignore")  # the trackers' own


@pytest.fixture
def mlflow(tmp_path, monkeypatch):
    """MLflow, recording into a folder, as its small package (mlflow-skinny) can."""
    module = peer("mlflow")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    module.set_tracking_uri((tmp_path / "mlruns").as_uri())
    yield module
    while module.active_run() is not None:
        module.end_run()


def test_mlflow_records_numbers_and_artifacts(mlflow):
    """Every number under its name, and both files; the run stays active."""
    with mlflow.start_run() as run:
        numbers = a_review().log("mlflow")
        assert mlflow.active_run().info.run_id == run.info.run_id
    assert mlflow.get_run(run.info.run_id).data.metrics == numbers
    page = mlflow.artifacts.load_text(f"{run.info.artifact_uri}/boxferry/report.html")
    assert page.startswith("<!doctype html>")
    facts = json.loads(mlflow.artifacts.load_text(f"{run.info.artifact_uri}/boxferry/report.json"))
    assert facts["night"]["fates"]["kept"] == 1


def test_a_run_of_another_process_is_recorded_into_and_not_ended(mlflow, monkeypatch):
    """By MLFLOW_RUN_ID; without it and without an active run that is said."""
    with pytest.raises(UsageError, match="no run is active"):
        a_review().log("mlflow")
    client = mlflow.MlflowClient()
    run = client.create_run("0")
    monkeypatch.setenv("MLFLOW_RUN_ID", run.info.run_id)
    numbers = a_review().log("mlflow")
    found = client.get_run(run.info.run_id)
    assert (found.data.metrics, found.info.status) == (numbers, "RUNNING")


def test_wandb_records_numbers_and_the_page(tmp_path, monkeypatch):
    """Offline: the run's summary has every number, and its folder the page."""
    wandb = peer("wandb")
    monkeypatch.chdir(tmp_path)
    for name, value in {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path), "WANDB_SILENT": "true"}.items():
        monkeypatch.setenv(name, value)
    run = wandb.init(project="boxferry")
    numbers = a_review().log("wandb")
    assert {name: run.summary[name] for name in numbers} == numbers
    run.finish()
    assert [name for _, _, names in os.walk(tmp_path) for name in names if name.endswith(".html")]

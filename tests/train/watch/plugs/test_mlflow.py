import os

import pytest

from tests.train.watch.plugs.builders import TOLD, told, told_and_cut

pytestmark = pytest.mark.filterwarnings("ignore:.*noload.*:DeprecationWarning")  # MLflow's use of SQLAlchemy


@pytest.fixture(scope="module")
def database(tmp_path_factory):
    """One for all tests: making its tables takes longer than they do."""
    return f"sqlite:///{tmp_path_factory.mktemp('mlflow')}/mlflow.db"


@pytest.fixture
def client(database, request, monkeypatch):
    """MLflow with an experiment of its own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", database)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", request.node.name)
    from mlflow import MlflowClient

    return MlflowClient()


def runs(client):
    return client.search_runs([client.get_experiment_by_name(os.environ["MLFLOW_EXPERIMENT_NAME"]).experiment_id])


def only(client):
    (run,) = runs(client)
    return run


def curve(client, name):
    return {metric.step: metric.value for metric in client.get_metric_history(only(client).info.run_id, name)}


def test_mlflow_shows_the_run(client, tmp_path):
    told("mlflow", tmp_path)
    run = only(client)
    assert (run.info.status, run.info.run_name) == ("FINISHED", "ada/poet")
    assert run.data.params == {
        "seed": "0", "optim.lr": "0.001", "optim.betas": "[0.9, 0.999]", "adapter.targets": "all-linear",
    }  # fmt: skip
    assert run.data.metrics["kept/accuracy"] == 0.9
    assert curve(client, "train/loss") == pytest.approx(TOLD)
    assert curve(client, "validation/accuracy") == pytest.approx({4: 0.8, 8: 0.9})


def test_a_run_that_goes_on_goes_on_in_mlflow(client, tmp_path):
    told_and_cut("mlflow", tmp_path)
    assert only(client).info.status == "FINISHED"
    assert curve(client, "train/loss") == pytest.approx(TOLD)


def test_a_run_that_failed_says_so_in_mlflow(client, tmp_path):
    told("mlflow", tmp_path, reason="failed")
    assert only(client).info.status == "FAILED"


def test_a_run_that_begins_anew_is_another_in_mlflow(client, tmp_path):
    told("mlflow", tmp_path)
    told("mlflow", tmp_path)
    assert len(runs(client)) == 2

"""By object storage, workers that do not see the data folder make the local table, also through a kill -9."""

import json
import tomllib
from pathlib import Path

import psutil
import pytest

from tests.cluster_engine import WORKER
from tests.conftest import words_of
from tests.ray_cluster import ray_cluster
from tests.s3_server import s3_server
from tests.slurm import slurm
from tests.whole import test_interrupting
from tests.whole.test_cluster import STEPS, told, training, wait_until
from tests.whole.test_interrupting import Refresh, check_nothing_is_open, processes_of, results

pytestmark = [pytest.mark.slow, pytest.mark.cluster]

HIDING = ["unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"']


def settings_text(engine: str, data: Path, node: Path) -> str:
    words = json.dumps([*HIDING, str(data), *WORKER])
    return f"""
executor = "{engine}"
parallel = 2
processors = 1
gpus = 1
command = {words}
storage.url = "s3://bucket/benchmark"
storage.cache = "{node}"
storage.cache_gb = 1
slurm.gpu_option = "--licenses=fakegpu:{{gpus}}"
"""


def workers() -> list[psutil.Process]:
    chosen = [one for one in psutil.process_iter() if "s3://bucket/benchmark" in words_of(one)]
    return [one for one in chosen if words_of(one)[1:2] == [WORKER[1]]]


@pytest.mark.parametrize("engine", ["slurm", "ray"])
def test_the_table_is_the_local_one_through_a_kill_9_of_a_worker(
    engine: str, stem_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_interrupting, "TRAINING_STEPS", STEPS)
    undisturbed = Refresh(stem_dataset, tmp_path / "undisturbed")
    assert undisturbed.process.wait() == 0, undisturbed.output.read_text()
    server, data, node = (tmp_path / name for name in ("server", "data", "node"))
    for folder in (server, data):
        folder.mkdir()
    with s3_server(server) as variables:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with slurm() if engine == "slurm" else ray_cluster() as cluster:
            text = settings_text(engine, data, node)
            if engine == "slurm":
                monkeypatch.setenv("SLURM_CONF", str(cluster.config))
            else:
                text += f'ray.address = "{cluster.address}"\n'
            assert tomllib.loads(text)
            (data / "cluster.toml").write_text(text)
            refresh = Refresh(stem_dataset, data)
            part = training(refresh)
            wait_until(lambda: told(part, "done"), refresh)
            (worker,) = workers()
            worker.kill()
            wait_until(lambda: len(told(part, "begun")) == 2 and told(part, "done"), refresh)
            assert "seed_42 is begun again" in refresh.output.read_text()
            assert refresh.process.wait() == 0, refresh.output.read_text()
        assert results(data) == results(tmp_path / "undisturbed")
    assert processes_of(data) == []
    assert not list((node / "work").glob("*/files/**/*.npy"))
    check_nothing_is_open(data)

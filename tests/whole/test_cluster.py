"""Made by a cluster, and through every kind of end of its parts and its head, the benchmark is the local one."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from benchmarks.kills import cut_power
from sepmodels.cluster.making import make_parts
from sepmodels.cluster.part import Needs, PartFolder
from sepmodels.cluster.same_code import versions_of
from sepmodels.cluster.settings import ClusterSettings, RaySettings, read_cluster
from tests.cluster_engine import WORKER, Heard
from tests.cluster_parts import COUNT, part
from tests.conftest import words_of
from tests.ray_cluster import ray_cluster
from tests.slurm import slurm
from tests.whole import test_interrupting
from tests.whole.test_interrupting import Refresh, check_nothing_is_open, ctrl_c, processes_of, results

pytestmark = pytest.mark.slow

STEPS = "60"
SLURM = """
[slurm]
gpu_option = "--licenses=fakegpu:{gpus}"
"""


@pytest.fixture(scope="module")
def undisturbed(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What this machine makes by itself."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_interrupting, "TRAINING_STEPS", STEPS)
        data = tmp_path_factory.mktemp("undisturbed")
        refresh = Refresh(stem_dataset, data)
        assert refresh.process.wait() == 0, refresh.output.read_text()
        yield data


@pytest.fixture(params=["slurm", "ray"])
def data(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data folder whose parts are made by an engine that runs here, by workers that know no Dagster."""
    folder = tmp_path / "data"
    folder.mkdir()
    common = f'executor = "{request.param}"\nparallel = 2\nprocessors = 1\ngpus = 1\ncommand = {json.dumps(WORKER)}\n'
    with slurm() if request.param == "slurm" else ray_cluster() as cluster:
        if request.param == "slurm":
            monkeypatch.setenv("SLURM_CONF", str(cluster.config))
            own = SLURM
        else:
            own = f'[ray]\naddress = "{cluster.address}"\n'
        (folder / "cluster.toml").write_text(common + own)
        yield folder


def training(refresh: Refresh) -> PartFolder:
    return PartFolder(refresh.paths.root / "parts" / "open_unmix-checkpoint" / "seed_42")


def _text(file: Path) -> str:
    """What a file says; nothing where it is not there, or just goes."""
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def told(folder: PartFolder, kind: str) -> list[dict]:
    """The events of a kind so far."""
    lines = _text(folder.events).splitlines()
    return [event for event in map(json.loads, lines) if kind in event]


def wait_until(done: Callable[[], object], refresh: Refresh) -> None:
    while not done():
        assert refresh.process.poll() is None, refresh.output.read_text()
        time.sleep(0.05)


def workers(folder: Path) -> list[psutil.Process]:
    """The processes that make a part of a folder."""
    found = [one for one in psutil.process_iter() if words_of(one)[-1:] and words_of(one)[-1].startswith(str(folder))]
    return [one for one in found if "sepmodels.cluster.worker" in words_of(one)]


def test_an_engine_makes_a_part_and_what_its_worker_prints_is_kept(data: Path, tmp_path: Path) -> None:
    chosen = read_cluster(data / "cluster.toml")
    counted = part("counted", COUNT, Needs(gpus=1), to=3, place=str(tmp_path / "counted"))
    try:
        results = make_parts([counted], tmp_path / "parts", chosen, versions_of(("numpy",)), Heard())
    finally:
        if "ray" in sys.modules:
            sys.modules["ray"].shutdown()
    assert results["counted"].value == 3
    assert len(list((tmp_path / "parts").glob(f"{chosen.executor}-*.txt"))) == 1


@dataclass
class _Losing(Heard):
    """Loses a node with all its processes at the first word of each part, and lets the parts go on."""

    lose: Callable[[], None] = lambda: None
    gate: Path = Path()

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        super().progress(done, total, unit, **figures)
        if not self.gate.exists() and len(self.curves) == 2:
            self.lose()
            self.gate.touch()


def test_the_part_of_a_ray_node_that_is_lost_goes_on_at_another_node(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    parts = [
        part(name, COUNT, Needs(gpus=1), to=5, place=str(tmp_path / name), wait_at=4, gate=str(gate))
        for name in ("one", "two")
    ]
    with ray_cluster() as cluster:
        (node,) = cluster.worker_nodes

        def lose() -> None:
            (raylet,) = (info.process for info in node.all_processes["raylet"])
            gone = psutil.Process(raylet.pid).children(recursive=True)
            cluster.remove_node(node, allow_graceful=False)
            for one in gone:
                with suppress(psutil.NoSuchProcess):
                    one.kill()

        heard = _Losing(lose=lose, gate=gate)
        chosen = ClusterSettings(executor="ray", parallel=2, command=WORKER, ray=RaySettings(cluster.address))
        try:
            found = make_parts(parts, tmp_path / "parts", chosen, versions_of(("numpy",)), heard)
        finally:
            sys.modules["ray"].shutdown()
    assert {name: one.value for name, one in found.items()} == {"one": 5, "two": 5}
    assert sum("is begun again" in sentence for sentence in heard.said) == 1


@pytest.mark.cluster
def test_through_ctrl_c_and_kill_9_of_a_worker_and_of_the_head_the_table_is_the_local_one(
    data: Path, stem_dataset: Path, undisturbed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(test_interrupting, "TRAINING_STEPS", STEPS)
    refresh = Refresh(stem_dataset, data)
    part = training(refresh)
    wait_until(lambda: told(part, "done"), refresh)
    ctrl_c(refresh)
    assert workers(data) == []
    states = refresh.paths.root / "checkpoints" / "open_unmix" / "under-way" / "seed_42" / "states"
    assert list(states.glob("*.pt"))

    refresh = Refresh(stem_dataset, data)
    wait_until(lambda: any("goes on after step" in one["sentence"] for one in told(part, "sentence")), refresh)
    (worker,) = workers(part.path)
    worker.kill()
    wait_until(lambda: len(told(part, "begun")) == 2 and told(part, "done"), refresh)
    assert "open_unmix/checkpoint: seed_42 is begun again" in refresh.output.read_text()

    head_dies_and_comes_back = _on_slurm if 'executor = "slurm"' in (data / "cluster.toml").read_text() else _on_ray
    refresh = head_dies_and_comes_back(refresh, part, lambda: Refresh(stem_dataset, data))
    assert refresh.process.wait() == 0, refresh.output.read_text()
    assert results(data) == results(undisturbed)
    assert not list((refresh.paths.root / "parts").iterdir())
    assert processes_of(data) == []
    check_nothing_is_open(data)


def _on_slurm(refresh: Refresh, part: PartFolder, begin: Callable[[], Refresh]) -> Refresh:
    """The worker outlives the head; it is held so that it still works when the next head looks."""
    (worker,) = workers(part.path)
    worker.suspend()
    kill(refresh)
    refresh = begin()
    wait_until(lambda: "seed_42 goes on in slurm's job" in refresh.output.read_text(), refresh)
    worker.resume()
    return refresh


def _on_ray(refresh: Refresh, part: PartFolder, begin: Callable[[], Refresh]) -> Refresh:
    """The worker ends with the head."""
    (worker,) = workers(part.path)
    kill(refresh)
    worker.wait()
    return begin()


def kill(refresh: Refresh) -> None:
    """Kill -9 of the command and all its processes at one moment."""
    head = cut_power(refresh)
    refresh.process.wait()
    psutil.wait_procs(head)

"""``sepbench doctor`` names what is missing, and what to do."""

import io
import json
import socket
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from assets.paths import Paths
from pipelines.doctor import cluster_checks, data_checks, machine_checks
from pipelines.doctor.doctor import checks, examine
from pipelines.doctor.finding import Finding, guarded
from pipelines.profiles import PROFILES
from sepmodels.cluster import ending, making
from sepmodels.machine.identity import machine_name
from tests.cluster_engine import WORKER, Processes


@pytest.fixture
def paths(tmp_path) -> Paths:
    return Paths(tmp_path / "data", "musdb18-7s")


@pytest.fixture
def room(monkeypatch):
    """As much free disk as anyone needs, whatever the machine that the tests run on has left."""
    monkeypatch.setattr(data_checks.shutil, "disk_usage", lambda _folder: SimpleNamespace(free=2**40))


def with_dataset(folder):
    profile = PROFILES["musdb18-7s"]
    return replace(profile, dataset=replace(profile.dataset, folder=str(folder)))


@pytest.mark.usefixtures("room")
def test_a_sound_installation_lacks_nothing_for_the_demo(paths):
    found = checks(PROFILES["demo"], paths)
    assert [check for check in found if check.status == "fail"] == []
    assert {"Python", "packages", "torch", "GPU", "ffmpeg", "disk", "dataset"} <= {check.name for check in found}
    assert not paths.data.exists()


@pytest.mark.usefixtures("room")
def test_what_is_missing_makes_the_whole_fail_and_is_named_last(paths):
    text = io.StringIO()
    assert not examine(PROFILES["musdb18-7s"], paths, Console(file=text, width=120))
    assert text.getvalue().rstrip().endswith("Missing for a run of musdb18-7s: dataset.")
    assert "--dataset" in text.getvalue()


def test_text_that_looks_like_markup_is_shown_as_it_is(paths, monkeypatch):
    odd = Finding("dataset", "fail", "none in /music/[/live]", "Look into [bold].")
    monkeypatch.setattr(data_checks, "check_dataset", lambda *_: odd)
    text = io.StringIO()
    examine(PROFILES["demo"], paths, Console(file=text, width=120))
    assert "/music/[/live]" in text.getvalue()
    assert "[bold]" in text.getvalue()


def test_a_look_that_breaks_is_a_finding_and_stops_no_other():
    def broken():
        raise OSError("the disk is gone")

    found = guarded("disk", broken)
    assert found.status == "fail"
    assert "OSError: the disk is gone" in found.detail


def test_a_dataset_is_counted_by_split(paths, stem_dataset):
    found = data_checks.check_dataset(with_dataset(stem_dataset), paths)
    assert found.status == "ok"
    assert "6 tracks" in found.detail
    assert "2 test" in found.detail


def test_a_faulty_dataset_is_told_in_the_readers_own_words(paths, tmp_path):
    (tmp_path / "music" / "train").mkdir(parents=True)
    found = data_checks.check_dataset(with_dataset(tmp_path / "music"), paths)
    assert found.status == "fail"
    assert str(tmp_path / "music") in found.detail


def test_other_files_in_the_demos_folder_are_named_for_no_run_makes_it_whole(paths):
    demo = Paths(paths.data, "demo")
    (demo.dataset / "train").mkdir(parents=True)
    found = data_checks.check_dataset(PROFILES["demo"], demo)
    assert (found.status, found.remedy) == ("warn", "`sepbench run` makes it whole.")
    (demo.dataset / "letter.txt").touch()
    found = data_checks.check_dataset(PROFILES["demo"], demo)
    assert found.status == "fail"
    assert "letter.txt is not one of the demo songs" in found.detail
    assert "makes it whole" not in found.remedy


def test_no_ffmpeg_comes_with_how_to_install_it(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    found = machine_checks.check_ffmpeg()
    assert found.status == "fail"
    assert "apt-get install ffmpeg" in found.remedy


def test_an_ffmpeg_without_aac_is_refused(monkeypatch, tmp_path):
    for tool in ("ffmpeg", "ffprobe"):
        (tmp_path / tool).write_text("#!/bin/sh\necho 'ffmpeg version 1.0 Copyright'\necho ' A....D mp3  MP3'\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = machine_checks.check_ffmpeg()
    assert found.status == "fail"
    assert "no AAC" in found.detail


def test_what_is_made_already_is_counted(monkeypatch, tmp_path):
    states = ["fresh", "fresh", "stale", "waiting", "never"]
    found = [(None, SimpleNamespace(state=state)) for state in states]
    monkeypatch.setattr("pipelines.graph.selection.standing", lambda *_: found)
    said = data_checks.check_products(PROFILES["demo"], Paths(tmp_path, "demo")).detail
    assert said == "2 of 5 products up to date, 2 stale, 1 not made yet"


def test_packages_that_are_missing_or_too_old_are_all_named(monkeypatch):
    wanted = ["numpy>=99", "not-a-package-of-anyone>=1", "torch", "not-even-here>=1; platform_system == 'Plan 9'"]
    monkeypatch.setattr(machine_checks, "_wanted", lambda: (">=3.99", wanted))
    found = machine_checks.check_packages()
    assert found.status == "fail"
    assert "numpy is" in found.detail
    assert "not-a-package-of-anyone is not installed" in found.detail
    assert "not-even-here" not in found.detail
    assert machine_checks.check_python().status == "fail"


def test_a_gpu_that_torch_cannot_use_is_a_warning(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA H200, 570.1'\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = machine_checks.check_gpu(PROFILES["demo"])
    assert found.status == "warn"
    assert "driver 570.1" in found.detail


def test_a_device_that_is_not_here_is_a_failure_unless_a_cluster_does_the_work(paths, monkeypatch):
    profile = replace(PROFILES["demo"], device="cuda:99")
    found = machine_checks.check_device(profile, paths)
    assert found.status == "fail"
    assert "Device 'cuda:99' was asked for" in found.detail
    assert "device=auto" in found.remedy
    assert machine_checks.check_device(PROFILES["demo"], paths).status == "ok"
    monkeypatch.setenv("SEPBENCH_EXECUTOR", "slurm")
    assert machine_checks.check_device(profile, paths).status == "ok"


def test_a_full_budget_without_a_gpu_is_a_warning(monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert machine_checks.check_gpu(PROFILES["demo"]).status == "ok"
    assert machine_checks.check_gpu(PROFILES["musdb18"]).status == "warn"


def test_every_gpu_is_named_with_its_memory(monkeypatch):
    import torch

    card = SimpleNamespace(name="NVIDIA H200", total_memory=139 * 2**30)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _index: card)
    found = machine_checks.check_gpu(PROFILES["musdb18"])
    assert found.status == "ok"
    assert found.detail.count("NVIDIA H200 with 139 GiB") == 2


def test_a_disk_too_small_for_the_profile_is_a_failure_and_what_is_there_counts(paths, monkeypatch):
    usage = SimpleNamespace(free=2 * 2**30)
    monkeypatch.setattr(data_checks.shutil, "disk_usage", lambda _folder: usage)
    full = Paths(paths.data, "musdb18")
    assert data_checks.check_disk(PROFILES["musdb18"], full).status == "fail"
    monkeypatch.setattr(data_checks, "_bytes_made", lambda _paths: 10**12)
    assert data_checks.check_disk(PROFILES["musdb18"], full).status == "ok"


def test_twice_the_seeds_need_twice_the_room_for_estimates_and_trainings(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(data_checks, "slots_here", lambda _: 3)
    one, two = PROFILES["musdb18"], replace(PROFILES["musdb18"], seeds=(1, 2))
    stems = data_checks.bytes_needed(replace(one, seeds=()), 10.0, 3.5)
    per_seed = data_checks.bytes_needed(one, 10.0, 3.5) - stems
    assert data_checks.bytes_needed(two, 10.0, 3.5) == stems + 2 * per_seed
    assert stems == 10 * 3600 * 44_100 * 5 * 2 * 2 + 3 * data_checks.STATES_BYTES


def test_a_data_folder_that_cannot_be_one_is_a_failure(tmp_path):
    (tmp_path / "file").touch()
    for place in (tmp_path / "file" / "data", tmp_path / "50%"):
        found = data_checks.check_data_folder(Paths(place, "demo"))
        assert found.status == "fail"


def test_a_taken_port_is_a_warning():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        found = machine_checks.check_port(port)
    assert found.status == "warn"
    assert f"{port} is taken" in found.detail


def test_a_readable_history_is_counted(paths, monkeypatch):
    import dagster as dg

    from pipelines.graph.instance import use_instance

    monkeypatch.setenv("DAGSTER_HOME", "")  # restored after the test: the next line sets it
    with dg.DagsterInstance.from_config(str(use_instance(paths.data))) as instance:
        dg.materialize([dg.asset(lambda: None, name="something")], instance=instance)
    found = data_checks.check_dagster(paths)
    assert (found.status, found.detail) == ("ok", f"1 run in {paths.data / 'dagster'}")


@pytest.mark.parametrize("damaged", ["dagster.yaml", "history/runs.db"])
def test_a_damaged_history_is_a_failure_that_names_the_folder(paths, monkeypatch, damaged):
    from pipelines.graph.instance import use_instance

    monkeypatch.setenv("DAGSTER_HOME", "")
    file = use_instance(paths.data) / damaged
    file.parent.mkdir(exist_ok=True)
    file.write_text("storage: {nothing: like this}\n" * 100)
    found = data_checks.check_dagster(paths)
    assert found.status == "fail"
    assert str(paths.data / "dagster") in found.remedy


def test_a_damaged_mlflow_store_is_a_failure_that_names_the_folder(paths):
    (paths.data / "mlflow").mkdir(parents=True)
    (paths.data / "mlflow" / "mlflow.db").write_bytes(b"not a database" * 1000)
    found = data_checks.check_mlflow(paths)
    assert found.status == "fail"
    assert str(paths.data / "mlflow") in found.remedy


def test_a_storage_is_tried_by_a_small_round_trip_and_leaves_nothing(paths, tmp_path):
    assert cluster_checks.check_storage(paths).detail.startswith("none: ")
    paths.data.mkdir()
    bucket = tmp_path / "bucket"
    (paths.data / "cluster.toml").write_text(f'executor = "slurm"\nstorage.url = "{bucket.as_uri()}"')
    found = cluster_checks.check_storage(paths)
    assert found.status == "ok", found
    assert not list(bucket.iterdir())
    (paths.data / "cluster.toml").write_text('executor = "slurm"\nstorage.url = "s4://bucket"')
    assert "give one such as s3://bucket/prefix" in cluster_checks.check_storage(paths).detail


def test_a_cluster_is_asked_to_make_one_part_and_leaves_nothing(paths, monkeypatch):
    engine = Processes()
    for module in (making, ending):
        monkeypatch.setattr(module, "engine_of", lambda _settings: engine)
    monkeypatch.setattr(making, "ASK_SECONDS", 0.2)
    assert cluster_checks.check_cluster(paths).detail.startswith("none: ")
    paths.data.mkdir()
    file = paths.data / "cluster.toml"
    file.write_text(f'executor = "slurm"\nprocessors = 1\ncommand = {json.dumps(WORKER)}')
    found = cluster_checks.check_cluster(paths)
    assert found.status == "ok", found
    assert found.detail.startswith(f"slurm made a part on {machine_name()}: ")
    file.write_text('executor = "slurm"\ncommand = ["false"]\nretries = 0')
    found = cluster_checks.check_cluster(paths)
    assert found.status == "fail"
    assert "look was tried once in vain" in found.detail
    assert list(paths.data.iterdir()) == [file]
    file.write_text("executor = 'cloud'")
    assert "There is no executor 'cloud'" in cluster_checks.check_cluster(paths).detail
    for worker in engine.begun:
        worker.wait()

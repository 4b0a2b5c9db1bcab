"""What ``deploy/`` starts elsewhere names only what is here."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from benchmarks import cluster_hours
from pipelines.cli import app
from sepmodels.cluster.settings import read_cluster

PROJECT = Path(__file__).parents[2]
DEPLOY = PROJECT / "deploy"


def test_every_command_and_option_that_the_files_name_is_one_of_ours() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in DEPLOY.iterdir()}
    start = re.findall(r'^CMD \["sepbench", (.*)\]$', texts["Dockerfile"], re.MULTILINE)
    said = [text.replace('"', "").replace(",", "") for text in start]
    said += re.findall(r"sepbench ((?:run|doctor|ui)\b[^#\n]*)", "\n".join(texts.values()))
    assert len(said) > 4
    for line in said:
        name, *options = shlex.split(line)
        shown = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "200"}).output
        assert all(option in shown for option in options if option.startswith("-")), line


def test_the_image_copies_neither_environment_nor_products() -> None:
    kept_out = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").split()
    assert {".venv", "data/*", "!data/README.md"} <= set(kept_out)


def test_ray_has_the_version_of_the_lock_on_kubernetes_and_settings_that_are_read(tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "ray-kubernetes.yaml").read_text(encoding="utf-8")))
    settings, _, cluster = documents
    lock = (PROJECT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert f"\nray=={cluster['spec']['rayVersion']} " in lock
    file = tmp_path / "cluster.toml"
    file.write_text(settings["data"]["cluster.toml"])
    read = read_cluster(file)
    worker = cluster["spec"]["workerGroupSpecs"][0]["template"]["spec"]["containers"][0]["resources"]["limits"]
    assert (read.executor, str(read.processors), str(read.gpus)) == ("ray", worker["cpu"], worker["nvidia.com/gpu"])
    assert read.memory_gb * 1e9 < int(worker["memory"].removesuffix("Gi")) * 2**30


def test_the_compose_files_start_the_pages_for_this_machine_alone_and_wait_for_the_database() -> None:
    services = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))["services"]
    ours = services["sepbench"]
    assert ours["ports"] == ["127.0.0.1:3000:3000"]
    assert ours["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert (DEPLOY / ours["build"]["context"] / ours["build"]["dockerfile"]).is_file()
    assert set(yaml.safe_load((DEPLOY / "compose.gpu.yaml").read_text(encoding="utf-8"))["services"]) == {"sepbench"}


def test_the_compose_cluster_has_settings_that_are_read_and_the_lock_s_storage_with_the_bucket_of_its_address(
    tmp_path: Path,
) -> None:
    described = yaml.safe_load((DEPLOY / "compose.cluster.yaml").read_text(encoding="utf-8"))
    services, file = described["services"], tmp_path / "cluster.toml"
    file.write_text(described["configs"]["cluster"]["content"])
    read = read_cluster(file)
    assert read.executor == "ray"
    assert read.storage.url.startswith("s3://sepbench/")
    assert " -bucket=sepbench " in services["storage"]["command"]
    assert str(read.storage.cache) in services["worker"]["volumes"]
    keys, head, worker = (services[name]["environment"] for name in ("storage", "sepbench", "worker"))
    assert head == worker == {**keys, "RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "${SEPBENCH_PASSWORD}"}
    lock = (PROJECT / "requirements-dev.lock").read_text(encoding="utf-8")
    assert f"\nseaweedfs-bin=={services['storage']['image'].partition(':')[2]} " in lock


def test_the_tables_of_the_page_are_those_that_the_calculation_prints(capsys: pytest.CaptureFixture[str]) -> None:
    page = (PROJECT / "docs" / "cluster.md").read_text(encoding="utf-8")
    for arguments in ([], ["--tracks", "10000", "--test-tracks", "1000", "--epochs", "20"]):
        cluster_hours.main(arguments)
        assert capsys.readouterr().out in page


def test_twice_the_systems_take_twice_the_hours_and_a_training_is_not_divided() -> None:
    given = {**vars(cluster_hours.parsed([])), "systems": 1, "seeds": 3}
    plan = cluster_hours.Plan(**{name: value for name, value in given.items() if name not in ("gpus", "cores")})
    one = cluster_hours.training_hours(plan)
    assert dict(cluster_hours.rows(plan, gpus=2, cores=8))["all trainings"] == f"{2 * one:.1f} hours, in 2 turns"


@pytest.mark.parametrize("wrong", [["--tracks", "50"], ["--gpus", "0"], ["--tflops", "-1"]])
def test_figures_that_cannot_be_are_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit):
        cluster_hours.parsed(wrong)

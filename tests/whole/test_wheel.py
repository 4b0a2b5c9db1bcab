"""Installed from a wheel, ``sepbench`` works in any folder: its products lie there, and none beside its code."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assets.paths import PROJECT
from pipelines.running.execute import DEFINITIONS
from tests.small_benchmark import OVERRIDES
from tests.stand_ins import PACKAGES, copy_code

pytestmark = pytest.mark.slow

COMMON = ("-p", "musdb18-7s")
DIGESTS = """
import json
from pathlib import Path
from assets.graph import benchmark_subjects
from assets.paths import PROJECT, Paths
from pipelines.profiles import chosen_profile
from sepmodels.systems import systems_of

profile = chosen_profile()
subjects = benchmark_subjects(profile, Paths(Path("data"), profile.name), systems_of(profile, Path("none")))
print(json.dumps({"/".join(one.key.path): one.version.digest for one in subjects}))
"""


@dataclass(frozen=True)
class Installed:
    """The wheel in an environment of its own, and an empty folder in which a person stands."""

    environment: Path
    folder: Path
    dataset: Path

    @property
    def site_packages(self) -> Path:
        (found,) = (self.environment / "lib").glob("python3*/site-packages")
        return found

    @property
    def variables(self) -> dict[str, str]:
        others = {name: value for name, value in os.environ.items() if not name.startswith(("SEPBENCH", "PYTHON"))}
        small = json.dumps({**OVERRIDES, "extra_variants": ""})
        return {**others, "COLUMNS": "300", "SEPBENCH_DATASET": str(self.dataset), "SEPBENCH_OVERRIDES": small}

    def command(self, name: str, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [self.environment / "bin" / name, *words],
            cwd=self.folder,
            env=self.variables,
            capture_output=True,
            text=True,
            check=False,
        )

    def files(self) -> dict[str, int]:
        """The files of the environment, and when each was written."""
        return {str(path): path.stat().st_mtime_ns for path in self.environment.rglob("*") if path.is_file()}


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    source = copy_code(tmp_path_factory.mktemp("source"))
    for name in ("pyproject.toml", "README.md", "LICENSE", "sepbench.py"):
        shutil.copy(PROJECT / name, source)
    pip = (sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")
    run(*pip, "--wheel-dir", source / "dist", source)
    (wheel,) = (source / "dist").glob("sepbench-*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Installed beside the libraries of the tests' environment, which are not copied."""
    folder = tmp_path_factory.mktemp("installed")
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv")
    python = folder / "venv" / "bin" / "python"
    run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", "--no-index", wheel)
    (folder / "here").mkdir()
    installed = Installed(folder / "venv", folder / "here", stem_dataset)
    (installed.site_packages / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    return installed


@dataclass(frozen=True)
class Made:
    """What came of the benchmark, with the files of the environment before it."""

    done: subprocess.CompletedProcess
    before: dict[str, int]


@pytest.fixture(scope="module")
def made(installed: Installed) -> Made:
    (installed.folder / "pipelines").mkdir()  # what a person has there is not taken for ours
    (installed.folder / "pipelines" / "__init__.py").write_text("raise RuntimeError('this is the code of another')")
    before = installed.files()
    return Made(installed.command("sepbench", "run", *COMMON, "--only", "open_unmix"), before)


def test_the_wheel_has_every_file_of_the_packages(installed: Installed) -> None:
    for package in PACKAGES:
        ours = {path.relative_to(PROJECT) for path in (PROJECT / package).rglob("*") if path.is_file()}
        theirs = {path.relative_to(installed.site_packages) for path in (installed.site_packages / package).rglob("*")}
        assert {path for path in ours if "__pycache__" not in path.parts} <= theirs


def test_a_benchmark_ends_with_the_table_and_its_products_lie_where_the_person_stands(
    installed: Installed, made: Made
) -> None:
    assert made.done.returncode == 0, made.done.stdout + made.done.stderr
    assert "Ideal ratio mask" in made.done.stdout
    assert {path.name for path in installed.folder.iterdir()} == {"data", "pipelines"}
    assert (installed.folder / "data" / "musdb18-7s" / "report" / "index.html").exists()
    assert {path.name for path in (installed.folder / "data").iterdir()} >= {"musdb18-7s", "dagster", "mlflow", "logs"}


@pytest.mark.usefixtures("made")
def test_all_of_it_is_fresh_and_made_by_the_code_that_the_checkout_has(installed: Installed) -> None:
    stale = installed.command("sepbench", "stale", *COMMON).stdout
    assert "transformer\n  checkpoint, estimates, scores  never made\n" in stale
    assert "open_unmix" not in stale
    assert "changed" not in stale
    theirs = installed.command("python", "-P", "-c", DIGESTS).stdout
    variables = {**installed.variables, "PYTHONPATH": str(PROJECT)}
    ours = subprocess.run([sys.executable, "-c", DIGESTS], env=variables, capture_output=True, text=True, check=True)
    assert theirs == ours.stdout != ""


@pytest.mark.usefixtures("made")
def test_doctor_lacks_nothing(installed: Installed) -> None:
    done = installed.command("sepbench", "doctor", *COMMON)
    assert done.returncode == 0, done.stdout
    assert "runs name no commit" in done.stdout


@pytest.mark.usefixtures("made")
def test_the_registered_model_brings_its_code(installed: Installed) -> None:
    (script,) = (installed.folder / "data" / "mlflow").rglob("code/sepmodels/separation/separate.py")
    assert script.read_bytes() == (PROJECT / "sepmodels" / "separation" / "separate.py").read_bytes()


@pytest.fixture
def dagster(installed: Installed) -> Iterator[str]:
    """The address of Dagster's pages, as ``sepbench ui`` says it."""
    words = [installed.environment / "bin" / "sepbench", "ui", *COMMON, "--no-browser", "--port", "3400"]
    log = installed.folder.parent / "ui.txt"
    with log.open("w") as output:
        pages = subprocess.Popen(
            words,
            cwd=installed.folder,
            env={**installed.variables, "PYTHONUNBUFFERED": "1"},
            stdout=output,
            stderr=output,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
        try:
            while "Ctrl-C ends them" not in log.read_text():
                assert pages.poll() is None, log.read_text()
            yield re.search(r"Dagster\s+(http://\S+)", log.read_text())[1]
        finally:
            pages.send_signal(signal.SIGINT)
            pages.wait()


@pytest.mark.usefixtures("made")
def test_dagsters_pages_show_the_graph_with_what_was_made_and_the_commands_run_with_its_job(dagster: str) -> None:
    nodes = ask(dagster, "{ assetNodes { assetKey { path } staleStatus } }")["assetNodes"]
    job = (
        f"""{{ pipelineName: "refresh", repositoryName: "__repository__", repositoryLocationName: "{DEFINITIONS}" }}"""
    )
    runs = ask(dagster, f"{{ pipelineOrError(params: {job}) {{ ... on Pipeline {{ runs {{ status }} }} }} }}")
    assert runs["pipelineOrError"]["runs"] == [{"status": "SUCCESS"}]
    states = {"/".join(node["assetKey"]["path"][1:]): node["staleStatus"] for node in nodes}
    assert states["open_unmix/scores"] == "FRESH"
    assert states["transformer/scores"] == "MISSING"


def ask(dagster: str, query: str) -> dict:
    asked = urllib.request.Request(
        f"{dagster}/graphql", json.dumps({"query": query}).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(asked) as answer:
        return json.load(answer)["data"]


@pytest.mark.usefixtures("made")
def test_called_by_its_name_as_a_module_it_says_its_version(installed: Installed) -> None:
    from importlib.metadata import version

    done = installed.command("python", "-P", "-m", "sepbench", "--version")
    assert (done.returncode, done.stdout) == (0, f"sepbench {version('sepbench')}\n")


def test_nothing_was_written_beside_the_code(installed: Installed, made: Made) -> None:
    assert installed.files() == made.before

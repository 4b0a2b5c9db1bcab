"""No test track, and no byte of one, reaches training, statistics or the choice of the model."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from assets.graph import benchmark_steps
from assets.job import Job, Made
from assets.paths import Paths
from pipelines.profiles import PROFILES
from sepmodels.settings import Profile
from sepmodels.systems import known_systems
from sepmodels.systems.variants import VARIANTS
from tests.conftest import synthetic_stems, write_stem_file
from tests.small_benchmark import small_profile

VARIANT = replace(VARIANTS["open_unmix"], settings={"hidden": 32})
DATA = [("dataset",), ("tracks",), ("stems", "train"), ("stems", "valid"), ("stems", "test")]
LEARNING = [("statistics",), (VARIANT.name, "checkpoint")]
Path_ = tuple[str, ...]

_opened: list[str] | None = None


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(arguments[0], str):
        _opened.append(arguments[0])


sys.addaudithook(_note)  # it cannot be removed, and does nothing but in the block below


@contextmanager
def noting_what_is_opened() -> Iterator[list[str]]:
    global _opened
    _opened = []
    try:
        yield _opened
    finally:
        _opened = None


def run(profile: Profile, paths: Paths, wanted: list[Path_]) -> dict[Path_, Made]:
    """Make the products of those steps, without Dagster."""
    steps = {step.path: step for step in benchmark_steps(profile, [VARIANT])}
    job = Job(profile, paths, VARIANT, (VARIANT,), code_version="one")
    return {path: steps[path].make(job) for path in wanted}


@pytest.fixture(scope="module")
def learned(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Paths, Path, dict[Path_, Made]]:
    """A dataset of its own, and all that was learnt from it."""
    folder = tmp_path_factory.mktemp("isolation")
    dataset = Path(shutil.copytree(stem_dataset, folder / "dataset"))
    paths = Paths(folder / "data", "musdb18-7s")
    return paths, dataset, run(small_profile(dataset), paths, [*DATA, *LEARNING])


def test_in_the_graph_no_way_leads_from_the_test_split_to_anything_that_learns() -> None:
    steps = {step.path: step for step in benchmark_steps(PROFILES["musdb18"], known_systems().values())}

    def reads(path: Path_) -> set[Path_]:
        return set(steps[path].needs).union(*(reads(needed) for needed in steps[path].needs))

    for path in steps:
        if path[-1] in ("checkpoint", "statistics"):
            assert ("stems", "train") in reads(path)
            assert ("stems", "test") not in reads(path)
            assert not any(part in ("estimates", "scores", "results") for _, *rest in reads(path) for part in rest)


def test_other_bytes_in_every_test_track_change_nothing_that_was_learnt(
    learned: tuple[Paths, Path, dict[Path_, Made]], tmp_path: Path
) -> None:
    _, dataset, before = learned
    other = Path(shutil.copytree(dataset, tmp_path / "dataset"))
    for seed, file in enumerate(sorted((other / "test").iterdir()), start=80):
        write_stem_file(file, synthetic_stems(seed=seed, seconds=3.0))
    after = run(small_profile(other), Paths(tmp_path / "data", "musdb18-7s"), [*DATA, *LEARNING])
    same = {path for path in before if before[path].content == after[path].content}
    assert same == {("stems", "train"), ("stems", "valid"), *LEARNING}


def test_training_opens_no_test_file_and_learns_the_same_when_there_is_none(
    learned: tuple[Paths, Path, dict[Path_, Made]],
) -> None:
    paths, dataset, before = learned
    shutil.rmtree(paths.root / "checkpoints")
    with noting_what_is_opened() as opened:
        run(small_profile(dataset), paths, LEARNING)
    assert any(str(paths.stems("train")) in path for path in opened)
    assert any(str(paths.stems("valid")) in path for path in opened)
    assert not [path for path in opened if str(paths.stems("test")) in path or str(dataset) in path]

    shutil.rmtree(paths.root / "checkpoints")
    paths.statistics.unlink()
    shutil.rmtree(paths.stems("test"))
    shutil.rmtree(dataset)
    after = run(small_profile(dataset), paths, LEARNING)
    assert {path: made.content for path, made in after.items()} == {path: before[path].content for path in LEARNING}

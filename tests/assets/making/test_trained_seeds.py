"""Which seeds of a training are still to be trained."""

from dataclasses import replace

import pytest

from assets.job import Job
from assets.making.beside import Beside
from assets.making.trained_seeds import Material, material_of, seeds_to_train
from assets.paths import Paths
from pipelines.profiles import PROFILES
from sepmodels.dataset.bin_statistics import bin_statistics
from tests.training_parts import SAMPLE_RATE_HZ, SETTINGS, TINY, TRAIN, VALID, train_tiny

SHORT = replace(SETTINGS, steps=2, precision="32")
MATERIAL = Material((TRAIN, VALID), bin_statistics([track[0] for track in TRAIN], n_fft=128, hop=64), "data")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Of three seeds: the first is trained, the second too but in a run that was stopped then, the third not."""
    paths = Paths(tmp_path_factory.mktemp("data"), "demo")
    places = {1: paths, 2: Beside(paths.data, "demo")}
    for seed, place in places.items():
        train_tiny(place.checkpoint("tiny", seed), SHORT, seed=seed, code_version="code", data_version="data")
    profile = replace(PROFILES["demo"], seeds=(1, 2, 3), training=SHORT, sample_rate_hz=SAMPLE_RATE_HZ)
    return Job(profile, paths, TINY, code_version="code")


def test_a_seed_that_is_trained_by_this_code_on_this_data_is_not_trained_again(job: Job) -> None:
    assert seeds_to_train(job, MATERIAL) == [3]
    assert seeds_to_train(replace(job, profile=replace(job.profile, seeds=(1, 2))), MATERIAL) == []


def test_of_other_code_all_are_trained_unless_it_was_accepted(job: Job) -> None:
    edited = replace(job, code_version="edited")
    assert seeds_to_train(edited, MATERIAL) == [1, 2, 3]
    assert seeds_to_train(replace(edited, accepted_versions=("code",)), MATERIAL) == [3]


def test_of_other_data_or_where_the_data_is_gone_all_are_trained(job: Job) -> None:
    assert seeds_to_train(job, replace(MATERIAL, data_version="other")) == [1, 2, 3]
    assert seeds_to_train(job, material_of(job.paths)) == [1, 2, 3]


def test_a_model_that_was_changed_since_is_trained_again(job: Job) -> None:
    model = job.paths.model("tiny", 1)
    before = model.read_bytes()
    model.write_bytes(before[:-1])
    assert seeds_to_train(job, MATERIAL) == [1, 3]
    model.write_bytes(before)

"""A model stays until the one that is trained in its place is whole."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from assets.job import Job, Made
from assets.making import beside
from assets.making.beside import trained_beside
from assets.paths import Paths
from pipelines.profiles import PROFILES
from pipelines.songs.choose_model import trained_variants
from sepmodels.files import replacing
from sepmodels.systems.variants import VARIANTS
from sepmodels.training.run_folder import forget, outcome_file


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """Of a variant whose two seeds have been trained."""
    profile = replace(PROFILES["demo"], seeds=(1, 2))
    job = Job(profile, Paths(tmp_path, "demo"), system=VARIANTS["open_unmix"])
    trained_beside(job, training("old"))
    assert whole(job) == ["old", "old"]
    return job


def write(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text)


def training(content: str, stop: Callable[[int], None] = lambda _seed: None) -> Callable[[Job], Made]:
    """Stands for the training of all seeds: it writes as a real one does, and is stopped before its end."""

    def make(job: Job) -> Made:
        for seed in job.profile.seeds:
            folder = job.paths.checkpoint(job.name, seed)
            if outcome_file(folder).exists() and outcome_file(folder).read_text() == content:
                continue  # kept, as it has ended already
            outcome_file(folder).unlink(missing_ok=True)
            write(folder / "states" / "1.pt", content)
            write(job.paths.model(job.name, seed), content)
            write(job.paths.history(job.name, seed), content)
            stop(seed)
            write(outcome_file(folder), content)
            forget_states(folder)
        write(job.paths.training_figures(job.name), content)
        return Made(content)

    return make


def forget_states(folder: Path) -> None:
    outcome = outcome_file(folder).read_text()
    forget(folder)
    write(outcome_file(folder), outcome)


def whole(job: Job) -> list[str]:
    """What the trainings of the job's seeds are of; each of their files is of the same."""
    found = []
    for seed in job.profile.seeds:
        folder = job.paths.checkpoint(job.name, seed)
        texts = {file.read_text() for file in folder.iterdir()}
        assert {file.name for file in folder.iterdir()} == {"model.safetensors", "history.parquet", "training.json"}
        assert len(texts) == 1
        found += texts
    return found


def interrupt(seed: int) -> None:
    if seed == 2:
        raise KeyboardInterrupt


def kill(seed: int) -> None:
    if seed == 2:
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_training_makes_takes_the_place_of_what_was_there_and_nothing_else_is_left(job: Job) -> None:
    assert trained_beside(job, training("new")).content == "new"
    assert whole(job) == ["new", "new"]
    assert job.paths.training_figures(job.name).read_text() == "new"
    assert sorted(path.name for path in (job.paths.root / "checkpoints/open_unmix").iterdir()) == [
        "figures.parquet",
        "seed_1",
        "seed_2",
    ]


def test_after_an_interrupt_the_models_of_before_are_there_and_the_next_run_goes_on(job: Job) -> None:
    with pytest.raises(KeyboardInterrupt):
        trained_beside(job, training("new", interrupt))
    assert whole(job) == ["old", "old"]
    seen = []
    trained_beside(job, training("new", seen.append))
    assert seen == [2]  # the first seed had ended
    assert whole(job) == ["new", "new"]


def test_after_a_kill_9_too(job: Job) -> None:
    if not (child := os.fork()):
        trained_beside(job, training("new", kill))
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert whole(job) == ["old", "old"]
    assert trained_variants(job.profile, job.paths) == ["open_unmix"]  # for `separate`, `serve` and `export`
    trained_beside(job, training("new"))
    assert whole(job) == ["new", "new"]


def test_a_stop_while_files_come_to_their_place_leaves_each_whole_and_is_made_good_by_the_next_run(
    job: Job, monkeypatch: pytest.MonkeyPatch
) -> None:
    links = []

    def link(file: Path, place: Path) -> None:
        links.append(file)
        if len(links) == 8:  # six are taken along
            raise KeyboardInterrupt
        os.link(file, place)

    with monkeypatch.context() as patch:
        patch.setattr(beside, "_link", link)
        with pytest.raises(KeyboardInterrupt):
            trained_beside(job, training("new"))
    models = {job.paths.model(job.name, seed).read_text() for seed in (1, 2)}
    assert models <= {"old", "new"}
    seen = []
    trained_beside(job, training("new", seen.append))
    assert seen == []
    assert whole(job) == ["new", "new"]


def test_a_seed_that_was_trained_is_kept_where_another_is_added_and_its_file_is_the_same(job: Job) -> None:
    seen = []
    more = replace(job, profile=replace(job.profile, seeds=(1, 2, 3)))
    trained_beside(more, training("old", seen.append))
    assert seen == [3]
    assert whole(more) == ["old"] * 3


def test_a_training_that_was_stopped_before_trainings_had_folders_of_their_own_goes_on(job: Job) -> None:
    folder = job.paths.checkpoint(job.name, 1)
    outcome_file(folder).unlink()
    write(folder / "states" / "7.pt", "state")
    states = []

    def look(inner: Job) -> Made:
        states.extend((inner.paths.checkpoint(inner.name, 1) / "states").iterdir())
        return training("new")(inner)

    trained_beside(job, look)
    assert [state.name for state in states] == ["7.pt"]
    assert whole(job) == ["new", "new"]


def test_on_a_file_system_without_links_files_are_copied(job: Job, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "link", refuse)
    trained_beside(job, training("new"))
    assert whole(job) == ["new", "new"]

"""A table says in what its trainings differ beside their recipes, and shows times that mean the same for all."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.job import Job
from assets.making.table import make_table, system_figures
from sepmodels.report.how_made import trainings_table
from sepmodels.results.conditions import CONDITIONS, unlike
from tests.scored_folder import TRAINED, scored_job

MUSIC = "processor seconds per second of music"
TITLES = {name: name.upper() for name in "abc"}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return scored_job(tmp_path_factory.mktemp("scored"))


def change(path: Path, **columns: object) -> None:
    """Keep the table with some of its columns changed."""
    pd.read_parquet(path).assign(**columns).to_parquet(path, index=False)


@pytest.fixture
def job(tmp_path: Path) -> Job:
    """That of a table whose trainings may be changed."""
    return scored_job(tmp_path)


@pytest.mark.parametrize(
    ("condition", "value", "said"),
    [
        ("precision", "bf16", "precision: 32 (Open-Unmix; Transformer), bf16 (L1 loss)."),
        ("hardware", "A GPU", "hardware: A processor (Open-Unmix; Transformer), A GPU (L1 loss)."),
        ("libraries", "torch 3.0", "library versions: torch 2.14.1 (Open-Unmix; Transformer), torch 3.0 (L1 loss)."),
    ],
)
def test_a_table_of_unlike_trainings_says_which_are_what(job: Job, condition: str, value: str, said: str) -> None:
    alike = make_table(job).content
    assert "The trainings differ" not in (job.paths.results / "results.md").read_text(encoding="utf-8")

    change(job.paths.training_figures("l1_loss"), **{condition: value})

    assert make_table(job).content != alike  # the report has to say it, too
    assert f"- The trainings differ in {said}" in (job.paths.results / "results.md").read_text(encoding="utf-8")
    assert f"The trainings differ in {said}" in (job.paths.results / "said.json").read_text(encoding="utf-8")


@given(values=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["32", "bf16", "fp16"])), min_size=1))
def test_every_training_is_told_once_where_they_differ_and_none_where_not(values: list[tuple[str, str]]) -> None:
    trainings = pd.DataFrame(values, columns=["variant", "precision"]).assign(seed=range(len(values)))
    said = list(unlike(trainings, TITLES))
    assert len(said) == (trainings.precision.nunique() > 1)
    for sentence in said:
        assert all(sentence.count(f"{value} (") == 1 for value in trainings.precision.unique())
        whole = trainings.groupby("variant").precision.nunique() == 1
        assert all((f"{TITLES[name]}, seed" in sentence) is not alone for name, alone in whole.items())


def test_trainings_from_before_conditions_were_noted_are_shown_without() -> None:
    assert list(unlike(pd.DataFrame({"variant": ["a", "b"], "seed": 1}), TITLES)) == []


def test_a_training_in_half_precision_is_shown_as_one(scored: Job) -> None:
    trainings = pd.read_parquet(scored.paths.training_figures("l1_loss"))
    assert set(CONDITIONS) <= set(trainings.columns)
    shown = [trainings_table(trainings.assign(precision=one), {})[0]["device"] for one in ("32", "bf16")]
    assert shown == ["cpu, 32 bit", "cpu, bf16"]


def test_the_table_tells_processor_time_which_what_else_ran_does_not_change(job: Job) -> None:
    before = system_figures(job)
    assert "real-time factor" not in before
    assert (before.loc[list(TRAINED), MUSIC] > 0).all()
    for name in TRAINED:
        change(job.paths.separation_figures(name), seconds=1000.0)

    pd.testing.assert_frame_equal(system_figures(job), before)


def test_of_work_on_a_gpu_no_processor_time_is_told(job: Job) -> None:
    change(job.paths.separation_figures("l1_loss"), device="cuda")
    change(job.paths.training_figures("l1_loss"), device="cuda:0")
    figures = system_figures(job)
    told = figures[[MUSIC, "training processor minutes"]].notna()
    assert not told.loc["l1_loss"].any()
    assert told.loc["open_unmix"].all()


def test_of_a_training_by_several_processes_the_time_of_one_is_not_told_as_that_of_all(scored: Job) -> None:
    training = replace(scored.profile.training, processes=2)
    figures = system_figures(replace(scored, profile=replace(scored.profile, training=training)))
    assert "training processor minutes" not in figures

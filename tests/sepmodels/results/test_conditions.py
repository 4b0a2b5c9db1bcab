"""A table says in what its trainings differ beside their recipes, and shows times that mean the same for all."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.checking.verdicts import Product, rows_are_on_equal_terms
from assets.job import Job
from assets.making.claims import make_claims
from assets.making.report import report_material
from assets.making.table import make_table, system_figures, with_terms
from sepmodels.report.how_made import Origin, trainings_table
from sepmodels.report.table import results_table
from sepmodels.results.claims.words import evidence
from sepmodels.results.conditions import MARK, MARK_MEANS, unequal, unlike
from sepmodels.systems.variants import Variant
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


def with_origins(job: Job, steps: str = "200", **of_l1_loss: object) -> Job:
    """The job, told where its trainings came from: the one with L1 loss of so many steps."""
    known = [
        Origin(f"{name}/checkpoint", "today", 1.0, settings={"training.steps": "200"}, data="d" * 64)
        for name in TRAINED
    ]
    known[-1] = replace(known[-1], settings={"training.steps": steps}, **of_l1_loss)
    return replace(job, origins=lambda: known)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"steps": "20"}, "training.steps 20 against 200"),
        ({"data": "e" * 64}, "training data eeeeeeee against dddddddd"),
        ({"edited": True}, "code with uncommitted edits against as committed"),
        ({"stale": "losses.py changed"}, "stale (losses.py changed)"),
    ],
)
def test_a_row_on_other_terms_is_marked_its_comparison_says_so_and_a_check_fails(
    job: Job, given: dict, said: str
) -> None:
    product = Product(job.profile, job.paths, None, job.systems)
    make_table(with_origins(job))
    assert MARK not in (job.paths.results / "results.md").read_text(encoding="utf-8")
    assert rows_are_on_equal_terms(product).passed

    make_table(with_origins(job, **given))

    page = (job.paths.results / "results.md").read_text(encoding="utf-8")
    assert page.count(f"| L1 loss {MARK} |") == 2  # one of each target
    assert page.count(f" {MARK} |") == 2
    told = json.loads((job.paths.results / "said.json").read_text(encoding="utf-8"))
    assert told["sentences"]["l1_loss"].endswith(f" But the two are not on equal terms: {said}.")
    assert "equal terms" not in told["sentences"]["transformer"]
    assert MARK_MEANS.format("Open-Unmix") in told["notes"]
    verdict = rows_are_on_equal_terms(product)
    assert not verdict.passed
    assert verdict.sentence == f"L1 loss: {said}"


def test_what_belongs_to_a_variants_own_recipe_is_what_is_compared_and_no_unequal_term(job: Job) -> None:
    known = [
        Origin(f"{name}/checkpoint", "today", 1.0, settings={"training.batch": "4", "training.gradient_clip": "null"})
        for name in TRAINED
    ]
    known[-1] = replace(known[-1], settings={"training.batch": "2", "training.gradient_clip": "5.0"})
    recipe = {"chunk_seconds": 6.0, "gradient_clip": 5.0}
    own = tuple(replace(one, training=recipe) if one.name == "l1_loss" else one for one in job.systems)
    trainings = pd.DataFrame({"variant": list(TRAINED), "seed": 42})
    assert unequal(with_terms(trainings, known, own), "open_unmix") == {}
    told = unequal(with_terms(trainings, known, job.systems), "open_unmix")
    assert told == {"l1_loss": ["training.batch 2 against 4", "training.gradient_clip 5.0 against none"]}


def test_a_setting_that_came_after_a_training_had_there_the_value_with_which_all_is_as_before(job: Job) -> None:
    known = [Origin(f"{name}/checkpoint", "today", 1.0, settings={"training.steps": "200"}) for name in TRAINED]
    known[-1] = replace(known[-1], settings={"training.steps": "200", "training.optimizer": '"adamw"'})
    trainings = pd.DataFrame({"variant": list(TRAINED), "seed": 42})
    told = unequal(with_terms(trainings, known, job.systems), "open_unmix")
    assert told == {"l1_loss": ["training.optimizer adamw against adam"]}


def test_a_variant_whose_entry_had_a_search_is_not_on_equal_terms_with_one_that_had_none(job: Job) -> None:
    swept = replace(
        job, systems=tuple(replace(one, trials=20) if one.name == "l1_loss" else one for one in job.systems)
    )
    make_table(swept)
    told = json.loads((job.paths.results / "said.json").read_text(encoding="utf-8"))
    said = "trials of a sweep 20 against 0"
    assert told["sentences"]["l1_loss"].endswith(f" But the two are not on equal terms: {said}.")
    assert "equal terms" not in told["sentences"]["transformer"]
    assert system_figures(swept)["trials of a sweep"].to_dict()["l1_loss"] == 20
    table = results_table(report_material(swept), "vocals")
    (place,) = (number for number, column in enumerate(table.columns) if column.name == "trials of a sweep")
    assert {row.variant: row.cells[place].text for row in table.rows if row.variant in TRAINED} == dict.fromkeys(
        TRAINED, "0"
    ) | {"l1_loss": "20"}


def test_where_all_entries_had_as_many_trials_all_are_on_equal_terms(job: Job) -> None:
    swept = tuple(replace(one, trials=20) if isinstance(one, Variant) else one for one in job.systems)
    trainings = pd.DataFrame({"variant": list(TRAINED), "seed": 42})
    assert unequal(with_terms(trainings, [], swept), "open_unmix") == {}
    assert "trials" not in with_terms(trainings, [], job.systems)


def test_the_evidence_of_a_claim_says_in_what_its_systems_are_not_on_equal_terms(job: Job) -> None:
    make_claims(with_origins(job, steps="20", stale="losses.py changed"))
    claims = pd.read_parquet(job.paths.claims / "claims.parquet")
    told = {(row["first"], row["second"]): evidence(row) for row in claims.to_dict("records")}
    said = "not on equal terms: training.steps 20 against 200; l1_loss is stale (losses.py changed)"
    assert told["l1_loss", "open_unmix"].endswith(said)
    assert "equal terms" not in told["transformer", "open_unmix"]


def test_where_the_baseline_is_stale_every_comparison_says_so(job: Job) -> None:
    known = [Origin("open_unmix/scores", "today", 1.0, stale="the scoring changed")]
    make_table(replace(job, origins=lambda: known))
    told = json.loads((job.paths.results / "said.json").read_text(encoding="utf-8"))
    assert all(" Open-Unmix is stale (the scoring changed)." in one for one in told["sentences"].values())


def test_the_report_marks_such_a_row_explains_it_and_names_no_budget_of_all(job: Job) -> None:
    make_table(with_origins(job, steps="20"))
    material = report_material(job)
    row = next(row for row in results_table(material, "vocals").rows if row.variant == "l1_loss")
    assert row.cells[0].text == f"L1 loss {MARK}"
    assert "training.steps 20 against 200" in row.cells[0].explanation
    assert all(MARK in copy or "training.steps 20" in copy for copy in row.copies.values())


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
    assert {"precision", "hardware", "libraries"} <= set(trainings.columns)
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

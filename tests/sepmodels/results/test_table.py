"""The table, its statistics, and what it says."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.errors import UserError
from sepmodels.results.bootstrap import median_interval, per_track
from sepmodels.results.comparisons import holm
from sepmodels.results.markdown import results_markdown
from sepmodels.results.published import published_systems
from sepmodels.results.results import Results
from sepmodels.results.table import make_results
from sepmodels.results.writing import write_results
from sepmodels.scoring import METRICS, WHOLE_TRACK_METRICS, score_track
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.system import System
from sepmodels.systems.variants import VARIANTS

TITLES = {"open_unmix": "Open-Unmix", "l1_loss": "L1 loss", "mixture": "Mixture", "oracle_mask": "Ideal mask"}
GAINS = {"mixture": -8.0, "open_unmix": 0.0, "l1_loss": 0.5, "oracle_mask": 4.0}


def made_scores(
    gains: dict[str, float] = GAINS,
    *,
    tracks: int = 12,
    seeds: tuple[int, ...] = (42,),
    of_metric: dict[str, float] | None = None,
) -> pd.DataFrame:
    """Scores where tracks differ by several dB, variants by their gain (times that of the metric), windows by 1 dB."""
    rows = []
    for variant, gain in gains.items():
        rng = np.random.default_rng(1)
        for seed in (0,) if variant in ("mixture", "oracle_mask") else seeds:
            for track in range(tracks):
                level = 6 + 5 * np.sin(2.0 * track)
                for target in ("vocals", "accompaniment"):
                    for metric in (*METRICS, *WHOLE_TRACK_METRICS):
                        own = gain * (of_metric or {}).get(metric, 1) * (1 + 0.1 * (track % 3))
                        for window in [None] if metric in WHOLE_TRACK_METRICS else range(5):
                            value = level + own + 0.01 * (seed % 7) + rng.normal() * 0.1
                            rows.append((variant, seed, f"track {track}", target, metric, window, value))
    table = pd.DataFrame(rows, columns=["variant", "seed", "track", "target", "metric", "window", "value"])
    return table.astype({"window": "Int64"})


def some_system(name: str, title: str | None = None) -> System:
    """A reference where the name is that of one, a ceiling where it is "other", else a trained system."""
    title = title or TITLES.get(name, name)
    if name in REFERENCES:
        return replace(REFERENCES[name], title=title)
    if name == "other":
        return replace(REFERENCES["oracle_mask"], name=name, title=title)
    return replace(VARIANTS["open_unmix"], name=name, title=title)


def results_of(
    scores: pd.DataFrame, *, titles: dict[str, str] = TITLES, imported: tuple[str, ...] = (), **options: Any
) -> Results:
    """Of the systems that have scores, and of those that have titles."""
    own = [name for name in dict.fromkeys([*titles, *scores.variant]) if name not in imported]
    given = (GivenScores(name, name, "", scores=Path("theirs")) for name in imported)
    systems = [*(some_system(name, titles.get(name)) for name in own), *given]
    return make_results(scores, systems, **options)


def row(results: Results, variant: str, target: str = "vocals") -> pd.Series:
    table = results.summary
    return table[(table.variant == variant) & (table.target == target)].iloc[0]


def test_a_score_is_the_median_over_windows_then_over_tracks() -> None:
    scores = made_scores()
    chosen = scores.query("variant == 'l1_loss' and target == 'vocals' and metric == 'SIR'")
    by_track = chosen.groupby("track").value.median()
    found = row(results_of(scores), "l1_loss")
    assert np.isclose(found.SIR, by_track.median())
    assert found.SIR_mean == pytest.approx(by_track.mean())
    assert found.SIR_low <= found.SIR <= found.SIR_high


def test_nan_windows_are_left_out_and_counted_and_infinite_ones_too() -> None:
    scores = made_scores()
    at = scores.query("variant == 'l1_loss' and target == 'vocals' and track == 'track 3' and window < 2").index
    scores.loc[at[:1], "value"] = np.nan
    scores.loc[at[1:], "value"] = np.inf
    without = scores.drop(at)
    assert row(results_of(scores), "l1_loss").SDR == row(results_of(without), "l1_loss").SDR
    assert row(results_of(scores), "l1_loss").nan_windows == 2
    assert row(results_of(scores), "l1_loss").windows == 60


def test_a_track_that_is_nan_all_through_counts_in_no_median() -> None:
    scores = made_scores()
    scores.loc[(scores.variant == "l1_loss") & (scores.track == "track 0"), "value"] = np.nan
    results = results_of(scores)
    assert np.isfinite(row(results, "l1_loss").SDR)
    assert set(results.comparisons.tracks) == {11}


def test_a_variant_without_a_single_score_is_shown_with_dashes() -> None:
    scores = made_scores()
    scores.loc[scores.variant == "l1_loss", "value"] = np.nan
    results = results_of(scores)
    assert np.isnan(row(results, "l1_loss").SDR)
    assert "| L1 loss | - | - | - | - |" in results_markdown(results)
    assert "nothing can be said" in results.sentences["l1_loss"]


def test_several_seeds_are_averaged_within_a_track_and_widen_the_interval() -> None:
    scores = made_scores(seeds=(1, 2, 3))
    scores["value"] += np.where(scores.seed == 1, 3.0, 0.0)
    found = row(results_of(scores), "l1_loss")
    chosen = scores.query("variant == 'l1_loss' and target == 'vocals' and metric == 'SDR'")
    by_track = chosen.groupby(["track", "seed"]).value.median().groupby("track").mean()
    assert found.seeds == 3
    assert np.isclose(found.SDR, by_track.median())
    alone = row(results_of(scores[scores.seed.isin([0, 2])]), "l1_loss")
    assert found.SDR_high - found.SDR_low > alone.SDR_high - alone.SDR_low


def test_several_seeds_are_shown_one_by_one() -> None:
    scores = made_scores(seeds=(1, 2, 3))
    scores["value"] += np.where(scores.seed == 3, 3.0, 0.0)
    results = results_of(scores)
    found = results.by_seed.query("variant == 'l1_loss' and target == 'vocals'").set_index("seed").SDR
    alone = [row(results_of(scores[scores.seed.isin([0, seed])]), "l1_loss").SDR for seed in (1, 2, 3)]
    assert found.to_dict() == pytest.approx(dict(zip((1, 2, 3), alone, strict=True)))
    shown = results_markdown(results)
    assert "| System | seed 1 | seed 2 | seed 3 |" in shown
    assert "| L1 loss | " + " | ".join(f"{sdr:.2f}" for sdr in alone) + " |" in shown
    assert "hold for other tracks and other seeds" in shown
    assert "seed 42" not in results_markdown(results_of(made_scores()))
    alike = results_markdown(results_of(scores, titles={**TITLES, "l1_loss": "Open-Unmix"}))
    assert len(re.findall(r"^\| Open-Unmix \|( [\d.]+ \|){3}$", alike, re.MULTILINE)) == 2


def test_a_difference_that_the_seeds_do_not_agree_on_is_not_called_one() -> None:
    scores = made_scores(seeds=(1, 2, 3))
    unlucky = (scores.variant == "l1_loss") & (scores.seed == 1)
    scores["value"] += np.where(unlucky, -1.4, 0.0)  # the mean over seeds is better yet, on every track
    results = results_of(scores)
    found = results.comparisons.query("target == 'vocals' and metric == 'SDR'").iloc[0]
    assert found.wins == 12
    assert found.p_holm > 0.2
    assert found.low < 0 < found.difference
    assert ": no difference was found (" in results.sentences["l1_loss"]


def test_one_training_each_claims_nothing_about_the_change() -> None:
    results = results_of(made_scores({"open_unmix": 0.0, "l1_loss": 3.0}))
    assert results.comparisons.p.isna().all()
    assert results.comparisons.low.isna().all()
    assert results.sentences["l1_loss"].endswith(
        ": these two models differ by so much; another seed moves a model by 0.1 to 0.4 dB (on MUSDB18's seven-second "
        "clips), so nothing is claimed about the change."
    )
    assert "separates more cleanly" not in results_markdown(results)
    assert "There is no test" in results_markdown(results)
    assert results.notes == ("To test the changes train three or more seeds of each variant: --set seeds=42,43,44.",)


def test_one_training_of_either_claims_nothing_and_says_how_far_the_seeds_here_lie_apart() -> None:
    scores = made_scores({"open_unmix": 0.0, "l1_loss": 3.0}, seeds=(1, 2, 3))
    scores["value"] += np.where(scores.seed == 3, 0.46, 0.0)
    results = results_of(scores[(scores.variant == "open_unmix") | (scores.seed == 1)])
    assert np.isnan(results.comparisons.p).all()
    assert "another seed moves a model by 0.55 dB" in results.sentences["l1_loss"]


def test_the_baseline_is_compared_with_itself_where_it_has_four_seeds() -> None:
    results = results_of(made_scores(seeds=(1, 2, 3, 4, 5)))
    assert set(results.control["first"]) == {"1, 2"}
    assert set(results.control.second) == {"3, 4, 5"}
    assert results.notes[-1].startswith(
        "Control: Open-Unmix against itself (seeds 1, 2 and 3, 4, 5) shows no difference"
    )
    assert "| *Control: seeds 1, 2 to 3, 4, 5* | vocals |" in results_markdown(results)
    assert results_of(made_scores(seeds=(1, 2, 3))).control.empty


def test_a_control_that_shows_a_difference_takes_the_trust_from_the_table() -> None:
    scores = made_scores(seeds=(1, 2, 3, 4, 5, 6))
    scores["value"] += np.where(scores.seed > 3, 2.0, 0.0)
    results = results_of(scores)
    assert "do not trust this table's verdicts" in results.notes[-1]
    assert results.notes[-1] in results_markdown(results)


def test_the_table_says_how_small_a_difference_it_finds() -> None:
    results = results_of(made_scores(seeds=(1, 2, 3)))
    found = results.comparisons.query("target == 'vocals' and metric == 'SDR'").iloc[0]
    assert results.notes[0].startswith(
        f"With these tracks and seeds the table finds a true difference of {found.detectable:.2g} dB"
    )


def test_references_are_first_and_last_and_trained_variants_between() -> None:
    summary = results_of(made_scores()).summary.drop_duplicates("variant")
    assert summary.variant.tolist() == ["mixture", "open_unmix", "l1_loss", "oracle_mask"]
    assert summary.kind.tolist() == ["reference", "trained", "trained", "reference"]
    assert summary.place.tolist() == ["floor", "ranked", "ranked", "ceiling"]


def test_a_reference_is_called_the_floor_or_a_ceiling_wherever_it_stands_in_the_list() -> None:
    shown = results_of(
        made_scores({**GAINS, "other": 3.0}),
    )
    assert list(shown.summary.variant.unique()) == ["mixture", "open_unmix", "l1_loss", "oracle_mask", "other"]
    named = [line.split(" | ")[0] for line in results_markdown(shown).splitlines()]
    assert {"| *Mixture* (floor)", "| *Ideal mask* (ceiling)", "| *other* (ceiling)"} <= set(named)


def test_a_variant_is_compared_with_the_baseline_track_by_track() -> None:
    comparisons = results_of(made_scores(seeds=(1, 2, 3))).comparisons
    assert set(comparisons.variant) == {"l1_loss"}
    found = comparisons.query("target == 'vocals' and metric == 'SDR'").iloc[0]
    assert found.low < found.difference < found.high
    assert found.difference == pytest.approx(0.55, abs=0.1)
    assert (found.wins, found.ties, found.losses) == (12, 0, 0)
    assert found.p_holm < 0.01


def test_a_small_steady_gain_is_shown_although_tracks_differ_far_more() -> None:
    results = results_of(made_scores(seeds=(1, 2, 3)))
    mine, baseline = row(results, "l1_loss"), row(results, "open_unmix")
    assert mine.SDR_low < baseline.SDR < mine.SDR_high
    assert results.comparisons.p_holm.max() < 0.01


def test_the_sentence_says_which_change_helped() -> None:
    results = results_of(made_scores(of_metric={"SAR": -1, "SDR": 0}, seeds=(1, 2, 3)))
    said = results.sentences["l1_loss"]
    assert said.startswith("L1 loss against Open-Unmix on the vocals, on average over 12 tracks: SDR ")
    assert "SIR +0.5" in said
    assert re.search(r"SAR -0\.5\d dB \(-0\.\d+ to -0\.\d+, p < 0\.001\)", said)
    assert said.endswith(": separates more cleanly, sounds less natural.")


def test_the_same_scores_show_no_difference() -> None:
    scores = made_scores({"open_unmix": 0.0, "l1_loss": 0.0}, seeds=(1, 2, 3))
    results = results_of(scores)
    assert re.search(r"SAR \+0\.00 dB \(.*p = 1\): no difference was found", results.sentences["l1_loss"])
    assert set(results.comparisons.ties) == {12}


@pytest.mark.parametrize("tracks", [2, 4])
def test_few_tracks_give_no_p_and_say_so(tracks: int) -> None:
    results = results_of(made_scores(tracks=tracks, seeds=(1, 2, 3)))
    assert results.comparisons.p.isna().all()
    assert "too few tracks for a test" in results.sentences["l1_loss"]
    assert " p = " not in results_markdown(results)


def test_a_single_track_gives_numbers_without_intervals() -> None:
    found = row(results_of(made_scores(tracks=1)), "l1_loss")
    assert np.isfinite(found.SDR)
    assert np.isnan(found.SDR_low)


def test_references_alone_make_a_table() -> None:
    results = results_of(made_scores({"mixture": 0.0, "oracle_mask": 1.0}))
    assert results.sentences == {}
    assert results.comparisons.empty
    assert results.missing == ("open_unmix", "l1_loss")
    assert "Ideal mask" in results_markdown(results)


def test_without_its_baseline_a_variant_is_shown_and_not_compared() -> None:
    results = results_of(made_scores({"l1_loss": 0.0}))
    assert "nothing can be said" in results.sentences["l1_loss"]
    assert np.isfinite(row(results, "l1_loss").SDR)


def test_a_table_says_what_it_lacks() -> None:
    scores = made_scores({"open_unmix": 0.0, "mixture": 0.0, "oracle_mask": 0.0})
    scores = scores[(scores.variant != "open_unmix") | (scores.track != "track 1")]
    results = results_of(scores)
    assert not results.complete
    assert "**Incomplete**: l1_loss is missing, Open-Unmix lacks 1 of its tracks." in results_markdown(results)
    assert results_of(made_scores()).complete


def test_every_form_of_the_table_names_scenario_and_aggregation(tmp_path: Path) -> None:
    scenario = "musdb18-7s: vocals + accompaniment, BSSEval v4, 1 s windows, median over windows then over tracks"
    results = results_of(made_scores(seeds=(1, 2, 3, 4)), dataset="musdb18-7s")
    write_results(results, tmp_path)
    assert results_markdown(results).startswith(scenario)
    assert set(pd.read_csv(tmp_path / "results.csv").scenario) == {scenario}
    for table in ("results", "comparisons", "control", "by_seed"):
        assert set(pd.read_parquet(tmp_path / f"{table}.parquet").scenario) == {scenario}


def test_the_files_hold_the_table(tmp_path: Path) -> None:
    results = results_of(made_scores())
    paths = write_results(results, tmp_path)
    assert sorted(paths) == sorted(path.name for path in tmp_path.iterdir())
    pd.testing.assert_frame_equal(pd.read_parquet(paths["results.parquet"]), results.summary)
    pd.testing.assert_frame_equal(pd.read_parquet(paths["comparisons.parquet"]), results.comparisons)
    pd.testing.assert_frame_equal(pd.read_parquet(paths["by_seed.parquet"]), results.by_seed)
    assert paths["results.md"].read_text(encoding="utf-8") == results_markdown(results)


@pytest.mark.parametrize("as_table", [False, True])
def test_figures_are_shown_beside_the_scores(as_table: bool) -> None:
    figures: object = {"open_unmix": {"training minutes": 0.0512, "parameters": 8_893_348}}
    if as_table:
        figures = pd.DataFrame.from_dict(figures, orient="index")  # type: ignore[call-overload]
    results = results_of(made_scores(), figures=figures)
    assert row(results, "open_unmix").parameters == 8_893_348
    assert "| Open-Unmix | 0.0512 | 8,893,348 |" in results_markdown(results)


def test_published_systems_are_shown_for_their_dataset_only_and_apart() -> None:
    shown = results_markdown(results_of(made_scores(), dataset="musdb18"))
    head, tail = shown.split("### Published elsewhere, not measured here")
    assert "Open-Unmix, four targets and Wiener filter | 6.32 |" in tail
    assert "Wave-U-Net, all entries | 3.25 to 4.97 |" in tail
    assert "Wiener" not in head
    assert "Published" not in results_markdown(results_of(made_scores(), dataset="musdb18-7s"))
    assert not set(published_systems("musdb18").system) & set(published_systems("musdb18hq").system)


def test_the_mixture_that_was_published_is_a_quarter_of_it_and_named_so() -> None:
    """Its median ISR in SiSEC's files is 2.49 dB: a distortion by the factor of a quarter, and no mixture's."""
    rng = np.random.default_rng(0)
    sources = rng.normal(size=(2, 2, 3 * 44_100))
    mixture = sources.sum(axis=0)

    def isr_db(estimate: np.ndarray) -> float:
        table = score_track(sources, {"v": np.stack([estimate, estimate])})
        return float(table[(table.metric == "ISR") & (table.target == "vocals")].value.median())

    assert isr_db(mixture / 4) == pytest.approx(2.5, abs=0.1)
    assert isr_db(mixture) > 15
    named = published_systems("musdb18").query("low_db == 1.12").system.item()
    assert named == "A quarter of the mixture as the estimate"


def test_systems_read_from_museval_files_are_shown_last_and_not_compared() -> None:
    scores = made_scores({**GAINS, "Some System": 2.0})
    results = results_of(scores, imported=("Some System",))
    assert results.summary.variant.iloc[-1] == "Some System"
    assert "*Some System* (scored elsewhere)" in results_markdown(results)
    assert set(results.sentences) == {"l1_loss"}


def test_of_a_system_with_four_stems_only_the_targets_that_are_ours_are_rows() -> None:
    scores = made_scores()
    theirs = scores[(scores.variant == "l1_loss") & (scores.target == "vocals")].assign(variant="Four Stems")
    drums = theirs.assign(target="drums")
    results = results_of(pd.concat([scores, theirs, drums]), imported=("Four Stems",))
    assert results.scenario.startswith("vocals + accompaniment, ")
    assert list(results.summary[results.summary.variant == "Four Stems"].target) == ["vocals"]
    assert not results.summary.SDR.isna().any()


def test_a_track_more_of_an_imported_system_leaves_ours_complete_and_is_told() -> None:
    scores = made_scores()
    theirs = scores[scores.variant == "l1_loss"].assign(variant="theirs")
    more = theirs[theirs.track == "track 1"].assign(track="another")

    results = results_of(pd.concat([scores, theirs, more]), imported=("theirs",))

    assert results.complete
    assert row(results, "theirs").SDR == row(results, "l1_loss").SDR
    told = "Of theirs, scored elsewhere, 1 track is left out: not among the test tracks here (another)."
    assert told in results.notes
    assert told in results_markdown(results)
    ours = results.summary[results.summary.variant != "theirs"]
    pd.testing.assert_frame_equal(ours, results_of(scores).summary)


def test_an_imported_system_with_none_of_our_tracks_is_refused_with_what_they_are_called() -> None:
    scores = made_scores()
    theirs = scores[scores.variant == "l1_loss"].assign(variant="theirs", track="another")
    with pytest.raises(UserError, match=r"theirs has none of the 12 test tracks, only another: name each .* \(track 0"):
        results_of(pd.concat([scores, theirs]), imported=("theirs",))


def test_one_system_more_changes_no_other_number() -> None:
    with_it = results_of(made_scores({**GAINS, "new": 1.0})).summary
    pd.testing.assert_frame_equal(
        with_it[with_it.variant != "new"].reset_index(drop=True), results_of(made_scores()).summary
    )


def test_holm_corrects_for_the_number_of_variants_tested() -> None:
    assert holm(pd.Series([0.01, np.nan, 0.02])).tolist()[0] == pytest.approx(0.02)
    results = results_of(made_scores({**GAINS, "new": 0.0, "other": 0.0}, seeds=(1, 2, 3)))
    compared = results.comparisons
    assert (compared.p_holm >= compared.p).all()
    assert (compared.p_holm > compared.p).any()


@settings(max_examples=50, deadline=None)
@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_keeps_the_order_and_only_raises(p: list[float]) -> None:
    raw = pd.Series(p)
    corrected = holm(raw)
    assert (corrected >= raw).all()
    assert corrected.max() <= 1
    assert corrected[raw.sort_values().index].is_monotonic_increasing


@settings(max_examples=20, deadline=None)
@given(shift=st.floats(-20, 20))
def test_an_interval_moves_with_its_scores(shift: float) -> None:
    values = np.random.default_rng(0).normal(size=(15, 2))
    low, high = median_interval(values)
    np.testing.assert_allclose(median_interval(values + shift), (low + shift, high + shift), atol=1e-9)
    assert low <= np.median(per_track(values)) <= high


def test_an_interval_covers_the_true_median_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    covered = 0
    for _ in range(60):
        low, high = median_interval(rng.normal(3.0, size=(30, 1)))
        covered += low <= 3.0 <= high
    assert covered >= 50


@pytest.mark.parametrize("scores", [made_scores().drop(columns="track"), made_scores().iloc[:0]])
def test_what_is_no_table_of_scores_is_refused(scores: pd.DataFrame) -> None:
    with pytest.raises(UserError, match="score the estimates of at least one variant first"):
        results_of(scores)

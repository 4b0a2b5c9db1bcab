"""Claims: when figures support or refute them, and when they decide nothing."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.errors import UserError
from sepmodels.results.claims.claims import CLAIMS, Claim, checked
from sepmodels.results.claims.judging import edges, holm_alphas, judge
from sepmodels.results.claims.measures import MEASURES, SCORES
from sepmodels.results.claims.training_measures import training_measures
from sepmodels.results.claims.words import claims_markdown, evidence
from sepmodels.results.comparisons import ALPHA, holm
from sepmodels.results.crossed import difference
from sepmodels.results.per_track import ALL_METRICS, TrackTable
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.variants import VARIANTS

BETTER = Claim("better", "The new one separates better.", "here", "new", "old", "SDR", "higher")
FASTER = Claim("faster", "The new one trains faster.", "here", "new", "old", "training time", "lower")
AS_COSTLY = Claim("as_costly", "Both cost the same.", "here", "new", "old", "training time", "equal", margin=0.1)
STARVED = Claim("starved", "It waits.", "here", "new", None, "share of a step spent on data", "higher", margin=0.5)
SCORED = ["variant", "seed", "track", "target", "metric", "window", "value"]
NO_SCORES = TrackTable(pd.DataFrame(columns=SCORED).astype({"value": float}))
NO_TRAININGS = pd.DataFrame(columns=["variant", "seed", "device", *MEASURES])


def scores(shift_db: float, seeds: int = 4, tracks: int = 20, spread_db: float = 0.1) -> TrackTable:
    """The SDR of "old" and "new", which is better by the shift, and of two references."""
    rng = np.random.default_rng(7)
    hard = rng.normal(0, 4, tracks)
    rows = []
    for name, mean, trained in (
        ("new", shift_db, True),
        ("old", 0, True),
        ("soft", shift_db, False),
        ("hard", 0, False),
    ):
        for seed in range(seeds if trained else 1):
            values = mean + hard + rng.normal(0, spread_db) + rng.normal(0, 0.3, tracks)
            rows += [(name, seed, f"track {n}", "vocals", "SDR", 0, value) for n, value in enumerate(values)]
    return TrackTable(pd.DataFrame(rows, columns=SCORED))


def trainings(new: list[float], old: list[float], measure: str = "training time", device: str = "cpu") -> pd.DataFrame:
    rows = [("new", seed, "cpu", value) for seed, value in enumerate(new)]
    rows += [("old", seed, device, value) for seed, value in enumerate(old)]
    return pd.DataFrame(rows, columns=["variant", "seed", "device", measure])


def judged(claim: Claim, table: TrackTable = NO_SCORES, figures: pd.DataFrame = NO_TRAININGS) -> pd.Series:
    return judge([claim], table, figures, {"soft", "hard"}).iloc[0]


class TestScores:
    @pytest.mark.parametrize(
        ("shift_db", "margin", "verdict"),
        [(2.0, 0.0, "supported"), (-2.0, 0.0, "refuted"), (2.0, 3.0, "refuted"), (2.0, 1.0, "supported")],
    )
    def test_a_difference_beyond_the_margin_supports_and_one_clearly_on_the_other_side_refutes(
        self, shift_db: float, margin: float, verdict: str
    ) -> None:
        found = judged(dataclasses.replace(BETTER, margin=margin), scores(shift_db))
        assert found.verdict == verdict
        assert found.reason == ""
        assert found.p_holm < 0.05

    def test_lower_is_higher_of_the_systems_exchanged(self) -> None:
        worse = dataclasses.replace(BETTER, first="old", second="new", direction="lower", margin=1.0)
        assert judged(worse, scores(2.0)).verdict == "supported"
        assert judged(worse, scores(-2.0)).verdict == "refuted"

    def test_one_training_each_decides_nothing_however_large_the_difference(self) -> None:
        found = judged(BETTER, scores(20.0, seeds=1))
        assert found.verdict == "undecided"
        assert found.reason == "one training each, and the claim asks for at least 3"
        assert np.isnan(found.p)
        assert evidence(found) == f"SDR {found.figure:+.2f} dB; {found.reason}"

    def test_fewer_trainings_than_were_asked_for_beforehand_decide_nothing(self) -> None:
        found = judged(dataclasses.replace(BETTER, seeds=5), scores(20.0, seeds=4))
        assert (found.verdict, found.reason) == (
            "undecided",
            "4 trainings each, and the claim asks for at least 5",
        )

    def test_too_few_tracks_decide_nothing(self) -> None:
        found = judged(BETTER, scores(20.0, tracks=4))
        assert (found.verdict, found.reason) == ("undecided", "4 tracks, and at least 5 are needed")

    def test_a_system_that_is_not_there_is_named(self) -> None:
        found = judged(dataclasses.replace(BETTER, first="newest"), scores(2.0))
        assert (found.verdict, found.reason) == ("undecided", "newest is not scored here")

    def test_where_it_is_not_clear_the_difference_is_told_that_would_have_been_found(self) -> None:
        table = scores(0.1, spread_db=0.5)
        found = judged(BETTER, table)
        assert found.verdict == "undecided"
        error = difference(table.values("new", "vocals", "SDR"), table.values("old", "vocals", "SDR")).error
        assert error is not None
        assert found.detectable == pytest.approx(error.detectable_db(ALPHA))
        assert found.reason == f"a difference of {found.detectable:.2g} dB would have been found in four of five cases"

    def test_references_need_no_seeds_because_tracks_are_all_that_is_drawn(self) -> None:
        import scipy.stats

        table = scores(0.4)
        found = judged(dataclasses.replace(BETTER, first="soft", second="hard"), table)
        first, second = (table.values(name, "vocals", "SDR")[:, 0] for name in ("soft", "hard"))
        expected = scipy.stats.ttest_rel(first, second)
        assert found.p == pytest.approx(expected.pvalue)
        assert (found.low, found.high) == pytest.approx(expected.confidence_interval(0.95))
        assert found.verdict == "supported"

    def test_a_trained_system_beside_a_reference_is_judged_over_its_own_trainings_and_tracks(self) -> None:
        against = dataclasses.replace(BETTER, second="hard")
        assert judged(against, scores(2.0)).verdict == "supported"
        assert judged(against, scores(2.0, seeds=1)).reason == "one training, and the claim asks for at least 3"
        table = scores(2.0)
        trained, still = table.values("new", "vocals", "SDR"), table.values("hard", "vocals", "SDR")
        over_tracks = difference(trained.mean(axis=1, keepdims=True), still, fixed=(True, True)).error
        over_both = difference(trained, still, fixed=(False, True)).error
        assert over_both is not None
        assert over_tracks is not None
        assert over_both.standard > over_tracks.standard


class TestTrainings:
    @pytest.mark.parametrize(
        ("claim", "new", "old", "verdict"),
        [
            (FASTER, [0.80, 0.81, 0.79], [1.00, 1.01, 0.99], "supported"),
            (FASTER, [1.20, 1.21, 1.19], [1.00, 1.01, 0.99], "refuted"),
            (FASTER, [0.80, 1.21, 1.00], [1.00, 0.81, 1.10], "undecided"),
            (AS_COSTLY, [1.02, 1.03, 1.01], [1.00, 1.01, 0.99], "supported"),
            (AS_COSTLY, [1.30, 1.31, 1.29], [1.00, 1.01, 0.99], "refuted"),
            (AS_COSTLY, [1.05, 1.20, 1.10], [1.00, 1.01, 0.99], "undecided"),
        ],
    )
    def test_times_are_compared_by_their_ratio(
        self, claim: Claim, new: list[float], old: list[float], verdict: str
    ) -> None:
        assert judged(claim, figures=trainings(new, old)).verdict == verdict

    def test_the_test_is_welchs_of_the_logarithms(self) -> None:
        import scipy.stats

        new, old = [0.80, 0.95, 0.85], [1.00, 1.30, 0.99, 1.05]
        found = judged(FASTER, figures=trainings(new, old))
        expected = scipy.stats.ttest_ind(np.log(new), np.log(old), equal_var=False)
        assert found.p == pytest.approx(expected.pvalue)
        low, high = expected.confidence_interval(0.95)
        assert (found.low, found.high) == pytest.approx((100 * np.expm1(low), 100 * np.expm1(high)))

    @pytest.mark.parametrize(("shares", "verdict"), [([0.9, 0.8, 0.85], "supported"), ([0.01, 0.02, 0.01], "refuted")])
    def test_a_share_of_one_system_is_held_against_the_margin_itself(self, shares: list[float], verdict: str) -> None:
        found = judged(STARVED, figures=trainings(shares, [], STARVED.measure))
        assert found.verdict == verdict
        assert found.figure == pytest.approx(100 * np.mean(shares))

    def test_a_large_difference_that_would_have_been_found_is_written_out(self) -> None:
        reason = judged(FASTER, figures=trainings([0.2, 3.0, 0.9], [1.0, 0.3, 4.0])).reason
        assert re.match(r"a difference of [\d,]{3,} % would have been found", reason)

    def test_times_of_different_devices_are_not_compared(self) -> None:
        found = judged(FASTER, figures=trainings([0.8, 0.81, 0.79], [1.0, 1.01, 0.99], device="cuda"))
        assert (found.verdict, found.reason) == ("undecided", "the trainings ran on different devices (cpu, cuda)")

    def test_figures_without_any_spread_decide_nothing(self) -> None:
        found = judged(FASTER, figures=trainings([0.8, 0.8, 0.8], [1.0, 1.0, 1.0]))
        assert found.verdict == "undecided"
        assert "nothing is known of their spread" in found.reason

    def test_one_training_each_and_a_figure_that_was_not_kept_decide_nothing(self) -> None:
        assert judged(FASTER, figures=trainings([0.8], [1.0])).reason.startswith("one training each")
        lacking = judged(FASTER, figures=trainings([0.8, np.nan, 0.8], [1.0, 1.1, 1.0]))
        assert (lacking.verdict, lacking.reason) == ("undecided", "training time was not kept for every training")
        assert judged(FASTER).reason == "new and old are not trained here"


class TestFamily:
    def test_the_more_claims_the_further_a_figure_has_to_lie(self) -> None:
        figures = trainings([0.80, 0.84, 0.76], [1.00, 1.10, 0.95])
        alone = judge([FASTER], NO_SCORES, figures, ())
        unclear = trainings([0.9, 1.3, 1.1], [0.95, 1.3, 1.0]).assign(variant=["a"] * 3 + ["b"] * 3)
        others = [dataclasses.replace(FASTER, name=f"other_{n}", first="a", second="b") for n in range(9)]
        together = judge([FASTER, *others], NO_SCORES, pd.concat([figures, unclear]), ())
        assert alone.verdict[0] == "supported"
        assert together.verdict[0] == "undecided"
        assert (alone.level[0], together.level[0]) == pytest.approx((0.95, 0.995))
        assert together.high[0] > alone.high[0]

    @given(st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=12))
    def test_a_p_is_below_the_level_at_which_it_is_tested_just_where_holm_claims_a_difference(
        self, found: list[float]
    ) -> None:
        p = pd.Series(found)
        assert ((p < holm_alphas(p)) == (holm(p) < ALPHA)).all()

    @settings(max_examples=25)
    @given(st.floats(-3, 3), st.floats(0, 2), st.sampled_from(["higher", "lower"]))
    def test_an_interval_and_its_verdict_never_disagree(self, shift_db: float, margin: float, direction: str) -> None:
        claim = dataclasses.replace(BETTER, margin=margin, direction=direction)
        found = judged(claim, scores(shift_db, tracks=8))
        (edge,) = edges(claim)
        above, below = found.low > edge, found.high < edge
        expected = {"higher": (above, below), "lower": (below, above)}[direction]
        assert (found.verdict == "supported", found.verdict == "refuted") == expected

    def test_without_a_difference_hardly_any_list_has_a_verdict_for_it(self) -> None:
        rng = np.random.default_rng(3)
        wrong = 0
        for _ in range(200):
            figures = [
                trainings(list(rng.lognormal(0, 0.1, 4)), list(rng.lognormal(0, 0.1, 4))).replace(
                    {"variant": {"new": f"new_{n}", "old": f"old_{n}"}}
                )
                for n in range(5)
            ]
            claims = [dataclasses.replace(FASTER, name=f"c{n}", first=f"new_{n}", second=f"old_{n}") for n in range(5)]
            wrong += (judge(claims, NO_SCORES, pd.concat(figures), ()).verdict != "undecided").any()
        assert wrong / 200 < 0.05 + 2 * (0.05 * 0.95 / 200) ** 0.5


class TestMeasures:
    def figures(self, device: str) -> pd.DataFrame:
        trained = {"variant": "new", "seed": 1, "steps": 100, "seconds": 50.0, "processor_seconds": 80.0}
        trainings = pd.DataFrame([{**trained, "data_share": 0.1, "device": device}])
        track = {"variant": "new", "seed": 1, "seconds": 2.0, "processor_seconds": 3.0, "audio_seconds": 20.0}
        curve = pd.DataFrame({"step": [50, 100, 150], "value": [1.0, 3.0, 3.4]})
        history = curve.assign(variant="new", seed=1, name="validation_sdr_db")
        return training_measures(trainings, pd.DataFrame([track, track]), history)

    def test_a_cpus_time_is_that_of_its_processors_and_a_gpus_that_of_the_clock(self) -> None:
        for device, training, separation in (("cpu", 0.8, 0.15), ("cuda:0", 0.5, 0.1)):
            (row,) = self.figures(device).to_dict("records")
            assert (row["training time"], row["separation time"]) == pytest.approx((training, separation))
            assert row["steps to converge"] == pytest.approx(97.5)
            assert row["share of a step spent on data"] == 0.1

    def test_figures_of_earlier_trainings_without_processor_seconds_are_not_known(self) -> None:
        trainings = pd.DataFrame(
            [{"variant": "new", "seed": 1, "steps": 100, "seconds": 50.0, "data_share": 0.1, "device": "cpu"}]
        )
        nothing = pd.DataFrame(columns=["variant", "seed", "step", "name", "value", "seconds", "audio_seconds"])
        assert training_measures(nothing, nothing, nothing).empty
        (row,) = training_measures(trainings, nothing, nothing).to_dict("records")
        assert all(np.isnan(row[name]) for name in ("training time", "separation time", "steps to converge"))


class TestList:
    def test_a_claim_can_be_on_every_metric_that_is_scored(self) -> None:
        assert set(SCORES) == set(ALL_METRICS)

    def test_every_system_of_the_list_is_a_variant_or_a_reference(self) -> None:
        systems = {name for claim in CLAIMS for name in (claim.first, claim.second) if name}
        assert systems <= {*VARIANTS, *REFERENCES}

    def test_every_claim_is_a_sentence_that_says_where_it_stands(self) -> None:
        assert all(claim.sentence.endswith(".") and claim.source for claim in CLAIMS)

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"name": "two words"}, "use small letters, digits and _ only"),
            ({"measure": "SDRR"}, "did you mean 'SDR'"),
            ({"direction": "better"}, "expected higher, lower or equal"),
            ({"second": "new"}, "compares new with itself"),
            ({"second": None}, "name a second"),
            ({"margin": -1.0}, "expected a number from 0 on"),
            ({"margin": float("nan")}, "expected a number from 0 on"),
            ({"direction": "equal"}, "expected a number above 0"),
            ({"seeds": 1}, "expected 2 or more"),
        ],
    )
    def test_an_entry_that_cannot_be_judged_is_refused_with_what_was_expected(
        self, changes: dict[str, object], said: str
    ) -> None:
        with pytest.raises(UserError, match=said):
            checked([dataclasses.replace(BETTER, **changes)])  # type: ignore[arg-type]

    def test_a_name_is_no_other_claims(self) -> None:
        with pytest.raises(UserError, match="Two claims are called 'better'"):
            checked([BETTER, BETTER])


class TestWords:
    def test_the_evidence_has_figure_interval_p_trainings_and_tracks(self) -> None:
        said = evidence(judged(BETTER, scores(2.0)))
        assert pytest.approx(2.0, abs=0.3) == float(said.split()[1])
        assert " dB (+" in said
        assert said.endswith("p < 0.001); 4 trainings each, 20 tracks")

    def test_the_list_counts_the_verdicts_and_has_a_row_for_each_claim(self) -> None:
        both = judge([BETTER, FASTER], scores(2.0), NO_TRAININGS, ())
        said = claims_markdown(both)
        assert said.startswith("1 supported, 0 refuted, 1 undecided.")
        assert "| The new one separates better. | **supported** | SDR higher | SDR +" in said
        assert (
            "| The new one trains faster. | **undecided** | training time lower | new and old are not trained" in said
        )


@pytest.mark.parametrize(
    ("of", "target", "reason"),
    [
        ("vocals", "drums", "it is on the vocals, and here the drums are separated"),
        ("others", "vocals", "it is on other targets than the vocals, as --set target=drums has them"),
        ("others", "drums", "there is not scored here"),
        ("any", "drums", "there is not scored here"),
    ],
)
def test_a_claim_is_judged_where_its_target_is_separated(of: str, target: str, reason: str) -> None:
    table = TrackTable(scores(shift_db=2.0).table.assign(target=target, window=0))
    claim = Claim("c", "It is so.", "here", "there", table.variants[0], "SDR", "higher", of=of)
    assert judged(claim, table).reason == reason

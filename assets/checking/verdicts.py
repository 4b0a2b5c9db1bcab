"""What the asset checks look at: plain functions from products on disk to a verdict."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from assets.making.dataset import SPLITS
from assets.paths import Paths
from sepmodels.settings import Profile
from sepmodels.systems.system import System

MOST_DIFFERENCE_DB = 1e-4


@dataclass(frozen=True)
class Product:
    """A product that a check looks at: whose it is, and where it lies.

    system: None for a product that all systems share. systems: all that the table should have.
    """

    profile: Profile
    paths: Paths
    system: System | None
    systems: tuple[System, ...]

    @property
    def own(self) -> System:
        """The system, of a product that one system has."""
        assert self.system is not None
        return self.system

    @property
    def name(self) -> str:
        """Its name."""
        return self.own.name


@dataclass(frozen=True)
class Verdict:
    """Whether it holds, and a sentence that names what does not."""

    passed: bool
    sentence: str
    figures: Mapping[str, float | int | str] = field(default_factory=dict)


def splits_are_disjoint_and_complete(product: Product) -> Verdict:
    table = pd.read_parquet(product.paths.tracks)
    repeated = sorted(table.name[table.name.duplicated()])
    across = table[[_is_across(row.copies, row.split) for row in table.itertuples()]]
    empty = [split for split in SPLITS if not (table.split == split).any()]
    counts = {f"{split}_tracks": int((table.split == split).sum()) for split in SPLITS}
    faults = [
        *(f"{name} is listed twice" for name in repeated),
        *(f"{row.name} ({row.split}) is the same recording as {row.copies}" for row in across.itertuples(index=False)),
        *(f"the {split} split is empty" for split in empty),
    ]
    return Verdict(not faults, "; ".join(faults) or "Every track is in one split, and no split is empty.", counts)


def _is_across(copies: str, split: str) -> bool:
    """Whether the others that are the same recording are not all of the same split."""
    return any(f"({other};" in copies for other in SPLITS if other != split)


def no_track_was_learnt_from(product: Product) -> Verdict:
    from sepmodels.dataset.disguise import seen_before

    table = pd.read_parquet(product.paths.tracks)
    seen = table[table.copies.map(seen_before)]
    faults = [f"{row.name} is the same recording as {row.copies}" for row in seen.itertuples(index=False)]
    sentence = "; ".join(faults) or "No track is a recording that models learn from."
    return Verdict(not faults, sentence, {"tracks_learnt_from": len(faults)})


def stems_sum_to_the_mixture(product: Product) -> Verdict:
    from sepmodels.dataset.health import LEAST_DEVIATION_DB

    table = pd.read_parquet(product.paths.tracks)
    off = table[table.mixture_deviation_db < LEAST_DEVIATION_DB]
    named = "; ".join(f"{r.name} ({r.mixture_deviation_db:.1f} dB)" for r in off.itertuples(index=False))
    sentence = f"The mixture is not the sum of its stems in: {named}." if named else "Every mixture is its stems' sum."
    return Verdict(off.empty, sentence, {"least_db": float(table.mixture_deviation_db.min())})


def losses_and_weights_are_finite(product: Product) -> Verdict:
    from safetensors.numpy import load_file

    faults = []
    for seed in product.profile.seeds:
        history = pd.read_parquet(product.paths.history(product.name, seed))
        losses = history[history.name.isin(["loss", "validation_loss"])]
        faults += [f"{r.name} at step {r.step}" for r in losses[~np.isfinite(losses.value)].itertuples(index=False)]
        weights = load_file(product.paths.model(product.name, seed))
        faults += [f"weight {name}" for name, value in weights.items() if not np.isfinite(value).all()]
    return Verdict(not faults, f"Not finite: {', '.join(faults)}." if faults else "All losses and weights are finite.")


def estimates_are_as_long_as_the_mixture(product: Product) -> Verdict:
    import soundfile

    from sepmodels.dataset.stem_cache import cached_names, load_stems

    folder = product.paths.stems("test")
    faults, count = [], 0
    for seed in product.own.seeds_of(product.profile.seeds):
        for track in cached_names(folder):
            if product.own.may_lack_tracks and not product.paths.estimate(product.name, seed, track).exists():
                continue
            expected = load_stems(folder, track).shape[-1]
            found = soundfile.info(product.paths.estimate(product.name, seed, track)).frames
            count += 1
            if found != expected:
                faults.append(f"{track} has {found} samples where its mixture has {expected}")
    return Verdict(not faults, "; ".join(faults) or f"All {count} estimates have the mixture's length.")


def scores_are_nan_only_where_silent(product: Product) -> Verdict:
    from assets.making.scores import silent_windows

    table = pd.read_parquet(product.paths.scores(product.name))
    windows = table[table.window.notna()]
    faults = []
    for (seed, track), rows in windows[windows.value.isna()].groupby(["seed", "track"]):
        silent = silent_windows(product.profile, product.paths, product.own, int(seed), track)
        odd = sorted(set(rows.window.astype(int)) - silent)
        faults += [f"{track} is NaN in window {window}, which is not silent" for window in odd]
    figures = {"windows": len(windows), "nan_windows": int(windows.value.isna().sum())}
    return Verdict(not faults, "; ".join(faults[:20]) or "Scores are NaN only where a source is silent.", figures)


def one_track_scores_as_by_museval(product: Product) -> Verdict:
    """Score one track, the shortest, with museval itself, and compare."""
    from assets.making.scores import score_part, shortest_test_track

    if product.profile.scorer == "museval":
        return Verdict(True, "The scores are museval's own.")
    track, seed = shortest_test_track(product.paths), _first_seed(product)
    ours = pd.read_parquet(product.paths.scores(product.name))
    ours = ours[(ours.track == track) & (ours.seed == seed)]
    theirs = score_part(product.profile, product.paths, product.own, seed, track, scorer="museval")
    both = ours.merge(theirs, on=["target", "metric", "window"], suffixes=("_ours", "_museval"))
    differ = (both.value_ours - both.value_museval).abs()
    same_nan = bool((both.value_ours.isna() == both.value_museval.isna()).all())
    # Above 100 dB museval itself returns the noise of its arithmetic.
    largest = float(differ[both.value_museval.abs() < 100].max()) if len(both) else 0.0
    passed = len(both) == len(theirs) == len(ours) and same_nan and not largest > MOST_DIFFERENCE_DB
    sentence = f"{track}: at most {largest:.1e} dB from museval, NaN in {'the same' if same_nan else 'other'} windows."
    return Verdict(passed, sentence, {"largest_difference_db": largest})


def _first_seed(product: Product) -> int:
    return int(pd.read_parquet(product.paths.scores(product.name), columns=["seed"]).seed.min())


def rows_are_on_equal_terms(product: Product) -> Verdict:
    summary = pd.read_parquet(product.paths.results / "results.parquet").drop_duplicates("variant")
    faults = [f"{row.title}: {row.unequal}" for row in summary[summary.unequal != ""].itertuples()]
    good = "All rows had the same budget, data, code, precision, hardware and library versions, and none is stale."
    return Verdict(not faults, "; ".join(faults) or good, {"unequal_rows": len(faults)})


def table_is_complete(product: Product) -> Verdict:
    summary = pd.read_parquet(product.paths.results / "results.parquet")
    missing = [one.name for one in product.systems if one.name not in set(summary.variant)]
    unscored = sorted(set(summary.variant[summary.SDR.isna()]))
    partly = sorted(set(summary.variant[summary.missing_tracks.fillna(0) > 0]))
    may_lack = {one.name for one in product.systems if one.may_lack_tracks or not one.scored_here}
    faults = [
        *(f"{name} has no row" for name in missing),
        *(f"{name} has an empty score" for name in unscored),
        *(f"{name} lacks a track" for name in partly if name not in may_lack),
    ]
    return Verdict(not faults, "; ".join(faults) or "The table has a score for every system and track.")

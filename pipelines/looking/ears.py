"""``sepbench ears``: which measures order sounds as listeners do."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.looking.counting import counting
from pipelines.terminal import printable
from sepmodels.audio import FULL_SCALE, STREAMS, TARGETS
from sepmodels.audio.io import read_audio
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.results.ears import agreement_with_ears
from sepmodels.results.listening import HIDDEN, read_ratings, screened
from sepmodels.results.listening_folder import read_listening_test, values_of_sounds, without_anchors
from sepmodels.results.per_track import track_scores
from sepmodels.scoring.measure import Measure
from sepmodels.scoring.measures import chosen_measures, measure_track, turned
from sepmodels.scoring.track import WHOLE_TRACK_METRICS
from sepmodels.settings import Profile


def ears_of_test(
    folder: Path, console: Console, *, asked: Sequence[str], anchors: Sequence[str], out: Path | None, workers: int
) -> None:
    """Print a table for each question of a published listening test; with ``out``, write it and all values.

    asked: names of measures; anchors: rated sounds that no system made, which are left out.

    Raises UserError as :func:`~sepmodels.results.listening_folder.read_listening_test` does, and for an anchor that
    is not there.
    """
    test = read_listening_test(folder)
    if unknown := [name for name in anchors if name not in set(test.ratings.sound)]:
        raise UserError(f"{folder} has no rated sound {unknown[0]!r}: give --anchors the names of sounds that it has.")
    measures = chosen_measures(asked, lambda sentence: _say(sentence, console))
    test = without_anchors(test, anchors)
    with counting(console, "listening") as progress:
        values = values_of_sounds(test, measures, workers=workers, progress=progress)
    _show(agreement_with_ears(test.ratings, values), values, console, out)


def ears_of_votes(
    files: Sequence[Path], profile: Profile, paths: Paths, console: Console, *, asked: Sequence[str], out: Path | None
) -> None:
    """The same of the ratings that the report's listening test gave, for the benchmark's own systems.

    BSSEval is taken from their scores; measures are computed of the estimates of the first seed, where these lie here.

    Raises UserError for files that hold no ratings, and where no system that was rated has scores.
    """
    ratings, left_out = screened(read_ratings(files))
    if left_out:
        _say(f"Left out, because they did not know the hidden reference: {', '.join(left_out)}.", console)
    ratings = ratings[~ratings.system.isin(HIDDEN)]
    known = {name for name in ratings.system.unique() if paths.scores(name).exists()}
    if strange := sorted(set(ratings.system) - known):
        _say(f"Left out, because {profile.name} has no scores of them: {', '.join(strange)}.", console)
    if not known:
        raise UserError(f"No system that was rated has scores in {paths.root}: name its profile by -p.")
    ratings = ratings[ratings.system.isin(known)]
    values = _benchmark_scores(profile, paths, known)
    if measures := chosen_measures(asked, lambda sentence: _say(sentence, console)):
        own = [measure for measure in measures if measure.name not in WHOLE_TRACK_METRICS]
        values = pd.concat([values, *_measured(profile, paths, ratings, own)], ignore_index=True)
    values = values.rename(columns={"track": "song", "variant": "sound", "metric": "measure"})
    asked_of = ratings.rename(columns={"track": "song", "system": "sound", "target": "question"})
    tables = [
        agreement_with_ears(rows, values[values.target == target].drop(columns="target"))
        for target, rows in asked_of.groupby("question", sort=False)
    ]
    _show(pd.concat(tables, ignore_index=True), values, console, out)


def _benchmark_scores(profile: Profile, paths: Paths, systems: set[str]) -> pd.DataFrame:
    """Of the trainings that are heard, which are those of the first seed."""
    table = pd.concat([track_scores(pd.read_parquet(paths.scores(name))) for name in sorted(systems)])
    heard = table[table.seed.isin([0, profile.seeds[0]])]
    return heard[["variant", "track", "target", "metric", "value"]]


def _measured(
    profile: Profile, paths: Paths, ratings: pd.DataFrame, measures: Sequence[Measure]
) -> Iterator[pd.DataFrame]:
    for system, track in ratings[["system", "track"]].drop_duplicates().itertuples(index=False):
        files = [paths.estimate(system, seed, track) for seed in (profile.seeds[0], 0)]
        estimate = next((file for file in files if file.exists()), None)
        stems = paths.stems("test") / f"{track}.npy"
        if estimate is None or not stems.exists():
            continue
        streams = dict(zip(STREAMS, np.load(stems) / FULL_SCALE, strict=True))
        vocals, rate_hz = read_audio(estimate)
        true = np.stack([streams["vocals"], streams["drums"] + streams["bass"] + streams["other"]])
        made = np.stack([vocals, streams["mixture"] - vocals])
        rows = measure_track(measures, true, made, streams["mixture"], targets=TARGETS, sample_rate_hz=rate_hz)
        yield turned(rows).assign(variant=system, track=track)


def _show(found: pd.DataFrame, values: pd.DataFrame, console: Console, out: Path | None) -> None:
    if found.empty:
        raise UserError("No song has three sounds with ratings and values: nothing can be said of any measure.")
    for question, rows in found.groupby("question", sort=False):
        console.print(_table(str(question), rows))
    console.print(
        "Within songs; of a measure of which less is better the sign is changed. Correlation: Spearman's, 1 for the "
        "listeners' order, 0 for chance. Pairs: the share in the listeners' order, 50 % for chance. In brackets 95 % "
        "intervals for other songs. One listener is compared with the mean of the others.",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )
    if out is not None:
        for name, table in (("agreement", found), ("values", values)):
            with replacing(out / f"{name}.csv") as temporary:
                table.to_csv(temporary, index=False)
        _say(f"Written: {out / 'agreement.csv'} and {out / 'values.csv'}.", console)


def _table(question: str, rows: pd.DataFrame) -> Table:
    listing = Table(title=escape(printable(question)), box=None, pad_edge=False, title_justify="left")
    listing.add_column("measure")
    for name in ("correlation", "pairs", "songs", "sounds"):
        listing.add_column(name, justify="right")
    for row in rows.itertuples():
        listing.add_row(
            escape(printable(row.measure)),
            f"{row.correlation:.2f}{_interval(row.correlation_low, row.correlation_high, '.2f')}",
            f"{row.pairs:.0%}{_interval(row.pairs_low, row.pairs_high, '.0%')}",
            str(row.songs),
            str(row.sounds),
        )
    return listing


def _interval(low: float, high: float, form: str) -> str:
    return "" if math.isnan(low) else f" ({low:{form}} to {high:{form}})"


def _say(sentence: str, console: Console) -> None:
    console.print(printable(sentence), markup=False, highlight=False, soft_wrap=True)

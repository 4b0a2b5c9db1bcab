"""``sepbench ears``: which measures order sounds as listeners do."""

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.looking.counting import counting
from pipelines.terminal import printable
from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ, STREAMS, TARGETS
from sepmodels.audio.io import read_audio
from sepmodels.audio.resampling import resample
from sepmodels.dataset.rates import scored_rates_hz
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.progress import Say
from sepmodels.results.ears import FEWEST_SONGS, agreement_with_ears
from sepmodels.results.listening import HIDDEN, read_ratings, screened
from sepmodels.results.listening_folder import read_listening_test, values_of_sounds, without_anchors
from sepmodels.results.per_track import track_scores
from sepmodels.scoring.measure import Measure
from sepmodels.scoring.measures import chosen_measures, measure_track, turned
from sepmodels.scoring.track import WHOLE_TRACK_METRICS
from sepmodels.settings import Profile, changed


def ears_of_test(
    folder: Path, console: Console, *, asked: Sequence[str], anchors: Sequence[str], out: Path | None, workers: int
) -> None:
    """Print a table for each question of a published listening test; with ``out``, write it and all values.

    asked: names of measures; anchors: rated sounds that no system made, which are left out.

    Raises UserError as :func:`~sepmodels.results.listening_folder.read_listening_test` does, and for an anchor that
    is not there.
    """
    say = partial(_say, console)
    test = read_listening_test(folder, say)
    if unknown := [name for name in anchors if name not in set(test.ratings.sound)]:
        raise UserError(f"{folder} has no rated sound {unknown[0]!r}: give --anchors the names of sounds that it has.")
    measures = chosen_measures(asked, say)
    test = without_anchors(test, anchors)
    with counting(console, "listening") as progress:
        values = values_of_sounds(test, measures, workers=workers, say=say, progress=progress)
    _show(agreement_with_ears(test.ratings, values), values, console, out)


def ears_of_votes(
    files: Sequence[Path], profile: Profile, paths: Paths, console: Console, *, asked: Sequence[str], out: Path | None
) -> None:
    """The same of the ratings that the report's listening test gave, for the benchmark's own systems.

    BSSEval is taken from the scores of the first seed; measures are computed of its estimates, where these lie here.

    Raises UserError for files that hold no ratings, and where no system that was rated has scores.
    """
    say = partial(_say, console)
    ratings, left_out = screened(read_ratings(files))
    if left_out:
        say(f"Left out, because they did not know the hidden reference: {', '.join(left_out)}.")
    ratings = ratings[~ratings.system.isin(HIDDEN)]
    scores = {
        name: heard
        for name in sorted(ratings.system.unique())
        if not (heard := _heard(paths.scores(name), profile.seeds[0])).empty
    }
    if strange := sorted(set(ratings.system) - set(scores)):
        say(f"Left out, because {profile.name} has no scores of them: {', '.join(strange)}.")
    if not scores:
        raise UserError(f"No system that was rated has scores in {paths.root}: name its profile by -p.")
    ratings = ratings[ratings.system.isin(list(scores))]
    by_track = pd.concat([track_scores(rows) for rows in scores.values()])
    values = by_track[["variant", "track", "target", "metric", "value"]]
    if measures := chosen_measures(asked, say):
        own = [measure for measure in measures if measure.name not in WHOLE_TRACK_METRICS]
        pairs = ratings[["system", "track"]].drop_duplicates().itertuples(index=False)
        heard = ((system, int(scores[system].seed.iloc[0]), track) for system, track in pairs)
        values = pd.concat([values, *_measured(own, profile, paths, heard, say)], ignore_index=True)
    values = values.rename(columns={"track": "song", "variant": "sound", "metric": "measure"})
    asked_of = ratings.rename(columns={"track": "song", "system": "sound", "target": "question"})
    tables = [
        agreement_with_ears(rows, values[values.target == target].drop(columns="target"))
        for target, rows in asked_of.groupby("question", sort=False)
    ]
    _show(pd.concat(tables, ignore_index=True), values, console, out)


def _heard(file: Path, first_seed: int) -> pd.DataFrame:
    """The scores of the training that is heard: the first seed's, or seed 0's of a system that has no trainings."""
    if not file.exists():
        return pd.DataFrame()
    scores = pd.read_parquet(file)
    of_first = scores[scores.seed == first_seed]
    return scores[scores.seed == 0] if of_first.empty else of_first


def _measured(
    measures: Sequence[Measure], profile: Profile, paths: Paths, heard: Iterable[tuple[str, int, str]], say: Say
) -> Iterator[pd.DataFrame]:
    """The rows of each system, seed and track whose sounds lie here, at the sample rate at which it was scored."""
    rates_hz = scored_rates_hz(paths.tracks) if changed(profile, "scoring_rate") else {}
    for system, seed, track in heard:
        estimate, stems = paths.estimate(system, seed, track), paths.stems("test") / f"{track}.npy"
        if estimate.exists() and stems.exists():
            of_one = partial(_said_of, f"{system}, {track}", say)
            rows = _of_estimate(measures, stems, estimate, rates_hz.get(track, SAMPLE_RATE_HZ), of_one)
            yield turned(rows).assign(variant=system, track=track)


def _of_estimate(measures: Sequence[Measure], stems: Path, estimate: Path, rate_hz: int, say: Say) -> pd.DataFrame:
    streams = dict(zip(STREAMS, np.load(stems) / FULL_SCALE, strict=True))
    vocals, made_hz = read_audio(estimate)
    true = np.stack([streams["vocals"], streams["drums"] + streams["bass"] + streams["other"]])
    made = np.stack([vocals, streams["mixture"] - vocals])
    signals = (resample(signal, made_hz, rate_hz) for signal in (true, made, streams["mixture"]))
    return measure_track(measures, *signals, targets=TARGETS, sample_rate_hz=rate_hz, say=say)


def _said_of(what: str, say: Say, clause: str) -> None:
    say(f"{what}: {clause}.")


def _show(found: pd.DataFrame, values: pd.DataFrame, console: Console, out: Path | None) -> None:
    if found.empty:
        raise UserError("No song has three sounds with ratings and values: nothing can be said of any measure.")
    for question, rows in found.groupby("question", sort=False):
        console.print(_table(str(question), rows))
    if (found.songs < FEWEST_SONGS).any():
        _say(console, f"Of fewer than {FEWEST_SONGS} songs there is no interval (-): they say too little of others.")
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
        _say(console, f"Written: {out / 'agreement.csv'} and {out / 'values.csv'}.")


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
    return " (-)" if math.isnan(low) else f" ({low:{form}} to {high:{form}})"


def _say(console: Console, sentence: str) -> None:
    console.print(printable(sentence), markup=False, highlight=False, soft_wrap=True)

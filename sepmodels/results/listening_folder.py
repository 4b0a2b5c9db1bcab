"""A published listening test on disk: ``ratings.csv`` and ``sounds/SONG/SOUND.flac``, the true voice among these."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from sepmodels.audio.io import read_audio
from sepmodels.audio.sound_files import is_sound_file
from sepmodels.errors import UserError
from sepmodels.machine.parallel import for_each_in_processes, usable_cores
from sepmodels.progress import Progress, Say, silent
from sepmodels.results.csv_files import read_csv_file
from sepmodels.scoring.bsseval import bsseval_scores
from sepmodels.scoring.measure import Measure, Signals, value_or_nan
from sepmodels.scoring.measures import chosen_measures, turned
from sepmodels.scoring.plain import whole_track_scores
from sepmodels.systems.given_audio import fit

REFERENCE = "ref"
_COLUMNS = {"page": "song", "sound": "sound", "subject": "listener", "rating": "rating"}
_GIVEN = ["page", "sound", "metric", "score"]
_EXPECTED = "ratings.csv (page, sound, subject, rating; experiment, if there are several) and sounds/PAGE/SOUND.flac"


@dataclass(frozen=True)
class ListeningTest:
    """One test.

    ratings: columns question, song, sound, listener, rating: of the sounds but the hidden reference.
    files: of the sounds, by song and name.
    given: values that its authors computed of rated sounds (measure, song, sound, value).
    """

    ratings: pd.DataFrame
    files: dict[tuple[str, str], Path]
    given: pd.DataFrame


def read_listening_test(folder: Path, say: Say = lambda sentence: None) -> ListeningTest:
    """The test in a folder. A rating that a listener gave several times counts as its mean.

    say: takes a sentence for the values of sounds that nobody rated, which are left out.

    Raises:
        UserError: a file or column is missing, a rating is no number, a rated sound or a song's reference has no file.
    """
    ratings = _ratings(folder / "ratings.csv", folder)
    files = {
        (file.parent.name, file.stem): file
        for file in sorted((folder / "sounds").glob("*/*"))
        if file.is_file() and is_sound_file(file)
    }
    for song in ratings.song.unique():
        if (song, REFERENCE) not in files:
            raise UserError(
                f"{folder / 'sounds' / song} has no {REFERENCE}.flac, the true voice: expected {_EXPECTED}."
            )
    rated = ratings[ratings.sound != REFERENCE].reset_index(drop=True)
    for song, sound in rated[["song", "sound"]].drop_duplicates().itertuples(index=False):
        if (song, sound) not in files:
            raise UserError(
                f"{folder / 'ratings.csv'} rates {sound} of {song}, but {folder / 'sounds' / song} lacks it."
            )
    return ListeningTest(rated, files, _of_rated(_given(folder), ratings, say))


def _ratings(file: Path, folder: Path) -> pd.DataFrame:
    if not file.is_file():
        raise UserError(f"{folder} has no ratings.csv: expected {_EXPECTED}.")
    try:
        table = read_csv_file(file, ())
    except (OSError, ValueError) as fault:
        raise UserError(f"{file} cannot be read as a table ({fault}): expected {_EXPECTED}.") from None
    if missing := [name for name in _COLUMNS if name not in table]:
        raise UserError(f"{file} lacks the column {missing[0]}: expected {_EXPECTED}.")
    numbers = pd.to_numeric(table.rating, errors="coerce")
    if numbers.isna().any():
        row = int(np.flatnonzero(numbers.isna())[0])
        raise UserError(f"{file}, line {row + 2}: the rating {table.rating[row]!r} is no number.")
    if table.empty:
        raise UserError(f"{file} holds no rating.")
    question = table.get("experiment", "rating")
    named = table.rename(columns=_COLUMNS).assign(question=question, rating=numbers)
    return named.groupby(["question", "song", "sound", "listener"], as_index=False, sort=False).rating.mean()


def _given(folder: Path) -> pd.DataFrame:
    """What other tables in the folder say of its sounds; their measures are called "NAME, given"."""
    found = [pd.DataFrame(columns=["measure", "song", "sound", "value"])]
    for file in sorted(folder.glob("*.csv")):
        try:
            head = pd.read_csv(file, nrows=0)
            if set(_GIVEN) <= set(head):
                rows = read_csv_file(file, ["score"])[_GIVEN].astype({"score": float})
                rows.columns = pd.Index(["song", "sound", "measure", "value"])
                found.append(rows.assign(measure=rows.measure + ", given"))
        except (OSError, ValueError) as fault:
            raise UserError(f"{file} cannot be read as a table of {', '.join(_GIVEN)} ({fault}).") from None
    return pd.concat(found, ignore_index=True).drop_duplicates(["measure", "song", "sound"])


def _of_rated(given: pd.DataFrame, ratings: pd.DataFrame, say: Say) -> pd.DataFrame:
    """The authors' values of sounds that somebody rated; the others are counted."""
    rated = pd.MultiIndex.from_frame(given[["song", "sound"]]).isin(
        pd.MultiIndex.from_frame(ratings[["song", "sound"]])
    )
    if not rated.all():
        first = given[~rated].iloc[0]
        say(
            f"Left out: {(~rated).sum()} of {len(given)} values that the test's authors computed, of sounds that "
            f"nobody rated, such as {first.sound} of {first.song}."
        )
    return given[rated].reset_index(drop=True)


@dataclass(frozen=True)
class Hearing:
    """The values of one sound by the measures of these names, a row each: song, sound, measure, value, said.

    said: which measures failed and why, a clause each.
    BSSEval's are those that need the voice alone: SIR and SAR need the accompaniment, which such a test has not.
    """

    measures: tuple[str, ...]

    def __call__(self, pair: tuple[str, str, Path, Path]) -> pd.DataFrame:
        """pair: song, sound, the file of the reference, the file of the sound."""
        song, sound, true_file, made_file = pair
        true, rate_hz = read_audio(true_file)
        made, made_hz = read_audio(made_file)
        estimate = np.asarray(fit(made, made_hz, true, made_file, rate_hz).vocals, dtype=np.float64)
        signals = Signals(true.astype(np.float64), estimate, true.astype(np.float64), rate_hz)
        said: list[str] = []
        chosen = {one.name: value_or_nan(one, signals, said.append) for one in chosen_measures(self.measures)}
        values = bsseval_of_one(signals) | chosen
        rows = turned(pd.DataFrame({"metric": list(values), "value": list(values.values())}))
        return rows.rename(columns={"metric": "measure"}).assign(song=song, sound=sound, said="; ".join(said))


def bsseval_of_one(signals: Signals) -> dict[str, float]:
    """SDR and ISR, the medians over windows of a second, and uSDR of the whole, in dB."""
    reference, estimate = signals.reference[None], signals.estimate[None]
    if not reference.any():
        return {}
    second = signals.sample_rate_hz
    windows = bsseval_scores(reference, [estimate], second, second)[0][:, 0]
    known = {name: values[np.isfinite(values)] for name, values in zip(("SDR", "ISR"), windows, strict=False)}
    medians = {name: float(np.median(values)) if values.size else np.nan for name, values in known.items()}
    return medians | {"uSDR": float(whole_track_scores(reference, estimate)[0, 0])}


def values_of_sounds(
    test: ListeningTest,
    measures: Sequence[Measure],
    *,
    workers: int = 0,
    say: Say = lambda sentence: None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Every measure of every rated sound, turned so that more is better, and the authors' own: as agreement wants them.

    The reference stands in for the mixture, which a test has not: within a song it changes no order. A measure that
    fails has no value (NaN) of that sound, and ``say`` takes a sentence for it.
    Raises UserError for a sound that cannot be read or is of another length than the reference.
    """
    rated = test.ratings[["song", "sound"]].drop_duplicates().itertuples(index=False)
    pairs = [(song, sound, test.files[song, REFERENCE], test.files[song, sound]) for song, sound in rated]
    hearing = Hearing(tuple(measure.name for measure in measures))
    tables, faults = for_each_in_processes(hearing, pairs, workers=workers or usable_cores(), progress=progress)
    if faults:
        raise faults[0]
    values = pd.concat(tables, ignore_index=True)
    failed = values[values.said != ""].drop_duplicates(["song", "sound"])
    for clause, sounds in failed.groupby("said", sort=False):
        more = f" and {len(sounds) - 1} more" if len(sounds) > 1 else ""
        say(f"{sounds.sound.iloc[0]} of {sounds.song.iloc[0]}{more}: {clause}.")
    return pd.concat([values.drop(columns="said"), test.given], ignore_index=True)


def without_anchors(test: ListeningTest, anchors: Sequence[str]) -> ListeningTest:
    """The same test, of the systems' sounds alone."""
    return replace(test, ratings=test.ratings[~test.ratings.sound.isin(anchors)].reset_index(drop=True))

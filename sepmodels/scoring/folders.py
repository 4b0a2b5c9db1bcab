"""Scores of two folders: what was separated, against the true stems. No benchmark, model or graph is needed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.resampling import resample
from sepmodels.errors import UserError, unknown_name
from sepmodels.machine.parallel import for_each_in_processes
from sepmodels.progress import Progress, Say, silent
from sepmodels.scoring.measures import chosen_measures, measure_track
from sepmodels.scoring.pitch import Pitch
from sepmodels.scoring.pitch_labels import find_labels, labels_of
from sepmodels.scoring.stems import TrackStems, find_stems
from sepmodels.scoring.threads import scoring_workers
from sepmodels.scoring.track import SCORERS, WHOLE_TRACK_METRICS, Scorer, score_track, tidy
from sepmodels.systems.given_audio import fit
from sepmodels.systems.stem_names import ACCOMPANIMENT, MIXTURE, VOCALS, stem_called
from sepmodels.systems.track_names import match_names

PITCH_MEASURES = ("RPA", "OA")
REST = "rest"  # what is left where one stem, not the vocals, was estimated
_SONG_SECONDS = 300.0  # as long as a track is taken to be where memory is shared out


@dataclass(frozen=True)
class Scoring:
    """How tracks are scored: as :func:`~sepmodels.scoring.score_track` has it, and by the measures of these names.

    name: of the system, in the table. pitch: the file of pitch labels of each track, where there are any.
    """

    name: str
    window_seconds: float = 1.0
    hop_seconds: float = 1.0
    scorer: Scorer = "fast"
    measures: tuple[str, ...] = ()
    pitch: Mapping[str, Path] | None = None

    def __call__(self, pair: "Pair") -> pd.DataFrame:
        """The rows of one track, with a column ``said``: what was done to compare the two, and what failed."""
        try:
            reference, estimate, mixture, rate_hz, said = pair.signals()
            rows = score_track(
                reference,
                {self.name: estimate},
                targets=pair.targets,
                window_seconds=self.window_seconds,
                hop_seconds=self.hop_seconds,
                sample_rate_hz=rate_hz,
                scorer=self.scorer,
            )
            if chosen := chosen_measures(self.measures):
                more = measure_track(
                    chosen,
                    reference,
                    estimate,
                    mixture,
                    targets=pair.targets,
                    sample_rate_hz=rate_hz,
                    pitch=self._pitch(pair, reference, rate_hz, said),
                    say=said.append,
                )
                rows = pd.concat([rows, tidy(more.assign(window=pd.NA), self.name)])
        except UserError as fault:
            raise UserError(f"{pair.track}: {fault}") from fault
        rows.insert(1, "seed", 0)
        rows.insert(2, "track", pair.track)
        return rows.assign(said="; ".join(said))

    def _pitch(self, pair: "Pair", reference: np.ndarray, rate_hz: int, said: list[str]) -> Pitch | None:
        """The pitch of the vocals as it is labelled, where labels were given."""
        if VOCALS not in pair.targets:
            return None
        return labels_of(self.pitch, pair.track, reference[pair.targets.index(VOCALS)], rate_hz, said)


@dataclass(frozen=True)
class Pair:
    """One track's true stems and its estimates. targets: what is scored, in that order."""

    track: str
    reference: TrackStems
    estimate: TrackStems
    targets: tuple[str, ...]

    def signals(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, int, list[str]]:
        """The sources of both, float32 ``(target, channel, sample)``, the mixture, the rate in Hz, and what was done.

        A target that the reference has no file of is its other stems together, and one that was not estimated is the
        mixture minus what was.
        """
        said: list[str] = []
        stems, rate_hz = self._true(said)
        reference = [stems[name] if name in stems else self._rest(stems) for name in self.targets]
        mixture = stems.get(MIXTURE, np.sum(reference, axis=0))
        heard = {
            name: self._fitted(name, *sound, reference[0], rate_hz, said)
            for name, sound in self.estimate.read().items()
            if name in self.targets
        }
        estimate = [heard[name] if name in heard else mixture - heard[self.targets[0]] for name in self.targets]
        return np.stack(reference), np.stack(estimate), mixture, rate_hz, said

    def _true(self, said: list[str]) -> tuple[dict[str, np.ndarray], int]:
        """The reference's stems at one rate, all of one length."""
        found = self.reference.read()
        rate_hz = next(iter(found.values()))[1]
        stems = {name: _at_rate(name, *sound, rate_hz, said) for name, sound in found.items()}
        length = max(stems[name].shape[1] for name in self.reference.names)
        return {name: _of_length(stem, length) for name, stem in stems.items()}, rate_hz

    def _rest(self, stems: Mapping[str, np.ndarray]) -> np.ndarray:
        """All but the first target: the sum of the other stems, or the mixture minus it where there is no other."""
        others = [stems[name] for name in self.reference.names if name not in (self.targets[0], ACCOMPANIMENT)]
        if others:
            return np.asarray(np.sum(others, axis=0))
        return np.asarray(stems[MIXTURE] - stems[self.targets[0]])

    def _fitted(
        self, name: str, sound: np.ndarray, from_hz: int, like: np.ndarray, rate_hz: int, said: list[str]
    ) -> np.ndarray:
        """An estimate at the reference's rate, channels and length; raises UserError where it is another track's."""
        heard = fit(sound, from_hz, like, f"The estimate of {name}", rate_hz)
        said += [f"the estimate of {name} {clause}" for clause in heard.said]
        return heard.vocals


def score_folders(
    references: Path | str,
    estimates: Path | str,
    *,
    name: str = "",
    targets: Sequence[str] = (),
    window_seconds: float = 1.0,
    hop_seconds: float = 1.0,
    scorer: Scorer = "fast",
    measures: Sequence[str] = (),
    pitch: Path | str | None = None,
    workers: int = 0,
    say: Say = lambda sentence: None,
    progress: Progress = silent,
) -> pd.DataFrame:
    """Score the estimates of one folder by the true stems in another, track by track, in parallel.

    Args:
        references, estimates: folders as :func:`~sepmodels.scoring.stems.find_stems` reads them.
        name: of the system in the table; the folder's name by default.
        targets: what to score, by names as files may have; by default all stems that were estimated. Where that is one
            stem alone, the rest is scored with it (for vocals: the accompaniment), as the mixture minus the estimate.
        window_seconds, hop_seconds, scorer: as in :func:`~sepmodels.scoring.score_track`.
        measures: names of measures beside BSSEval (:mod:`sepmodels.scoring.measures`), or "all".
        pitch: a folder of pitch labels for RPA and OA (:mod:`sepmodels.scoring.pitch_labels`); without it the truth is
            the pitch that is tracked in the true vocals.
        workers: how many tracks at once; 0: what suits this machine.
        say: takes a sentence for whatever was done to compare the two, for each track that cannot be scored, and for a
            measure that fails, which has no value (NaN) of that track.

    Returns:
        Columns variant, seed (0), track, target, metric, window and value, as the benchmark's scores have. A measure
        has one value for the track, with window <NA>.

    Raises:
        UserError: a folder has no stems, no track is in both, stems do not go together, or no track can be scored,
            there is no such measure, or it is not installed.
    """
    references, estimates = Path(references), Path(estimates)
    if scorer not in SCORERS:
        raise unknown_name("scorer", scorer, SCORERS)
    for option, seconds in (("--window", window_seconds), ("--hop", hop_seconds)):
        if not seconds * SAMPLE_RATE_HZ >= 1:
            raise UserError(f"{option} cannot be {seconds:g} seconds, which hold no sample: the default is 1.")
    pairs = pair_tracks(references, estimates, list(map(stem_called, targets)), say)
    chosen = tuple(one.name for one in chosen_measures(measures, say) if one.name not in WHOLE_TRACK_METRICS)
    labels = _labels(pitch, chosen, [pair.track for pair in pairs], say)
    scoring = Scoring(name or estimates.resolve().name, window_seconds, hop_seconds, scorer, chosen, labels)
    # a measure has one thread, as museval has, and no more memory
    workers = scoring_workers("museval" if chosen else scorer, _SONG_SECONDS, workers)
    tables, faults = for_each_in_processes(scoring, pairs, workers=workers, progress=progress)
    for fault in faults:
        say(f"Not scored: {fault}")
    if not tables:
        raise UserError(f"No track of {estimates} could be scored.")
    scores = pd.concat(tables, ignore_index=True)
    for clause, tracks in scores[scores.said != ""].groupby("said", sort=False).track.unique().items():
        say(f"{_tracks(list(tracks))}: {clause}.")
    return scores.drop(columns="said")


def _labels(
    folder: Path | str | None, chosen: Sequence[str], tracks: Sequence[str], say: Say
) -> Mapping[str, Path] | None:
    if folder is None:
        return None
    if not {*PITCH_MEASURES} & {*chosen}:
        raise UserError(f"Pitch labels are for {' and '.join(PITCH_MEASURES)}: ask for them with --measures RPA,OA.")
    return find_labels(Path(folder), tracks, say)


def pair_tracks(
    references: Path, estimates: Path, targets: Sequence[str] = (), say: Say = lambda sentence: None
) -> list[Pair]:
    """The tracks that are in both folders, with what is scored of them; raises UserError as :func:`score_folders`."""
    true = find_stems(references)
    made = find_stems(estimates, list(true))
    matched, sentences = match_names(made, list(true))
    for sentence in sentences:
        say(sentence)
    if not matched:
        raise UserError(
            f"{estimates} has {_tracks(list(made))}, {references} has {_tracks(list(true))}: no track is in both. Name "
            "folders or files as the tracks are named."
        )
    if lacking := [track for track in true if track not in matched]:
        say(f"Without estimates, and not scored: {_tracks(lacking)}.")
    if strange := [track for track in made if track not in matched.values()]:
        say(f"Without a reference, and not scored: {_tracks(strange)}.")
    return [
        Pair(track, true[track], made[name], _targets(track, true[track], made[name], targets))
        for track, name in matched.items()
    ]


def _targets(track: str, reference: TrackStems, estimate: TrackStems, asked: Sequence[str]) -> tuple[str, ...]:
    """What is scored of a track: the stems asked for, or all that were estimated, which must make up the mixture."""
    found = tuple(asked) or estimate.names
    if lacking := [name for name in found if name not in estimate.names]:
        raise UserError(f"{track}: there is no estimate of {lacking[0]}, but of {', '.join(estimate.names)}.")
    true = set(reference.names)
    if lacking := [name for name in found if name not in true and name != ACCOMPANIMENT]:
        raise UserError(f"{track}: the reference has no {lacking[0]}, but {', '.join(reference.names)}.")
    if len(found) == 1 and found[0] in true:
        if len(true) == 1 and MIXTURE not in reference.files:
            raise UserError(f"{track}: the reference has {found[0]} alone: add its mixture, or its other stems.")
        return found[0], ACCOMPANIMENT if found[0] == VOCALS else REST
    if set(found) not in ({VOCALS, ACCOMPANIMENT}, true - {ACCOMPANIMENT}, true):
        raise UserError(
            f"{track}: {', '.join(found)} cannot be scored against {', '.join(reference.names)}: SIR and SAR need all "
            "sources. Give estimates of all of them, or of one alone."
        )
    return found


def _at_rate(name: str, sound: np.ndarray, from_hz: int, to_hz: int, said: list[str]) -> np.ndarray:
    if from_hz != to_hz:
        said.append(f"{name} has {from_hz} Hz and was resampled to {to_hz}, which costs what it had above")
    return resample(sound, from_hz, to_hz)


def _of_length(sound: np.ndarray, samples: int) -> np.ndarray:
    return np.pad(sound, ((0, 0), (0, max(samples - sound.shape[1], 0))))[:, :samples]


def _tracks(names: Sequence[str], most: int = 3) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(map(repr, names[:most])) + more

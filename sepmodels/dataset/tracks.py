"""The table of tracks: what there is, and what was measured of it.

What is odd, :mod:`sepmodels.dataset.health` says.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import pandas as pd

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.dataset.decoding import TrackAudio, bytes_decoded, hash_sources, read_track
from sepmodels.dataset.likeness import alike, fingerprint
from sepmodels.dataset.target import change_places
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.files import hash_arrays
from sepmodels.machine.parallel import for_each, raise_all
from sepmodels.progress import Progress, silent
from sepmodels.settings import DatasetSettings, changed

# The scores' window: of less, nothing can be scored.
SHORTEST_SECONDS = 1.0
ACTIVITY_BLOCK_SAMPLES = 2048
ACTIVITY_THRESHOLD_DB = -60.0
_BLOCK_SAMPLES = 128 * ACTIVITY_BLOCK_SAMPLES


def describe_tracks(
    tracks: Sequence[Track],
    settings: DatasetSettings,
    *,
    previous: pd.DataFrame | None = None,
    code_version: str = "",
    progress: Progress = silent,
) -> pd.DataFrame:
    """Decode every track and measure it; a row per track, in the order given.

    Columns: ``name``, ``split``, ``samples``, ``duration_seconds``, ``sample_rate_hz`` (of the decoded stems,
    always 44,100), ``source_sample_rate_hz``, ``source_hash`` (SHA-256 of the files), ``samples_hash`` (of the decoded
    mixture and vocals), ``fingerprint`` (:mod:`sepmodels.dataset.likeness`), ``copies`` (other tracks that are the same
    recording), ``scorable_windows`` (seconds with the target and accompaniment), ``rms_<stream>_db`` (against full
    scale; -inf for silence), ``vocal_activity`` (share of 2048-sample blocks, 46 ms, in which the vocals' RMS
    is above -60 dB), ``mixture_deviation_db`` (energy of the mixture over that of its difference from the
    stems' sum; inf where they agree), ``peak`` and ``clipped_share`` (of the mixture's samples, those at full
    scale), ``silent_stems``, ``mono_stems`` (names joined by commas), ``fitted_stems`` (those not as long as the song,
    with the seconds added or cut), ``late_stems`` (whose sound begins late in its container, with the seconds),
    ``loud_stems`` (cut down to full scale, with their peaks), ``voices`` (what was made of several files of the voice),
    ``left_out`` (files that do not count by their names), ``gain`` (1 unless sums of stems had to be turned down).

    previous: an earlier table. Tracks whose sources have the same content keep their row, if the same code
    measured it.
    code_version: of the code that measures.

    Raises one :class:`UserError` that lists every track that cannot be used: not decodable, shorter than a
    second, silent all through, or of the same content as a track of another split.
    """
    known = _known_rows(previous, code_version)
    rows, faults = for_each(
        functools.partial(_describe, known=known),
        tracks,
        workers=settings.workers,
        bytes_each=max((bytes_decoded(track) for track in tracks), default=0),
        progress=progress,
    )
    raise_all([*faults, *_leaks(rows)], f"{len(tracks)} tracks were read, and these cannot be used:")
    _require_scorable(rows)
    table = pd.DataFrame(rows)
    table["copies"] = _copies(rows)
    table.attrs["measured_by"] = code_version
    return table


def _known_rows(previous: pd.DataFrame | None, code_version: str) -> dict[str, dict[str, object]]:
    if previous is None or previous.attrs.get("measured_by") != code_version:
        return {}
    return {row["source_hash"]: row for row in previous.to_dict("records")}


def _describe(track: Track, known: Mapping[str, Mapping[str, object]]) -> dict[str, object]:
    source_hash, left_out = hash_sources(track), ", ".join(source.name for source in track.left_out)
    if source_hash in known:
        return {**known[source_hash], "name": track.name, "split": track.split, "left_out": left_out}
    decoded = read_track(track)
    seconds = decoded.stems.shape[2] / SAMPLE_RATE_HZ
    if seconds < SHORTEST_SECONDS:
        raise UserError(
            f"{track.sources[0]} lasts {seconds:.2f} s: at least {SHORTEST_SECONDS:g} s is needed; remove it."
        )
    measures = measure(decoded)
    if changed(track, "target"):
        change_places(decoded.stems, track.target)  # back: columns are called as streams are
        measures = {**measure(decoded), "scorable_windows": measures["scorable_windows"]}
    if measures["rms_mixture_db"] == -np.inf:
        raise UserError(f"{track.sources[0]} has a mixture that is silent all through: replace or remove the track.")
    return {
        "name": track.name,
        "split": track.split,
        "samples": decoded.stems.shape[2],
        "duration_seconds": seconds,
        "sample_rate_hz": SAMPLE_RATE_HZ,
        "source_sample_rate_hz": decoded.sample_rate_hz,
        "source_hash": source_hash,
        "samples_hash": hash_arrays(decoded.stems[0], decoded.stems[STREAMS.index("vocals")]),
        "fingerprint": fingerprint(decoded.stems[0]),
        "left_out": left_out,
        **measures,
    }


def measure(decoded: TrackAudio) -> dict[str, object]:
    """The measured columns of :func:`describe_tracks`, taken block by block to bound the memory."""
    stems = decoded.stems
    energy = np.zeros(len(STREAMS))
    residual, active, clipped, peak = 0.0, 0, 0, 0.0
    for start in range(0, stems.shape[2], _BLOCK_SAMPLES):
        block = stems[:, :, start : start + _BLOCK_SAMPLES].astype(np.float32) / 32_768
        energy += np.square(block).sum(axis=(1, 2), dtype=np.float64)
        residual += float(np.square(block[0] - block[1:].sum(axis=0)).sum(dtype=np.float64))
        active += _active_blocks(block[STREAMS.index("vocals")])
        clipped += int((np.abs(block[0]) >= 32_767 / 32_768).sum())
        peak = max(peak, float(np.abs(block[0]).max()))
    rms_db = decibels(energy / stems[0].size)
    return {
        **{f"rms_{stem}_db": float(value) for stem, value in zip(STREAMS, rms_db, strict=True)},
        "vocal_activity": active / max(1, stems.shape[2] // ACTIVITY_BLOCK_SAMPLES),
        "mixture_deviation_db": float(decibels(energy[0]) - decibels(residual)) if energy[0] else -np.inf,
        "peak": peak,
        "clipped_share": clipped / stems[0].size,
        "silent_stems": ", ".join(stem for stem, power in zip(STREAMS, energy, strict=True) if power == 0),
        "mono_stems": ", ".join(decoded.mono),
        "fitted_stems": ", ".join(decoded.fitted),
        "late_stems": ", ".join(decoded.late),
        "loud_stems": ", ".join(decoded.loud),
        "scorable_windows": scorable_windows(stems),
        "voices": decoded.voices,
        "gain": decoded.gain,
    }


def scorable_windows(stems: np.ndarray) -> int:
    """How many windows of one second have both the target and accompaniment: in all others museval gives no score.

    stems: int16 (5, channel, sample), the target last; a source is silent where its channels sum to 0.
    """
    starts = range(0, stems.shape[2] - SAMPLE_RATE_HZ + 1, SAMPLE_RATE_HZ)
    windows = (stems[1:, :, start : start + SAMPLE_RATE_HZ] for start in starts)
    return sum(bool(_sounds(window[3]) and _sounds(window[:3].sum(axis=0, dtype=np.int32))) for window in windows)


def _sounds(source: np.ndarray) -> bool:
    return bool(source.sum(axis=0, dtype=np.int32).any())


def _active_blocks(vocals: np.ndarray) -> int:
    blocks = vocals.shape[1] // ACTIVITY_BLOCK_SAMPLES
    whole = vocals[:, : blocks * ACTIVITY_BLOCK_SAMPLES].reshape(len(vocals), blocks, ACTIVITY_BLOCK_SAMPLES)
    power = np.square(whole).mean(axis=(0, 2))
    return int((decibels(power) > ACTIVITY_THRESHOLD_DB).sum())


def decibels(power: np.ndarray | float) -> np.ndarray:
    """``10 log10(power)``; -inf for 0.

    >>> float(decibels(0.01))
    -20.0
    """
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.asarray(power, np.float64))


def _leaks(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """Tracks of different splits that have the same content: the same bytes, or the same samples."""
    leaks: list[str] = []
    for column, said in (("source_hash", "is the same as"), ("samples_hash", "has the same samples as")):
        first: dict[object, Mapping[str, object]] = {}
        for row in rows:
            other = first.setdefault(row[column], row)
            if other["split"] != row["split"] and not any(repr(row["name"]) in leak for leak in leaks):
                leaks.append(
                    f"{row['name']!r} ({row['split']}) {said} {other['name']!r} ({other['split']}): remove one."
                )
    return leaks


def _copies(rows: Sequence[Mapping[str, object]]) -> list[str]:
    """For each track the others that are the same recording, joined by commas."""
    found: list[list[str]] = [[] for _ in rows]
    for one, two, likeness in alike([cast(bytes, row["fingerprint"]) for row in rows]):
        same = rows[one]["samples_hash"] == rows[two]["samples_hash"]
        said = "the same samples" if same else f"alike, {likeness:.2f} of 1"
        for place, other in ((one, rows[two]), (two, rows[one])):
            found[place].append(f"{other['name']} ({other['split']}; {said})")
    return [", ".join(names) for names in found]


def _require_scorable(rows: Sequence[Mapping[str, object]]) -> None:
    """Raise :class:`UserError` if there are test tracks, and no second of any has the target and accompaniment."""
    tested = [row for row in rows if row["split"] == "test"]
    if tested and not any(row["scorable_windows"] for row in tested):
        names = ", ".join(str(row["name"]) for row in tested[:3])
        raise UserError(
            f"No test track can be scored: none has a second with both what is separated and accompaniment ({names}); "
            "put tracks into test that have."
        )


def used_names(table: pd.DataFrame, split: str) -> list[str]:
    """The tracks of a split that the benchmark works on: of the test split those that can be scored."""
    chosen = table[table.split == split]
    return list(chosen.name[chosen.scorable_windows > 0] if split == "test" else chosen.name)

"""Which test tracks are heard, and which part of them."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from sepmodels.report.material import Material


@dataclass(frozen=True)
class Heard:
    """A track that is chosen for listening, and why: a sentence for each reason."""

    track: str
    reasons: tuple[str, ...]


def choose_tracks(material: Material, most: int) -> list[Heard]:
    """Up to ``most`` test tracks: the baseline's best, median and worst, then those where the variants differ most.

    All by SDR of the target. A track that is chosen twice has both reasons, and leaves room for another.
    """
    wide = _target_sdr(material)
    title = material.titles[material.baseline]
    reasons: dict[str, list[str]] = {}
    if material.baseline in wide:
        ranked = wide[material.baseline].dropna().sort_values(kind="stable", ascending=False)
        places = {"best": 0, "median": (len(ranked) - 1) // 2, "worst": len(ranked) - 1}
        for word, place in places.items():
            if len(ranked):
                sentence = f"the {word} of {title}: SDR {ranked.iloc[place]:.2f} dB"
                reasons.setdefault(str(ranked.index[place]), []).append(sentence)
    trained = [name for name in material.trained if name in wide]
    if len(trained) > 1:
        spread = (wide[trained].max(axis=1) - wide[trained].min(axis=1)).dropna()
        for track, value in spread.sort_values(kind="stable", ascending=False).items():
            if len(reasons) >= most and str(track) not in reasons:
                break
            sentence = f"variants differ by {value:.2f} dB here" + (", the most" if value == spread.max() else "")
            reasons.setdefault(str(track), []).append(sentence)
    return [Heard(track, tuple(said)) for track, said in list(reasons.items())[:most]]


def choose_start(target: NDArray[np.int16], sample_rate_hz: int, seconds: float) -> int:
    """Where to begin an excerpt, in whole seconds: where most is sung, or played.

    What counts is the sum over seconds of the target's root mean square, so that one shout does not outweigh a
    verse; whole seconds, so that the excerpt has the windows of the scores.

    Shape:
        target: (channel, sample).
    """
    whole = target.shape[-1] // sample_rate_hz
    length = max(1, round(seconds))
    if whole <= length:
        return 0
    blocks = target[:, : whole * sample_rate_hz].reshape(len(target), whole, sample_rate_hz)
    levels = np.sqrt(np.square(blocks.astype(np.float32)).mean(axis=(0, 2)))
    sums = np.convolve(levels, np.ones(length), mode="valid")
    return int(np.argmax(sums))


def windows_of(
    scores: pd.DataFrame, system: str, track: str, target: str, start: int, count: int
) -> list[float | None]:
    """The SDR of the ``count`` windows from ``start`` on, in dB; None where there is no score.

    scores: of one seed of each system, the one that is heard.
    """
    rows = scores[
        (scores.variant == system) & (scores.track == track) & (scores.target == target) & (scores.metric == "SDR")
    ]
    known = rows[np.isfinite(rows.value)].set_index("window").value
    wanted = known.reindex(range(start, start + count))
    return [round(float(value), 2) if np.isfinite(value) else None for value in wanted]


def _target_sdr(material: Material) -> pd.DataFrame:
    """SDR of the target: a row per track, a column per system."""
    table = material.per_track()
    chosen = table[(table.target == material.targets[0]) & (table.metric == "SDR")]
    return chosen.pivot(index="track", columns="variant", values="value")

"""Several files of the voice of one track, and what they are together."""

from collections.abc import Mapping

import numpy as np

# Of a file that is the sum of the others, this share of the energy is left when they are subtracted: rounding, dither.
_LEAST_REST = 1e-4


def sum_voices(voices: Mapping[str, np.ndarray]) -> tuple[np.ndarray, str]:
    """The sum of a track's voices as int32 (channel, sample), and what was done where there are several.

    Equal samples count once. A file that is the sum of the others stands for them: "vocals" for "lead" and "backing".

    voices: int16 (channel, sample) of each file, by its name.
    """
    shortest = min(voice.shape[1] for voice in voices.values())
    cut = {name: voice[:, :shortest].astype(np.int32) for name, voice in voices.items()}
    kept: dict[str, np.ndarray] = {}
    same = []
    for name in sorted(cut, key=lambda name: (name != "vocals", name)):
        if any(np.array_equal(cut[name], other) for other in kept.values()):
            same.append(name)
        else:
            kept[name] = cut[name]
    whole = next((name for name in kept if len(kept) > 2 and _is_sum(name, kept)), None)
    told = _told(list(kept), same, whole)
    total: np.ndarray = np.stack([kept[whole]] if whole else list(kept.values())).sum(axis=0, dtype=np.int32)
    return total, told


def _is_sum(name: str, voices: Mapping[str, np.ndarray]) -> bool:
    rest = voices[name] - np.sum([voice for other, voice in voices.items() if other != name], axis=0, dtype=np.int32)
    energy = float(np.square(voices[name], dtype=np.float64).sum())
    return energy > 0 and float(np.square(rest, dtype=np.float64).sum()) < _LEAST_REST * energy


def _told(kept: list[str], same: list[str], whole: str | None) -> str:
    if len(kept) + len(same) == 1:
        return ""
    names = sorted(kept)
    if whole:
        said = f"{whole} is the sum of {', '.join(name for name in names if name != whole)}, and stands for them"
    elif len(names) > 1:
        said = f"{', '.join(names)} are summed"
    else:
        said = f"{names[0]} is taken"
    return said + (f"; of the same samples, and left out: {', '.join(sorted(same))}" if same else "")

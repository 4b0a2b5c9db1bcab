"""How good an estimate is: BSSEval v4 per window, and whole-track figures, as one table.

:func:`score_track` scores all variants of one track. The scenario is the field's: two sources, vocals and
accompaniment, windows of one second, distortion filters of 512 taps over the whole track. The authority is
museval 0.4.1.
"""

from sepmodels.scoring.museval_files import read_museval_files, write_museval_files
from sepmodels.scoring.track import METRICS, WHOLE_TRACK_METRICS, score_track

__all__ = [
    "METRICS",
    "WHOLE_TRACK_METRICS",
    "read_museval_files",
    "score_track",
    "write_museval_files",
]

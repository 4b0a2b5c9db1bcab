"""How good an estimate is: BSSEval v4 per window, and whole-track figures, as one table.

:func:`score_track` scores all variants of one track, :func:`score_folders` what any separator has left in a folder.
Neither needs the benchmark, torch, Dagster or MLflow. The benchmark's scenario is the field's: two sources, vocals and
accompaniment, windows of one second, distortion filters of 512 taps over the whole track. The authority is
museval 0.4.1.
"""

from sepmodels.scoring.folders import score_folders
from sepmodels.scoring.from_python import score_track
from sepmodels.scoring.museval_files import read_museval_files, write_museval_files
from sepmodels.scoring.track import METRICS, WHOLE_TRACK_METRICS, Scorer

__all__ = [
    "METRICS",
    "WHOLE_TRACK_METRICS",
    "Scorer",
    "read_museval_files",
    "score_folders",
    "score_track",
    "write_museval_files",
]

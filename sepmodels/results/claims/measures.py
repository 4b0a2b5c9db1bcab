"""What a claim can be judged by: scores of tracks, and figures of trainings. Importing this module is cheap."""

from dataclasses import dataclass
from typing import Literal

NEAR_THE_BEST_DB = 0.5
SCORES = ("SDR", "SIR", "SAR", "ISR", "uSDR", "SI-SDR")


@dataclass(frozen=True)
class Measure:
    """What is compared, and how.

    kind: "score" (one number for each track and training, in dB: systems are compared by the difference), "ratio"
        (one positive number for each training: compared by the ratio), or "share" (one for each training, from 0 to 1:
        compared by the difference, or looked at for one system alone).
    """

    explanation: str
    kind: Literal["score", "ratio", "share"]


MEASURES = {name: Measure(f"{name} of what is separated, in dB", "score") for name in SCORES} | {
    "training time": Measure(
        "time for each step of training, its validations included: processor seconds on a CPU, which do not depend on "
        "what runs beside it, and wall-clock seconds on a GPU",
        "ratio",
    ),
    "separation time": Measure(
        "time to separate a second of music: processor seconds on a CPU, wall-clock seconds on a GPU",
        "ratio",
    ),
    "steps to converge": Measure(
        f"the first step at which the validation SDR is within {NEAR_THE_BEST_DB} dB of the best that this training "
        "reaches, on straight lines between validations",
        "ratio",
    ),
    "share of a step spent on data": Measure(
        "the share of the time between validations in which training waits for its next batch", "share"
    ),
}

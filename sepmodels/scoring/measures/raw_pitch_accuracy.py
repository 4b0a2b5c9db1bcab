"""Raw pitch accuracy: whether the melody of the singing can be read off the estimate."""

from sepmodels.scoring.measure import Measure, Signals
from sepmodels.scoring.pitch import agreement, check


def raw_pitch_accuracy(signals: Signals) -> float:
    """In percent; NaN where nothing is sung. The truth is the labels, or the pitch tracked in the true vocals."""
    return 100 * agreement(signals.true_pitch, signals.estimated_pitch)["Raw Pitch Accuracy"]


MEASURE = Measure(
    name="RPA",
    says="In how many sung frames the pitch tracked in the estimate is right to half a semitone.",
    higher_is_better=True,
    unit="%",
    source="Salamon et al. 2014, Melody Extraction from Polyphonic Music Signals: raw pitch accuracy; mir_eval 0.8; "
    "pitch by SwiftF0",
    value=raw_pitch_accuracy,
    check=check,
    libraries=("mir_eval", "swift-f0", "onnxruntime"),
    targets=("vocals",),
)

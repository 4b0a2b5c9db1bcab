"""Overall accuracy of the melody: pitch where there is singing, and silence where there is none."""

from sepmodels.scoring.measure import Measure, Signals
from sepmodels.scoring.pitch import agreement, check


def overall_accuracy(signals: Signals) -> float:
    """In percent; NaN where nothing is sung. The truth is the labels, or the pitch tracked in the true vocals."""
    return 100 * agreement(signals.true_pitch, signals.estimated_pitch)["Overall Accuracy"]


MEASURE = Measure(
    name="OA",
    says="In how many frames the melody of the estimate is right: pitch where there is singing, else nothing.",
    higher_is_better=True,
    unit="%",
    source="Salamon et al. 2014, Melody Extraction from Polyphonic Music Signals: overall accuracy; mir_eval 0.8; "
    "pitch by SwiftF0",
    value=overall_accuracy,
    check=check,
    libraries=("mir_eval", "swift-f0", "onnxruntime"),
    targets=("vocals",),
)

"""What is known of a trained system beside its scores: its size, its training, its speed."""

import pandas as pd

PROCESSOR_SECONDS = "processor seconds per second of music"


def figures_of_trainings(trainings: pd.DataFrame, processes: int) -> dict[str, float]:
    """Means over a system's trainings, by the headings of the table.

    Minutes are those that passed, beside whatever else ran then. What a training costs is told in processor time, which
    that leaves alone; on a GPU, and of several processes, it is not known.

    trainings: of one system (:class:`sepmodels.training.train.TrainingReport`). processes: of each training.
    """
    figures = {
        "million parameters": float(trainings.parameters.mean()) / 1e6,
        "training steps": float(trainings.steps.mean()),
        "training minutes": float(trainings.seconds.mean()) / 60,
    }
    if (trainings.device == "cpu").all() and processes == 1:
        figures["training processor minutes"] = float(trainings.processor_seconds.mean()) / 60
    return figures


def figures_of_separations(separations: pd.DataFrame) -> dict[str, float]:
    """The processor time of a system's separations, for each second of music; nothing where a GPU did it.

    separations: of one system: device, processor_seconds and audio_seconds, a row for each.
    """
    if separations.empty or not (separations.device == "cpu").all():
        return {}
    return {PROCESSOR_SECONDS: float(separations.processor_seconds.sum() / separations.audio_seconds.sum())}

"""The figures of trainings by which claims are judged: times, steps to converge, the share spent on data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sepmodels.results.claims.measures import MEASURES, NEAR_THE_BEST_DB


def training_measures(trainings: pd.DataFrame, separations: pd.DataFrame, histories: pd.DataFrame) -> pd.DataFrame:
    """The figures of every training: columns variant, seed, device, and the measures that are no scores, by name.

    NaN where a figure was not kept.

    Args:
        trainings: variant, seed, and the fields of :class:`sepmodels.training.train.TrainingReport`.
        separations: variant, seed, seconds, processor_seconds and audio_seconds, a row for each track.
        histories: variant, seed, step, name, value.
    """
    keys = ["variant", "seed"]
    if trainings.empty:
        return pd.DataFrame(columns=[*keys, "device", *MEASURES])
    table = trainings[[*keys, "device", "steps"]].assign(
        **{
            "training time": _worked(trainings, trainings.device) / trainings.steps,
            "share of a step spent on data": trainings.data_share,
        }
    )
    sums = separations.groupby(keys).sum(numeric_only=True).reindex(pd.MultiIndex.from_frame(table[keys]))
    sums = sums.set_index(table.index).reindex(columns=["seconds", "processor_seconds", "audio_seconds"])
    table["separation time"] = _worked(sums, table.device) / sums.audio_seconds
    curves = histories[histories.name == "validation_sdr_db"].sort_values("step").groupby(keys)
    reached = {key: steps_to_converge(rows.step.to_list(), rows.value.to_list()) for key, rows in curves}
    table["steps to converge"] = [reached.get(key, np.nan) for key in zip(table.variant, table.seed, strict=True)]
    return table.drop(columns="steps")


def _worked(figures: pd.DataFrame, devices: pd.Series) -> pd.Series:
    """Seconds that the work took: of the processors on a CPU (NaN where they were not counted), else by the clock."""
    processor = figures.get("processor_seconds", pd.Series(np.nan, figures.index))
    return processor.where(devices.str.startswith("cpu"), figures.seconds)


def steps_to_converge(steps: Sequence[int], sdr_db: Sequence[float]) -> float:
    """The step at which the SDR first comes within 0.5 dB of its best, on straight lines between validations.

    A loss of one kind cannot be compared with one of another; the SDR can. It is the training's own best, so that one
    that ends low may well converge early: how high it ends is another question. NaN where there is no SDR.

    >>> steps_to_converge([100, 200, 300], [1.0, 3.0, 3.4])
    195.0
    """
    if not len(sdr_db):
        return np.nan
    level = max(sdr_db) - NEAR_THE_BEST_DB
    place = next(place for place, value in enumerate(sdr_db) if value >= level)
    if place == 0:
        return float(steps[0])
    before, after = sdr_db[place - 1], sdr_db[place]
    share = (level - before) / (after - before)
    return float(steps[place - 1] + share * (steps[place] - steps[place - 1]))

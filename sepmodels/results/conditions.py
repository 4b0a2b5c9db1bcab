"""Whether the trainings that a table compares were made alike, in what no recipe says."""

from collections.abc import Iterator, Mapping

import pandas as pd

# Fields of sepmodels.training.train.TrainingReport -> what they are in a sentence
CONDITIONS = {"precision": "precision", "hardware": "hardware", "libraries": "library versions"}


def unlike(trainings: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each condition in which trainings differ: which of them had what.

    Rounding differs with all of these, and half precision may reach another result: where variants differ in them,
    a difference between their scores need not be the change's.

    trainings: columns variant, seed, and of :data:`CONDITIONS` those that are known.

    >>> alike = pd.DataFrame({"variant": ["a", "a", "b"], "seed": [1, 2, 1], "precision": "32"})
    >>> list(unlike(alike, {"a": "A", "b": "B"}))
    []
    >>> list(unlike(alike.assign(precision=["32", "bf16", "bf16"]), {"a": "A", "b": "B"}))
    ['The trainings differ in precision: 32 (A, seed 1), bf16 (A, seed 2; B).']
    """
    for name, words in CONDITIONS.items():
        if name in trainings and trainings[name].nunique() > 1:
            had = (
                f"{value} ({_whose(trainings, rows, titles)})" for value, rows in trainings.groupby(name, sort=False)
            )
            yield f"The trainings differ in {words}: {', '.join(had)}."


def _whose(trainings: pd.DataFrame, rows: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """The systems of some trainings; with their seeds where not all of a system's are among them."""
    parts = []
    for variant, own in rows.groupby("variant", sort=False):
        title = titles.get(variant, variant)
        some = len(own) < (trainings.variant == variant).sum()
        seeds = f", seed{'s' if len(own) > 1 else ''} {', '.join(map(str, own.seed))}" if some else ""
        parts.append(f"{title}{seeds}")
    return "; ".join(parts)

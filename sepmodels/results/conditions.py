"""Whether the trainings that a table compares were made on equal terms: budget, data, code, precision, machine."""

from collections.abc import Iterator, Mapping

import pandas as pd

MARK = "(!)"  # behind the name of a row that is not on equal terms with the baseline
MARK_MEANS = (
    f"{MARK} marks what is not on equal terms with {{}}: budget, data, code, precision, hardware, library versions or "
    "trials of a sweep differ, or it is stale."
)
# Columns of a table of trainings -> what they are in a sentence. Settings of trainings, such as training.steps, have
# columns of their own names.
CONDITIONS = {
    "seeds": "seeds",
    "data": "training data",
    "code": "code",
    "precision": "precision",
    "hardware": "hardware",
    "libraries": "library versions",
    "trials": "trials of a sweep",
}


def unlike(trainings: pd.DataFrame, titles: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each condition in which trainings differ: which of them had what.

    More steps or other data may better any model. Rounding differs with precision, hardware and library versions, and
    half precision may reach another result. Where variants differ in these, a difference between their scores need not
    be the change's.

    trainings: columns variant, seed, and of the conditions those that are known.

    >>> alike = pd.DataFrame({"variant": ["a", "a", "b"], "seed": [1, 2, 1], "precision": "32"})
    >>> list(unlike(alike, {"a": "A", "b": "B"}))
    []
    >>> list(unlike(alike.assign(precision=["32", "bf16", "bf16"]), {"a": "A", "b": "B"}))
    ['The trainings differ in precision: 32 (A, seed 1), bf16 (A, seed 2; B).']
    """
    for name, words in _conditions(trainings).items():
        if trainings[name].nunique() > 1:
            had = (
                f"{value} ({_whose(trainings, rows, titles)})" for value, rows in trainings.groupby(name, sort=False)
            )
            yield f"The trainings differ in {words}: {', '.join(had)}."


def unequal(trainings: pd.DataFrame, baseline: str) -> dict[str, list[str]]:
    """Of each variant, in what its trainings differ from the baseline's.

    >>> steps = pd.DataFrame({"variant": ["a", "b"], "seed": 1, "training.steps": ["200", "20"]})
    >>> unequal(steps, "a")
    {'b': ['training.steps 20 against 200']}
    """
    found: dict[str, list[str]] = {}
    for name, words in _conditions(trainings).items():
        there = trainings.dropna(subset=name)
        had = {variant: tuple(dict.fromkeys(values)) for variant, values in there.groupby("variant")[name]}
        for variant, values in had.items():
            if baseline in had and set(values) != set(had[baseline]):
                told = f"{words} {' and '.join(values)} against {' and '.join(had[baseline])}"
                found.setdefault(str(variant), []).append(told)
    return found


def terms_between(trainings: pd.DataFrame, stale: Mapping[str, str], first: str, second: str | None) -> str:
    """In what two systems that are compared are not on equal terms, in words; empty where they are.

    stale: of each system that is not up to date, why.

    >>> steps = pd.DataFrame({"variant": ["a", "b"], "seed": 1, "training.steps": ["200", "20"]})
    >>> terms_between(steps, {"a": "the model changed"}, "b", "a")
    'training.steps 20 against 200; a is stale (the model changed)'
    """
    both = [name for name in (first, second) if name is not None]
    own = trainings[trainings.variant.isin(both)]
    differing = unequal(own, second).get(first, []) if second is not None else []
    return "; ".join([*differing, *(f"{name} is stale ({stale[name]})" for name in both if name in stale)])


def _conditions(trainings: pd.DataFrame) -> dict[str, str]:
    """The columns that are conditions, with their words. What is not known of a training, or is its own, is None."""
    settings = {name: name for name in trainings.columns if name.startswith("training.")}
    return {name: words for name, words in {**settings, **CONDITIONS}.items() if name in trainings}


def _whose(trainings: pd.DataFrame, rows: pd.DataFrame, titles: Mapping[str, str]) -> str:
    """The systems of some trainings; with their seeds where not all of a system's are among them."""
    parts = []
    for variant, own in rows.groupby("variant", sort=False):
        title = titles.get(variant, variant)
        some = len(own) < (trainings.variant == variant).sum()
        seeds = f", seed{'s' if len(own) > 1 else ''} {', '.join(map(str, own.seed))}" if some else ""
        parts.append(f"{title}{seeds}")
    return "; ".join(parts)

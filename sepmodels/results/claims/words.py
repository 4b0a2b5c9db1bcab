"""Judged claims in words: the evidence in a line, and the list as Markdown."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from sepmodels.results.across import HEADING
from sepmodels.results.artists import counted as counted_tracks
from sepmodels.results.claims.judging import VERDICTS
from sepmodels.results.markdown import table

LARGEST_SHOWN = 500.0  # dB or %: a wider interval says only that hardly anything is known
NOTE = (
    "A claim is supported or refuted where the interval of its figure lies wholly on one side of its margin, so "
    "that it holds for other tracks and other trainings. Interval and p allow for the number of claims (Holm): "
    "the chance that any verdict of the list is wrong is 5 % at most. One training each decides nothing."
)

ELSEWHERE = (
    "Each set is judged by itself: its verdicts allow for the number of claims on that set. Claims on trainings and "
    "times are not of a test set."
)


def counted(claims: pd.DataFrame) -> str:
    """How many claims are supported, refuted and undecided.

    >>> counted(pd.DataFrame({"verdict": ["undecided", "supported", "undecided"]}))
    '1 supported, 0 refuted, 2 undecided'
    """
    return ", ".join(f"{(claims.verdict == verdict).sum()} {verdict}" for verdict in VERDICTS)


def evidence(row: Mapping[str, Any]) -> str:
    """The figure with interval, p, trainings and tracks; why it decides nothing, where it does not.

    Where the systems are not on equal terms, in what.
    """
    figure = "" if math.isnan(row["figure"]) else _figure(row)
    samples = "" if math.isnan(row["p"]) else _samples(row)  # where there is no p, the reason tells of them
    terms = f"not on equal terms: {row['unequal']}" if row.get("unequal") else ""
    return "; ".join(part for part in (figure, samples, row["reason"], terms) if part)


def margin(row: Mapping[str, Any]) -> str:
    """What the claim says, in numbers.

    >>> margin({"measure": "SDR", "direction": "lower", "second": "b", "margin": 0.5, "unit": "dB"})
    'SDR lower by more than 0.5 dB'
    """
    size = f"{row['margin']:g} dB" if row["unit"] == "dB" else f"{100 * row['margin']:g} %"
    if row["direction"] == "equal":
        return f"{row['measure']} equal within {size}"
    if row["second"] is None or pd.isna(row["second"]):
        return f"{row['measure']} {row['direction']} than {size}"
    return f"{row['measure']} {row['direction']}" + (f" by more than {size}" if row["margin"] else "")


def claims_markdown(claims: pd.DataFrame) -> str:
    """The whole list: a row per claim with its verdict and evidence, and what the words mean."""
    rows = [
        [row["sentence"], f"**{row['verdict']}**", margin(row), evidence(row), row["source"]]
        for row in claims.to_dict("records")
    ]
    heads = ["Claim", "Verdict", "Judged by", "Evidence", "Where it stands"]
    return "\n\n".join([f"{counted(claims)}.", table(heads, rows), NOTE]) + "\n"


def claims_elsewhere(claims: pd.DataFrame, others: Mapping[str, pd.DataFrame]) -> str:
    """What follows that list where there are other test sets: the verdict on each of them, beside the profile's own.

    others: the claims on scores by the set's name, each set judged by itself.
    """
    rows = [
        [row["sentence"], row["verdict"], *(judged_there(others[name], row["claim"]) for name in others)]
        for row in claims.to_dict("records")
    ]
    heads = ["Claim", "On the own test split", *(f"On {name}" for name in others)]
    return "\n\n".join([HEADING, table(heads, rows), ELSEWHERE]) + "\n"


def judged_there(claims: pd.DataFrame, claim: str) -> str:
    """The verdict on a claim on another test set, with its evidence; empty where it is not judged there."""
    found = claims[claims.claim == claim].to_dict("records")
    return f"**{found[0]['verdict']}**: {evidence(found[0])}" if found else "not by scores"


def _figure(row: Mapping[str, Any]) -> str:
    one = row["second"] is None or pd.isna(row["second"])
    spec = (".2f" if row["unit"] == "dB" else ".1f") if one else ("+.2f" if row["unit"] == "dB" else "+.1f")
    said = f"{row['measure']} {row['figure']:{spec}} {row['unit']}"
    if math.isnan(row["p_holm"]):
        return said
    p = "p < 0.001" if row["p_holm"] < 0.001 else f"p = {row['p_holm']:.2g}"
    if row["high"] - row["low"] > 2 * LARGEST_SHOWN:
        return f"{said} ({p})"
    return f"{said} ({row['low']:{spec}} to {row['high']:{spec}}, {p})"


def _samples(row: Mapping[str, Any]) -> str:
    """How many trainings and tracks the figure comes from."""
    counts = [int(count) for count in (row["first_seeds"], row["second_seeds"]) if count]
    said = []
    if counts:
        each = " each" if len(counts) == 2 and len(set(counts)) == 1 else ""
        said.append(f"{' and '.join(map(str, dict.fromkeys(counts)))} trainings{each}")
    if tracks := int(row["tracks"]):
        said.append(counted_tracks(tracks, int(row.get("samples", tracks))))  # older packs have tracks alone
    return ", ".join(said)

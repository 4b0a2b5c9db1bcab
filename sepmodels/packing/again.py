"""What follows from scores and trainings, made again: the table, the claims, and the figures beside the scores."""

from dataclasses import replace
from typing import Any, Protocol

import pandas as pd

from sepmodels.packing.facts import Facts
from sepmodels.results.claims.claims import Claim, checked
from sepmodels.results.claims.judging import judge
from sepmodels.results.claims.training_measures import training_measures
from sepmodels.results.conditions import terms_between
from sepmodels.results.per_track import TrackTable
from sepmodels.results.results import Results
from sepmodels.results.system_figures import figures_of_separations, figures_of_trainings
from sepmodels.results.table import make_results


class Tables(Protocol):
    """What a benchmark's results follow from: a pack's tables (:class:`sepmodels.packing.parts.Packed`), or several
    packs' together (:class:`sepmodels.packing.joining.Joined`)."""

    @property
    def facts(self) -> Facts: ...
    @property
    def scores(self) -> pd.DataFrame: ...
    @property
    def trainings(self) -> pd.DataFrame: ...
    @property
    def separations(self) -> pd.DataFrame: ...
    @property
    def curves(self) -> pd.DataFrame: ...
    @property
    def figures(self) -> pd.DataFrame: ...
    @property
    def claims(self) -> pd.DataFrame: ...


def results_again(tables: Tables) -> Results:
    """The table, its comparisons and its sentences, from the scores of every window."""
    facts = tables.facts
    again = make_results(
        tables.scores,
        facts.expected,
        baseline=facts.baseline,
        figures=tables.figures,
        trainings=tables.trainings[tables.trainings.variant.isin([one.name for one in facts.scored])],
        dataset=facts.profile,
        by=facts.statistics_by,
    )
    return replace(again, notes=(*again.notes, *facts.notes), shared_notes=(*again.shared_notes, *facts.notes))


def said_of(results: Results) -> dict[str, Any]:
    """Sentences, notes and what else is said of a table, as ``said.json`` has it."""
    lists = {name: list(getattr(results, name)) for name in ("notes", "shared_notes", "missing")}
    return {"scenario": results.scenario, "sentences": results.sentences, **lists}


def claims_again(tables: Tables) -> pd.DataFrame:
    """The verdict on each claim, from the claim as it is packed, the scores and the trainings."""
    claims = checked(
        Claim(
            **{name: getattr(row, name) for name in ("sentence", "source", "first", "measure", "direction")},
            name=row.claim,
            second=None if pd.isna(row.second) else row.second,
            margin=float(row.margin),
            seeds=int(row.least_seeds),
            of=getattr(row, "of", "vocals"),  # packs of before any target could be chosen do not say it
        )
        for row in tables.claims.itertuples()
    )
    known = [one.name for one in tables.facts.expected]
    trained = tables.trainings[tables.trainings.variant.isin(known)]
    measures = training_measures(trained, tables.separations, tables.curves)
    fixed = {one.name for one in tables.facts.expected if not one.seeded}
    again = judge(claims, TrackTable(tables.scores, tables.facts.statistics_by), measures, fixed)
    again["unequal"] = [terms_between(tables.trainings, {}, one.first, one.second) for one in claims]
    return again


def figures_again(tables: Tables, name: str) -> dict[str, float]:
    """Size, steps and times of a system, from its trainings and separations."""
    trainings = tables.trainings[tables.trainings.variant == name]
    separations = tables.separations[tables.separations.variant == name]
    trained = figures_of_trainings(trainings, tables.facts.processes) if len(trainings) else {}
    return trained | figures_of_separations(separations)

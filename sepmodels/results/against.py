"""What a table says against one baseline: comparisons, sentences, notes, and which rows are on equal terms with it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sepmodels.results.artists import BY_DEFAULT, By
from sepmodels.results.comparisons import compare, control
from sepmodels.results.conditions import MARK_MEANS, unequal
from sepmodels.results.fair import shared_tracks_notes
from sepmodels.results.imported import comparable
from sepmodels.results.per_track import TrackTable
from sepmodels.results.sentences import KNOWN_SEED_SPREAD, notes, seed_spread, sentence, unequal_terms
from sepmodels.systems.system import System, in_table_order


@dataclass(frozen=True)
class Against:
    """What a table says against one baseline.

    comparisons, control: of :func:`sepmodels.results.comparisons.compare` and
        :func:`~sepmodels.results.comparisons.control`.
    sentences: of each compared system, what it did to the target.
    notes: sentences that are other ones with another baseline.
    unequal: of each system, in what it is not on equal terms with the baseline; empty where it is.
    """

    comparisons: pd.DataFrame
    control: pd.DataFrame
    sentences: Mapping[str, str]
    notes: Sequence[str]
    unequal: Mapping[str, str]


def against(
    table: TrackTable,
    systems: Sequence[System],
    baseline: str,
    trainings: pd.DataFrame | None = None,
    stale: Mapping[str, str] | None = None,
) -> Against:
    """What the table says against this baseline.

    systems: those of the table that have scores. trainings, stale: as :func:`sepmodels.results.table.make_results` has
        them.
    """
    titles = {one.name: one.title for one in systems}
    baseline_title = titles.get(baseline, baseline)
    changed = [one.name for one in systems if one.compared and one.name != baseline]
    seeded = {one.name for one in systems if one.seeded}
    fixed = {one.name for one in systems if not one.seeded}
    comparisons, again = compare(table, changed, baseline, fixed=fixed), control(table, baseline)
    trained = table.by_seed().loc[lambda rows: rows.variant.isin(seeded)]
    spread = seed_spread(trained) or KNOWN_SEED_SPREAD
    terms = _terms(trainings, stale or {}, baseline, [one.name for one in systems])
    own = next((one for one in systems if one.name == baseline), None)
    return Against(
        comparisons=comparisons,
        control=again,
        sentences={
            name: sentence(
                comparisons[comparisons.variant == name],
                titles[name],
                baseline_title,
                spread if name in seeded else None,
            )
            + unequal_terms(terms[name], terms[baseline], baseline_title)
            for name in changed
        },
        notes=(
            *notes(comparisons, again, baseline_title),
            *([MARK_MEANS.format(baseline_title)] if any(terms.values()) else ()),
            *(shared_tracks_notes(systems, table, own) if own else ()),
        ),
        unequal=terms,
    )


def against_others(
    scores: pd.DataFrame,
    systems: Iterable[System],
    baseline: str,
    trainings: pd.DataFrame | None = None,
    stale: Mapping[str, str] | None = None,
    by: By = BY_DEFAULT,
) -> Iterator[tuple[str, Against]]:
    """What the table says against each other system that is compared: its name, and what is said.

    scores, systems, trainings, stale, by: as :func:`sepmodels.results.table.make_results` has them. Thirty rows of
    three seeds on fifty tracks are 870 comparisons, and take half a minute.
    """
    expected = in_table_order(systems)
    table = TrackTable(comparable(scores, [one.name for one in expected if one.place == "elsewhere"]), by)
    there = [one for one in expected if one.name in table.variants]
    for one in there:
        if one.compared and one.name != baseline:
            yield one.name, against(table, there, one.name, trainings, stale)


def _terms(
    trainings: pd.DataFrame | None, stale: Mapping[str, str], baseline: str, names: Iterable[str]
) -> dict[str, str]:
    """Of each system, in what it is not on equal terms with the baseline; empty where it is."""
    differing = {} if trainings is None else unequal(trainings, baseline)
    return {
        name: "; ".join([*differing.get(name, ()), *([f"stale ({stale[name]})"] if name in stale else [])])
        for name in dict.fromkeys((*names, baseline))
    }

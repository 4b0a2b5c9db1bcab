"""The claims, judged by what has been scored and trained."""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import histories
from assets.making.other_music import jobs_on, remove_all_but, stale_on
from assets.making.table import scores_of, stale_systems, trainings, with_terms
from sepmodels.files import hash_texts, replacing


def make_claims(job: Job) -> Made:
    """Judge every claim of the list by the scores and trainings that there are."""
    from sepmodels.results.claims.claims import CLAIMS
    from sepmodels.results.claims.judging import VERDICTS, judge
    from sepmodels.results.per_track import TrackTable

    scores = TrackTable(scores_of(job), job.profile.statistics_by)
    claims = judge(CLAIMS, scores, _figures_of_trainings(job), {one.name for one in job.systems if not one.seeded})
    claims["unequal"] = _terms(job, claims, stale_systems(job.origins()))
    others = _elsewhere(job)
    _write(claims, others, job.paths.claims)
    counts = {verdict: int((claims.verdict == verdict).sum()) for verdict in VERDICTS}
    lasting = [table.to_csv(index=False) for one in (claims, *others.values()) for table in _lasting(one)]
    return Made(hash_texts(lasting), counts)


def _elsewhere(job: Job) -> dict[str, pd.DataFrame]:
    """By the name of each other test set the claims on scores, judged there by themselves."""
    from sepmodels.results.claims.claims import CLAIMS
    from sepmodels.results.claims.judging import judge
    from sepmodels.results.claims.measures import MEASURES
    from sepmodels.results.per_track import TrackTable

    on_scores = [claim for claim in CLAIMS if MEASURES[claim.measure].kind == "score"]
    found = {}
    for one, on in jobs_on(job):
        fixed = {system.name for system in on.systems if not system.seeded}
        claims = judge(
            on_scores, TrackTable(scores_of(on), job.profile.statistics_by), _figures_of_trainings(on), fixed
        )
        claims["unequal"] = _terms(on, claims, stale_on(job.origins(), one.name))
        found[one.name] = claims
    return found


def _terms(job: Job, claims: pd.DataFrame, stale: Mapping[str, str]) -> list[str]:
    """Of each claim, in what its systems are not on equal terms. stale: why systems are not up to date."""
    from sepmodels.results.conditions import terms_between

    made = with_terms(trainings(job.paths, [one.name for one in job.systems]), job.origins(), job.systems)
    return [terms_between(made, stale, one.first, one.second) for one in claims.itertuples()]


def claimed_systems(names: Iterable[str]) -> list[str]:
    """Those of the systems that a claim of the list is on."""
    from sepmodels.results.claims.claims import CLAIMS

    named = {name for claim in CLAIMS for name in (claim.first, claim.second)}
    return [name for name in names if name in named]


def _figures_of_trainings(job: Job) -> pd.DataFrame:
    """The figures of every training that there is, by the measures that are no scores."""
    from sepmodels.results.claims.training_measures import training_measures

    trained = [one.name for one in job.systems if job.paths.training_figures(one.name).exists()]
    files = [job.paths.separation_figures(name) for name in trained]
    times = [pd.read_parquet(file).assign(variant=file.parent.name) for file in files if file.exists()]
    separations = pd.concat(times, ignore_index=True) if times else pd.DataFrame(columns=["variant", "seed"])
    curves = histories(job.paths, trained, job.profile.seeds)
    return training_measures(trainings(job.paths, trained), separations, curves)


def _write(claims: pd.DataFrame, others: Mapping[str, pd.DataFrame], folder: Path) -> None:
    """others: the claims judged on other test sets, which have a folder each."""
    from sepmodels.results.claims.words import claims_elsewhere, claims_markdown

    for place, table in ((folder, claims), *((folder / name, table) for name, table in others.items())):
        for file, write in (("claims.parquet", table.to_parquet), ("claims.csv", table.to_csv)):
            with replacing(place / file) as temporary:
                write(temporary, index=False)
    remove_all_but(folder, others)
    beside = f"\n{claims_elsewhere(claims, others)}" if others else ""
    with replacing(folder / "claims.md") as temporary:
        temporary.write_text(claims_markdown(claims) + beside, encoding="utf-8")


def _lasting(claims: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What two runs that did the same have in common: all verdicts, and figures other than times."""
    from sepmodels.results.claims.measures import MEASURES

    by_scores = claims.measure.map(lambda name: MEASURES[name].kind == "score").astype(bool)
    verdicts = claims[["claim", "sentence", "source", "verdict", "unequal"]]
    return verdicts, claims.loc[by_scores, ["claim", "figure", "p"]]

"""The claims, judged by what has been scored and trained."""

from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from assets.job import Job, Made
from assets.making.checkpoint import histories
from assets.making.table import scored, stale_systems, trainings, with_terms
from sepmodels.files import hash_texts, replacing


def make_claims(job: Job) -> Made:
    """Judge every claim of the list by the scores and trainings that there are."""
    from sepmodels.results.claims.claims import CLAIMS
    from sepmodels.results.claims.judging import VERDICTS, judge
    from sepmodels.results.per_track import TrackTable

    tables = [pd.read_parquet(job.paths.scores(one.name)) for one in scored(job)]
    scores = TrackTable(pd.concat(tables, ignore_index=True))
    claims = judge(CLAIMS, scores, _figures_of_trainings(job), {one.name for one in job.systems if not one.seeded})
    claims["unequal"] = _terms(job, claims)
    _write(claims, job.paths.claims)
    counts = {verdict: int((claims.verdict == verdict).sum()) for verdict in VERDICTS}
    return Made(hash_texts(table.to_csv(index=False) for table in _lasting(claims)), counts)


def _terms(job: Job, claims: pd.DataFrame) -> list[str]:
    """Of each claim, in what its systems are not on equal terms."""
    from sepmodels.results.conditions import terms_between

    known = job.origins()
    made = with_terms(trainings(job.paths, [one.name for one in job.systems]), known, job.systems)
    stale = stale_systems(known)
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


def _write(claims: pd.DataFrame, folder: Path) -> None:
    from sepmodels.results.claims.words import claims_markdown

    for name, write in (("claims.parquet", claims.to_parquet), ("claims.csv", claims.to_csv)):
        with replacing(folder / name) as temporary:
            write(temporary, index=False)
    with replacing(folder / "claims.md") as temporary:
        temporary.write_text(claims_markdown(claims), encoding="utf-8")


def _lasting(claims: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What two runs that did the same have in common: all verdicts, and figures other than times."""
    from sepmodels.results.claims.measures import MEASURES

    by_scores = claims.measure.map(lambda name: MEASURES[name].kind == "score").astype(bool)
    verdicts = claims[["claim", "sentence", "source", "verdict", "unequal"]]
    return verdicts, claims.loc[by_scores, ["claim", "figure", "p"]]

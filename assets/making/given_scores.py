"""Scores that a person was given, as they are."""

from assets.job import Job, Made
from sepmodels.files import hash_texts, replacing


def make_given_scores(job: Job) -> Made:
    """Read the system's scores into the form of ours."""
    from sepmodels.dataset.stem_cache import cached_names
    from sepmodels.results.given import read_given_scores

    table, said = read_given_scores(job.own.scores, job.name, cached_names(job.paths.stems("test")), job.profile.target)
    for sentence in said:
        job.say(sentence)
    with replacing(job.paths.scores(job.name)) as temporary:
        table.to_parquet(temporary, index=False)
    figures = {"tracks": int(table.track.nunique()), "findings": " ".join(said)}
    return Made(hash_texts([table.to_csv(index=False)]), figures)

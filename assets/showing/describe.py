"""What is shown of a product: metadata in Dagster, figures and files in MLflow. Nothing here makes a step stale."""

import math
from collections.abc import Iterator

import dagster as dg
import pandas as pd

from assets.job import Job, Made
from assets.other_test_sets import paths_on
from assets.paths import Paths
from assets.staleness.products import products
from assets.step import Step
from assets.tracking.pages import REPORT
from assets.tracking.run import TrackedRun
from sepmodels.dataset.other_test_sets import other_test_sets
from sepmodels.systems.outside_variants import OutsideVariant

DIGITS = 4
TRACK_COLUMNS = {
    "name": "track",
    "split": "split",
    "duration_seconds": "seconds",
    "vocal_activity": "share with voice",
    "mixture_deviation_db": "mixture over what its stems' sum misses, dB (the more, the better)",
}


def describe(step: Step, job: Job, made: Made) -> dict[str, dg.MetadataValue]:
    """The asset's metadata: a table, a picture or a curve where there is one, its figures, and where its files are."""
    figures = {name: _value(value) for name, value in made.figures.items() if value != ""}
    show = {"tracks": _track_table, "checkpoint": _curves, "estimates": _estimate}
    show |= {"results": _result_table, "claims": _claims_table, "report": _report_link}
    pictures = show[step.part[-1]](job) if step.part[-1] in show else {}
    paths = list(products(step, job.profile, job.paths))
    names = ["path"] if len(paths) == 1 else [f"path_seed_{seed}" for seed in job.profile.seeds]
    return {
        **pictures,
        **figures,
        **{name: dg.MetadataValue.path(str(path)) for name, path in zip(names, paths, strict=True)},
    }


def keep(step: Step, job: Job, made: Made, run: TrackedRun) -> None:
    """Put the step's figures, files and, of a checkpoint, its model into the MLflow run."""
    numbers = {name: float(value) for name, value in made.figures.items() if isinstance(value, (int, float))}
    run.log({name: value for name, value in numbers.items() if math.isfinite(value)}, 0)
    if step.part[-1] in ("tracks", "statistics", "scores", "measures", "results", "claims", "report"):
        for path in products(step, job.profile, job.paths):
            run.artifact(path)
    if step.part[-1] == "results":
        run.note_test_scores(job.profile.name, *_tables(job.paths))
        for name, paths in _places_on(job).items():
            run.note_test_scores(job.profile.name, *_tables(paths), test_set=name)
    if step.part[-1] == "checkpoint":
        _keep_checkpoint(job, run)
    if step.part[-1] == "estimates":
        from assets.showing.pictures import write_estimate_picture

        run.artifact(write_estimate_picture(job))
    if step.part[-1] == "report":
        run.artifact(job.paths.report / "figures")


def _places_on(job: Job) -> dict[str, Paths]:
    """Where the products of each other test set lie that has a table."""
    places = {one.name: paths_on(job.paths, one) for one in other_test_sets(job.profile)}
    return {name: paths for name, paths in places.items() if (paths.results / "results.parquet").exists()}


def _tables(paths: Paths) -> Iterator[pd.DataFrame]:
    """The table, and that of each seed."""
    yield from (pd.read_parquet(paths.results / f"{name}.parquet") for name in ("results", "by_seed"))


def _keep_checkpoint(job: Job, run: TrackedRun) -> None:
    from assets.showing.curves import loss_figure
    from assets.tracking.registry import model_name

    run.figure("loss", loss_figure(job.paths, [job.name], job.profile.seeds))
    for seed in job.profile.seeds:
        run.artifact(job.paths.history(job.name, seed), f"seed_{seed}")
    figures = pd.read_parquet(job.paths.training_figures(job.name))
    if len(job.profile.seeds) > 1:
        _keep_figures_of_seeds(figures, run)
    training = figures.iloc[0]
    run.register(
        job.paths.model(job.name, job.profile.seeds[0]),
        model_name(job.profile.name, job.name),
        f"{job.variant.title}, trained on {job.profile.name}. {job.variant.summary}",
        float(training.best_validation_sdr_db),
        job.variant.code if isinstance(job.variant, OutsideVariant) else (),
    )


def _keep_figures_of_seeds(figures: pd.DataFrame, run: TrackedRun) -> None:
    """Log with each seed's run what the training's has the means of."""
    for seed, row in figures.set_index("seed").select_dtypes("number").iterrows():
        if own := run.of_seed(int(seed)):
            own.log({name: value for name, value in row.items() if math.isfinite(value)}, 0)


def _value(value: float | int | str) -> dg.MetadataValue:
    if isinstance(value, str):
        return dg.MetadataValue.text(value)
    return dg.MetadataValue.int(value) if isinstance(value, int) else dg.MetadataValue.float(_rounded(float(value)))


def _rounded(value: float) -> float:
    """To the digits that a person reads.

    >>> _rounded(-2.6255544424057007)
    -2.626
    """
    return float(f"{value:.{DIGITS}g}")


def _track_table(job: Job) -> dict[str, dg.MetadataValue]:
    table = pd.read_parquet(job.paths.tracks)
    return {
        "tracks_table": dg.MetadataValue.md(
            table[list(TRACK_COLUMNS)].rename(columns=TRACK_COLUMNS).round(2).to_markdown(index=False)
        ),
        **_health(job, table),
        **_scored_rates(job, table),
    }


def _scored_rates(job: Job, table: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """At which rate tracks are scored whose files have a low one."""
    from sepmodels.dataset.rates import rates_sentence

    said = rates_sentence(table.source_sample_rate_hz.astype(int), job.profile.scoring_rate)
    if not said:
        return {}
    job.say(said)
    return {"scored_at": dg.MetadataValue.text(said)}


def _health(job: Job, table: pd.DataFrame) -> dict[str, dg.MetadataValue]:
    """The known faults of the data, in a sentence and as a table, also in the run's log."""
    from sepmodels.dataset.health import health_summary, health_table

    health = health_table(table, chunk_seconds=job.profile.training.chunk_seconds)
    summary = health_summary(health, len(table))
    job.say(" ".join([summary, *(f"{row.track}: {row.finding}" for row in health.itertuples())]))
    shown = health if len(health) else pd.DataFrame({"health": [summary]})
    return {
        "health": dg.MetadataValue.text(summary),
        "health_table": dg.MetadataValue.md(shown.to_markdown(index=False)),
    }


def _curves(job: Job) -> dict[str, dg.MetadataValue]:
    from assets.showing.curves import loss_picture

    picture = loss_picture(job.paths, job.name, job.profile.seeds)
    return {"loss_curve": dg.MetadataValue.md(f"![loss over steps]({picture})")}


def _estimate(job: Job) -> dict[str, dg.MetadataValue]:
    from assets.showing.pictures import as_markdown

    picture = as_markdown(job.paths.estimate_picture(job.name), "levels and spectrograms of one track")
    return {"one_estimate": dg.MetadataValue.md(picture)}


def _result_table(job: Job) -> dict[str, dg.MetadataValue]:
    return {"table": dg.MetadataValue.md((job.paths.results / "results.md").read_text(encoding="utf-8"))}


def _claims_table(job: Job) -> dict[str, dg.MetadataValue]:
    return {"claims": dg.MetadataValue.md((job.paths.claims / "claims.md").read_text(encoding="utf-8"))}


def _report_link(job: Job) -> dict[str, dg.MetadataValue]:
    from assets.showing.pictures import as_markdown

    figures = {
        "scores": "scores of every system on every track",
        "differences": "differences to the baseline, track by track",
    }
    pictures = {
        name: dg.MetadataValue.md(as_markdown(job.paths.report / "figures" / f"{name}.png", words))
        for name, words in figures.items()
    }
    return {"page": dg.MetadataValue.url(f"{REPORT}/"), **pictures}

"""The graph as plain data: every step of a profile's benchmark, what it makes, and what it needs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from assets.making import (
    checkpoint,
    claims,
    dataset,
    estimates,
    given_scores,
    measures,
    other_estimates,
    other_tracks,
    report,
    scores,
    table,
)
from assets.other_test_sets import moved, seen_on, systems_on
from assets.paths import Paths
from assets.runtime.hosts import pool_name
from assets.staleness.standing import Subject
from assets.staleness.step_version import subject_of
from assets.step import SEEDS, Step
from sepmodels.dataset.other_test_sets import TestSet, other_test_sets
from sepmodels.report import templates_hash
from sepmodels.settings import Profile, changed
from sepmodels.systems.added import Added
from sepmodels.systems.outside_variants import OutsideVariant
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant, own_training

# The libraries whose version can change the product of a step. musdb says which tracks validate.
DECODING = ("ffmpeg", "stempeg", "musdb", "numpy")
LEARNING = ("torch", "torchaudio", "numpy")
SCORING = ("museval", "numpy", "scipy")
STEMS = tuple(("stems", split) for split in dataset.SPLITS)


def benchmark_steps(profile: Profile, systems: Iterable[System]) -> list[Step]:
    """Every step, in an order in which each comes after what it needs."""
    systems = tuple(systems)
    beside = [step for one in other_test_sets(profile) for step in _steps_on(profile, systems, one)]
    chains: list[Step] = []
    for system in systems:
        chains += [_CHAIN[part](profile, system) for part in _parts(profile, system)]
        chains += [step for step in beside if step.name == system.name]
    shared = (*_shared_steps(profile), *(step for step in beside if not step.name))
    return [*shared, *chains, *_result_steps(profile, systems, beside)]


def _steps_on(profile: Profile, systems: Iterable[System], one: TestSet) -> Iterator[Step]:
    """The steps on a test set beside the profile's own: its tracks, and of each system what comes after training."""
    seen = seen_on(profile, one)
    for step in _shared_steps(seen):
        if step.path == ("tracks",):
            own = moved(replace(step, make=other_tracks.make_other_tracks), one)
            yield replace(own, needs=(*own.needs, ("tracks",)))
        elif step.path in (("dataset",), ("stems", "test")):
            yield moved(step, one)
    for system in systems_on(systems, one.name):
        yield from (moved(_CHAIN[part](seen, system), one) for part in _parts(seen, system) if part != "checkpoint")


def _shared_steps(profile: Profile) -> Iterator[Step]:
    found = {"dataset": profile.dataset}
    demo = profile.dataset.layout == "demo"
    yield Step(
        ("dataset",),
        dataset.make_demo_dataset if demo else dataset.make_dataset,
        group="data",
        description=f"The tracks of the dataset, found and verified. {profile.summary}",
        kinds=frozenset({"ffmpeg"}),
        settings=found,
        libraries=(*DECODING, "scipy") if demo else DECODING,
        files=dataset.given_files,
    )
    yield Step(
        ("tracks",),
        dataset.make_tracks,
        group="data",
        description="One row per track: name, split, length, loudness of each stem, vocal activity, faults.",
        needs=(("dataset",),),
        kinds=frozenset({"parquet"}),
        settings=found,
        libraries=(*DECODING, "scipy"),
    )
    splits = {"train": dataset.make_stems_train, "valid": dataset.make_stems_valid, "test": dataset.make_stems_test}
    words = {"train": "that models learn from", "valid": "that choose the best epoch", "test": "that are scored"}
    for split, make in splits.items():
        yield Step(
            ("stems", split),
            make,
            group="data",
            description=f"The decoded tracks {words[split]}: int16 arrays (stem, channel, sample), memory-mapped.",
            needs=(("tracks",),),
            kinds=frozenset({"numpy"}),
            settings=found,
            libraries=DECODING,
        )
    yield Step(
        ("statistics",),
        dataset.make_statistics,
        group="data",
        description="Mean and scale of every frequency bin over the training mixtures, for the models' input.",
        needs=(("stems", "train"),),
        kinds=frozenset({"parquet"}),
        libraries=LEARNING,
    )


def _checkpoint(profile: Profile, system: System) -> Step:
    assert isinstance(system, Variant)
    return Step(
        (system.name, "checkpoint"),
        checkpoint.make_checkpoint,
        group=system.group,
        description=f"{system.summary} Trained on the training split; the best epoch by validation loss is kept.",
        needs=(("stems", "train"), ("stems", "valid"), ("statistics",)),
        kinds=frozenset({"torch"}),
        settings={
            "variant": system,
            "training": own_training(system, profile.training),
            SEEDS: profile.seeds,
            "sample_rate_hz": profile.sample_rate_hz,
        },
        reaches=(*system.functions, system.loss if ":" in system.loss else f"sepmodels.training.losses:{system.loss}"),
        libraries=LEARNING,
        beside=_beside(system),
        pool=pool_name(),
        system=system,
    )


def _estimates(profile: Profile, system: System) -> Step:
    return _trained_estimates(profile, system) if isinstance(system, Variant) else _other_estimates(profile, system)


def _trained_estimates(profile: Profile, system: Variant) -> Step:
    return Step(
        (system.name, "estimates"),
        estimates.make_estimates,
        group=system.group,
        description="The vocals of every test track as the model hears them; the rest is the mixture minus these.",
        needs=((system.name, "checkpoint"), ("stems", "test")),
        kinds=frozenset({"torch", "wav"}),
        settings={"separation": profile.separation, "wiener_iterations": system.wiener_iterations},
        reaches=system.functions,
        libraries=LEARNING,
        beside=_beside(system),
        pool=pool_name(),
        system=system,
    )


def _beside(system: Variant) -> Path | None:
    """The modules that a variant from outside the project is made by."""
    return system.home if isinstance(system, OutsideVariant) else None


def _other_estimates(profile: Profile, system: System) -> Step:
    assert isinstance(system, Added)
    sources = tuple((needed, "estimates") for needed in system.needs)
    return Step(
        (system.name, "estimates"),
        other_estimates.make_estimates_by_models if system.by_models else other_estimates.make_other_estimates,
        group=system.group,
        description=f"{system.words} The vocals of every test track, as long as its mixture; the rest is the mixture "
        "minus these.",
        needs=(*sources, ("stems", "test")),
        kinds=frozenset({"wav"}),
        settings={"system": system, "version": system.version(), "sample_rate_hz": profile.sample_rate_hz},
        reaches=system.functions,
        libraries=("numpy", "scipy", *system.libraries),
        files=lambda _profile, _paths: system.files,
        system=system,
    )


def _given_scores(system: Added) -> Step:
    return Step(
        (system.name, "scores"),
        given_scores.make_given_scores,
        group=system.group,
        description=f"{system.words} Its scores as they were given, on the test tracks and targets of this benchmark.",
        needs=(("stems", "test"),),
        kinds=frozenset({"museval", "parquet"}),
        settings={"system": system.name},
        libraries=("pandas",),
        files=lambda _profile, _paths: system.files,
        system=system,
    )


def _scores(profile: Profile, system: System) -> Step:
    """Of estimates, where the chain has them; else the system makes its estimates as it is scored."""
    if not system.scored_here:
        assert isinstance(system, Added)
        return _given_scores(system)
    separated = "estimates" in system.chain
    of_files = scores.make_scores if system.seeded else scores.make_scores_of_one
    return Step(
        (system.name, "scores"),
        of_files if separated else scores.make_scores_from_stems,
        group=system.group,
        description="SDR, ISR, SIR and SAR of every test track, target and one-second window (BSSEval v4).",
        needs=(
            *(((system.name, "estimates"),) if separated else ()),
            ("stems", "test"),
            *((("tracks",),) if _scoring_rate(profile) else ()),
        ),
        kinds=frozenset({"museval", "parquet"}),
        settings={
            **({} if separated else {"sample_rate_hz": profile.sample_rate_hz, "reference": system}),
            **_scoring_rate(profile),
        },
        reaches=() if separated else system.functions,
        libraries=SCORING if separated else (*SCORING, "torch"),
        system=system,
    )


def _scoring_rate(profile: Profile) -> dict[str, str]:
    """The setting of that name where it counts."""
    return {"scoring_rate": profile.scoring_rate} if changed(profile, "scoring_rate") else {}


def _measures(profile: Profile, system: System) -> Step:
    from sepmodels.scoring.measures import chosen_measures, place_of

    chosen = chosen_measures(profile.measures)
    separated = "estimates" in system.chain
    return Step(
        (system.name, "measures"),
        measures.make_measures,
        group=system.group,
        description=f"{', '.join(one.name for one in chosen)} of every test track: measures beside BSSEval.",
        needs=(
            *(((system.name, "estimates"),) if separated else ()),
            ("stems", "test"),
            *((("tracks",),) if _scoring_rate(profile) else ()),
        ),
        kinds=frozenset({"parquet"}),
        settings={
            "measures": [one.name for one in chosen],
            **({} if separated else {"sample_rate_hz": profile.sample_rate_hz, "reference": system}),
            **_scoring_rate(profile),
        },
        reaches=(*(place_of(one) for one in chosen), *(() if separated else system.functions)),
        libraries=tuple(dict.fromkeys(("numpy", "scipy", *(name for one in chosen for name in one.libraries)))),
        files=lambda seen, _paths: measures.pitch_labels(seen),
        system=system,
    )


# What makes the step of each part of a chain.
_CHAIN = {"checkpoint": _checkpoint, "estimates": _estimates, "scores": _scores, "measures": _measures}


def _parts(profile: Profile, system: System) -> tuple[str, ...]:
    """The parts of a system's chain, and the measures beside BSSEval where the profile has any."""
    measured = profile.measures and system.scored_here
    return (*system.chain, "measures") if measured else system.chain


def _result_steps(profile: Profile, systems: Sequence[System], beside: Sequence[Step]) -> Iterator[Step]:
    """beside: the steps on other test sets."""
    chains = [(one.name, part) for one in systems for part in _parts(profile, one)]
    sets = other_test_sets(profile)
    of_sets: dict[str, object] = {"test_sets": [one.name for one in sets]} if sets else {}
    trials = table.trials_of(systems)
    searched = {"trials": trials} if trials else {}  # of tables where none had any, nothing is said
    yield Step(
        ("results",),
        table.make_table,
        group="results",
        description="The table: every system's scores with their uncertainty, and what each change brought.",
        needs=(*chains, ("tracks",), *(step.path for step in beside if step.path[0] == "tracks" or step.system)),
        kinds=frozenset({"parquet", "csv", "markdown"}),
        settings={
            "systems": [one.name for one in systems],
            "titles": {one.name: one.title for one in systems},
            "places": {one.name: one.place for one in systems},
            "profile": profile.name,
            "trained_on": {one.name: one.learnt_from for one in systems if isinstance(one, Added)},
            **_scoring_rate(profile),
            **searched,
            **of_sets,
        },
        libraries=("scipy", "numpy", "pandas"),
        files=lambda _profile, paths: paths.costs if paths.costs.is_dir() else None,
    )
    claimed = claims.claimed_systems(one.name for one in systems)
    yield Step(
        ("claims",),
        claims.make_claims,
        group="results",
        description="What others and we say of these systems, one by one: supported, refuted or undecided, and why.",
        needs=(
            *(step for step in chains if step[0] in claimed),
            *(step.path for step in beside if step.part[-1] == "scores" and step.name in claimed),
        ),
        kinds=frozenset({"parquet", "csv", "markdown"}),
        settings={**searched, **of_sets},
        libraries=("scipy", "numpy", "pandas"),
    )
    yield Step(
        ("report",),
        report.make_report,
        group="results",
        description="A site to open from disk: the table, figures, players to listen and compare, how it was made.",
        needs=(("results",), ("claims",), ("tracks",), ("stems", "test"), *chains, *(step.path for step in beside)),
        kinds=frozenset({"html"}),
        settings={
            "profile": profile,
            "templates": templates_hash(),
            "summaries": {one.name: one.words for one in systems},
            **of_sets,
        },
        libraries=("plotly", "matplotlib", "jinja2", "soundfile", "pyloudnorm", "scipy", "numpy", "pandas"),
    )


def benchmark_subjects(profile: Profile, paths: Paths, systems: Iterable[System]) -> list[Subject]:
    """All that :func:`assets.staleness.standing.standings` has to know of a profile's benchmark as it is now."""
    return [subject_of(step, profile, paths) for step in benchmark_steps(profile, systems)]

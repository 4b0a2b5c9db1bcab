"""The graph as plain data: every step of a profile's benchmark, what it makes, and what it needs."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from assets.chains import CHAIN, LEARNING, later_settings, parts_of
from assets.making import claims, dataset, other_tracks, report, table
from assets.other_test_sets import moved, seen_on, systems_on
from assets.paths import Paths
from assets.staleness.standing import Subject
from assets.staleness.step_version import subject_of
from assets.step import Step
from sepmodels.dataset.other_test_sets import TestSet, other_test_sets
from sepmodels.report import templates_hash
from sepmodels.settings import Profile
from sepmodels.systems.added import Added
from sepmodels.systems.system import System

# The libraries whose version can change the product of a step. musdb says which tracks validate.
DECODING = ("ffmpeg", "stempeg", "musdb", "numpy")
STEMS = tuple(("stems", split) for split in dataset.SPLITS)


def benchmark_steps(profile: Profile, systems: Iterable[System]) -> list[Step]:
    """Every step, in an order in which each comes after what it needs."""
    systems = tuple(systems)
    beside = [step for one in other_test_sets(profile) for step in _steps_on(profile, systems, one)]
    chains: list[Step] = []
    for system in systems:
        chains += [CHAIN[part](profile, system) for part in parts_of(profile, system)]
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
        yield from (moved(CHAIN[part](seen, system), one) for part in parts_of(seen, system) if part != "checkpoint")


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


def _result_steps(profile: Profile, systems: Sequence[System], beside: Sequence[Step]) -> Iterator[Step]:
    """beside: the steps on other test sets."""
    chains = [(one.name, part) for one in systems for part in parts_of(profile, one)]
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
            **later_settings(profile, "scoring_rate", "statistics_by", "target"),
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
        settings={**later_settings(profile, "statistics_by", "target"), **searched, **of_sets},
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

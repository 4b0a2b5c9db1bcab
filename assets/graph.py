"""The graph as plain data: every step of a profile's benchmark, what it makes, and what it needs."""

from collections.abc import Iterable, Iterator, Sequence

from assets.making import checkpoint, claims, dataset, estimates, report, scores, table
from assets.paths import Paths
from assets.staleness.standing import Subject
from assets.staleness.step_version import subject_of
from assets.step import SEEDS, Step
from sepmodels.report import templates_hash
from sepmodels.settings import Profile
from sepmodels.systems.variants import Variant

# The libraries whose version can change the product of a step. musdb says which tracks validate.
DECODING = ("ffmpeg", "stempeg", "musdb", "numpy")
LEARNING = ("torch", "torchaudio", "numpy")
SCORING = ("museval", "numpy", "scipy")


STEMS = tuple(("stems", split) for split in dataset.SPLITS)


def benchmark_steps(profile: Profile, variants: Iterable[Variant], references: Iterable[str]) -> list[Step]:
    """Every step, in an order in which each comes after what it needs."""
    variants, references = tuple(variants), tuple(references)
    steps = list(_shared_steps(profile))
    for variant in variants:
        steps += _variant_steps(profile, variant)
    for reference in references:
        steps.append(_reference_step(profile, reference))
    return [*steps, *_result_steps(profile, variants, list(references))]


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


def _variant_steps(profile: Profile, variant: Variant) -> Iterator[Step]:
    name = variant.name
    model = tuple(f"sepmodels.models.architectures.{variant.architecture}:{part}" for part in ("Config", "Model"))
    yield Step(
        (name, "checkpoint"),
        checkpoint.make_checkpoint,
        group=name,
        description=f"{variant.summary} Trained on the training split; the best epoch by validation loss is kept.",
        needs=(("stems", "train"), ("stems", "valid"), ("statistics",)),
        kinds=frozenset({"torch"}),
        settings={
            "variant": variant,
            "training": profile.training,
            SEEDS: profile.seeds,
            "sample_rate_hz": profile.sample_rate_hz,
        },
        reaches=(*model, f"sepmodels.training.losses:{variant.loss}"),
        libraries=LEARNING,
        pool="gpu",
        variant=variant,
        name=name,
    )
    yield Step(
        (name, "estimates"),
        estimates.make_estimates,
        group=name,
        description="The vocals of every test track as the model hears them; the rest is the mixture minus these.",
        needs=((name, "checkpoint"), ("stems", "test")),
        kinds=frozenset({"torch", "wav"}),
        settings={"separation": profile.separation, "wiener_iterations": variant.wiener_iterations},
        reaches=model,
        libraries=LEARNING,
        pool="gpu",
        variant=variant,
        name=name,
    )
    yield Step(
        (name, "scores"),
        scores.make_scores,
        group=name,
        description="SDR, ISR, SIR and SAR of every test track, target and one-second window (BSSEval v4).",
        needs=((name, "estimates"), ("stems", "test")),
        kinds=frozenset({"museval", "parquet"}),
        libraries=SCORING,
        variant=variant,
        name=name,
    )


def _reference_step(profile: Profile, name: str) -> Step:
    from sepmodels.systems.references import REFERENCES

    reference = REFERENCES[name]
    return Step(
        (name, "scores"),
        scores.make_reference_scores,
        group="references",
        description=f"{reference.summary} Scored as the variants are.",
        needs=(("stems", "test"),),
        kinds=frozenset({"museval", "parquet"}),
        settings={"sample_rate_hz": profile.sample_rate_hz, "reference": reference},
        reaches=(f"{reference.separate.__module__}:{reference.separate.__qualname__}",),
        libraries=(*SCORING, "torch"),
        name=name,
    )


def _result_steps(profile: Profile, variants: Sequence[Variant], references: list[str]) -> Iterator[Step]:
    from sepmodels.systems.references import REFERENCES

    rows = [*variants, *(REFERENCES[name] for name in references)]
    chains = [(one.name, part) for one in variants for part in ("checkpoint", "estimates", "scores")]
    chains += [(name, "scores") for name in references]
    yield Step(
        ("results",),
        table.make_table,
        group="results",
        description="The table: every system's scores with their uncertainty, and what each change brought.",
        needs=(*chains, ("tracks",)),
        kinds=frozenset({"parquet", "csv", "markdown"}),
        settings={
            "systems": [one.name for one in rows],
            "titles": {one.name: one.title for one in rows},
            "bounds": {name: REFERENCES[name].bound for name in references},
            "profile": profile.name,
        },
        libraries=("scipy", "numpy", "pandas"),
        files=table.imported_files,
    )
    claimed = claims.claimed_systems(one.name for one in rows)
    yield Step(
        ("claims",),
        claims.make_claims,
        group="results",
        description="What others and we say of these systems, one by one: supported, refuted or undecided, and why.",
        needs=tuple(step for step in chains if step[0] in claimed),
        kinds=frozenset({"parquet", "csv", "markdown"}),
        libraries=("scipy", "numpy", "pandas"),
        files=table.imported_files,
    )
    yield Step(
        ("report",),
        report.make_report,
        group="results",
        description="A site to open from disk: the table, figures, players to listen and compare, how it was made.",
        needs=(("results",), ("claims",), ("tracks",), ("stems", "test"), *chains),
        kinds=frozenset({"html"}),
        settings={
            "profile": profile,
            "templates": templates_hash(),
            "summaries": {one.name: one.summary for one in rows},
        },
        libraries=("plotly", "matplotlib", "jinja2", "soundfile", "pyloudnorm", "numpy", "pandas"),
    )


def benchmark_subjects(
    profile: Profile, paths: Paths, variants: Iterable[Variant], references: Iterable[str]
) -> list[Subject]:
    """All that :func:`assets.staleness.standing.standings` has to know of a profile's benchmark as it is now."""
    return [subject_of(step, profile, paths) for step in benchmark_steps(profile, variants, references)]

"""The steps of one system: its training, what it separates, its scores and measures."""

from pathlib import Path

from assets.making import checkpoint, estimates, given_scores, measures, other_estimates, scores
from assets.runtime.hosts import pool_name
from assets.step import SEEDS, Step
from sepmodels.settings import Profile, changed
from sepmodels.systems.added import Added
from sepmodels.systems.outside_variants import OutsideVariant
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant, own_training

# The libraries whose version can change the product of a step.
LEARNING = ("torch", "torchaudio", "numpy")
SCORING = ("museval", "numpy", "scipy")


def _checkpoint(profile: Profile, system: System) -> Step:
    assert isinstance(system, Variant)
    training = own_training(system, profile.training)
    chosen_by = "SDR" if training.chosen_by == "sdr" else "loss"
    return Step(
        (system.name, "checkpoint"),
        checkpoint.make_checkpoint,
        group=system.group,
        description=f"{system.summary} Trained on the training split; the epoch is kept by its validation {chosen_by}.",
        needs=(("stems", "train"), ("stems", "valid"), ("statistics",)),
        kinds=frozenset({"torch"}),
        settings={
            "variant": system,
            "training": training,
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
        description=f"The {profile.target} of every test track as the model hears them; the rest is the mixture minus "
        "these.",
        needs=((system.name, "checkpoint"), ("stems", "test")),
        kinds=frozenset({"torch", "wav"}),
        settings={
            "separation": profile.separation,
            "wiener_iterations": system.wiener_iterations,
            **later_settings(profile, "target"),
        },
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
        description=f"{system.words} The {profile.target} of every test track, as long as its mixture; the rest is the "
        "mixture minus these.",
        needs=(*sources, ("stems", "test")),
        kinds=frozenset({"wav"}),
        settings={
            "system": system,
            "version": system.version(),
            "sample_rate_hz": profile.sample_rate_hz,
            **later_settings(profile, "target"),
        },
        reaches=system.functions,
        libraries=("numpy", "scipy", *system.libraries),
        files=lambda _profile, _paths: system.files,
        system=system,
    )


def _given_scores(profile: Profile, system: Added) -> Step:
    return Step(
        (system.name, "scores"),
        given_scores.make_given_scores,
        group=system.group,
        description=f"{system.words} Its scores as they were given, on the test tracks and targets of this benchmark.",
        needs=(("stems", "test"),),
        kinds=frozenset({"museval", "parquet"}),
        settings={"system": system.name, **later_settings(profile, "target")},
        libraries=("pandas",),
        files=lambda _profile, _paths: system.files,
        system=system,
    )


def _scores(profile: Profile, system: System) -> Step:
    """Of estimates, where the chain has them; else the system makes its estimates as it is scored."""
    if not system.scored_here:
        assert isinstance(system, Added)
        return _given_scores(profile, system)
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
            *((("tracks",),) if changed(profile, "scoring_rate") else ()),
        ),
        kinds=frozenset({"museval", "parquet"}),
        settings={
            **({} if separated else {"sample_rate_hz": profile.sample_rate_hz, "reference": system}),
            **later_settings(profile, "scoring_rate", "target"),
        },
        reaches=() if separated else system.functions,
        libraries=SCORING if separated else (*SCORING, "torch"),
        system=system,
    )


def later_settings(profile: Profile, *names: str) -> dict[str, str]:
    """Settings of these names, but for those whose value means that all is as before there was such a setting."""
    return {name: getattr(profile, name) for name in names if changed(profile, name)}


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
            *((("tracks",),) if changed(profile, "scoring_rate") else ()),
        ),
        kinds=frozenset({"parquet"}),
        settings={
            "measures": [one.name for one in chosen],
            **({} if separated else {"sample_rate_hz": profile.sample_rate_hz, "reference": system}),
            **later_settings(profile, "scoring_rate", "target"),
        },
        reaches=(*(place_of(one) for one in chosen), *(() if separated else system.functions)),
        libraries=tuple(dict.fromkeys(("numpy", "scipy", *(name for one in chosen for name in one.libraries)))),
        files=lambda seen, _paths: measures.pitch_labels(seen),
        system=system,
    )


# What makes the step of each part of a chain.
CHAIN = {"checkpoint": _checkpoint, "estimates": _estimates, "scores": _scores, "measures": _measures}


def parts_of(profile: Profile, system: System) -> tuple[str, ...]:
    """The parts of a system's chain, and the measures beside BSSEval where the profile has any."""
    measured = profile.measures and system.scored_here
    return (*system.chain, "measures") if measured else system.chain

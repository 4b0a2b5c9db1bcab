"""Which trained model to use: of a variant, a file, a run in MLflow or the registry; by default the table's best."""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from assets.paths import Paths
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import aimed, trained_systems
from sepmodels.systems.variants import BASELINE, Variant


@dataclass(frozen=True)
class ChosenModel:
    """A model's file.

    expect: the variant that the file must hold, where it is one of the list.
    why: a clause for the person who did not choose.
    wiener_iterations: the variant's own; none for a model that is named by itself, which knows nothing of it.
    """

    file: Path
    expect: Variant | None = None
    why: str = ""
    wiener_iterations: int = 0


def choose_model(
    profile: Profile, paths: Paths, *, variant: str | None = None, model: str | None = None, seed: int | None = None
) -> ChosenModel:
    """The model of ``variant``, or what ``model`` names; with neither, the best trained variant of the table.

    model: a ``model.safetensors`` file, a run of MLflow (its id, or ``runs:/<id>``), or a registered model
        (``<name>``, ``<name>/<version>``, with or without ``models:/`` before it).
    seed: which of the variant's models; the profile's first by default.

    Raises :class:`UserError` for both at once, an unknown name, or a variant that is not trained.
    """
    if model is not None:
        if variant is not None or seed is not None:
            raise UserError("--model names a model by itself: leave out --variant and --seed.")
        return ChosenModel(_model_file(paths, model), why="as named")
    if seed is not None:
        _require_trained_with(seed, profile, paths, variant)
    seed = profile.seeds[0] if seed is None else seed
    name, why = (variant, "as asked for") if variant is not None else _best(profile, paths, seed)
    chosen = aimed(_find(paths, name), profile.target)
    file = paths.model(name, seed)
    if not file.exists():
        raise UserError(
            f"{name} is not trained yet ({file} is missing): run `{advised('run', profile, '--only', name)}`."
        )
    return ChosenModel(file, chosen, why, chosen.wiener_iterations)


def _find(paths: Paths, name: str) -> Variant:
    """The variant of that name; raises :class:`UserError` that suggests the nearest for an unknown one."""
    known = trained_systems(paths.systems)
    if name not in known:
        raise unknown_name("variant", name, known, "sepbench variants")
    return known[name]


def _require_trained_with(seed: int, profile: Profile, paths: Paths, variant: str | None) -> None:
    """Raise :class:`UserError` unless there is a model of that seed: of the variant, or where none is named, of any."""
    names = list(trained_systems(paths.systems)) if variant is None else [_find(paths, variant).name]
    trained = sorted({found for name in names for found in _seeds(paths, name)})
    if seed in trained:
        return
    seeds = ",".join(map(str, dict.fromkeys((*(trained or profile.seeds), seed))))
    only = ("--only", variant) if variant is not None else ()
    there = f"those there are have {', '.join(map(str, trained))}" if trained else "there is none of any seed yet"
    raise UserError(
        f"There is no model of {variant or profile.name} with seed {seed}; {there}: name another --seed, or train it "
        f"with `{advised('run', profile, *only, settings={'seeds': seeds})}`."
    )


def _seeds(paths: Paths, variant: str) -> list[int]:
    """The seeds that a variant has models of."""
    folders = paths.checkpoint(variant, 0).parent.glob("seed_*")
    found = [int(folder.name.removeprefix("seed_")) for folder in folders if folder.name[5:].isdecimal()]
    return [seed for seed in found if paths.model(variant, seed).exists()]


def trained_variants(profile: Profile, paths: Paths) -> list[str]:
    """The variants that have a model, in the order of the list; then those that a person has added."""
    return [name for name in trained_systems(paths.systems) if paths.model(name, profile.seeds[0]).exists()]


def _best(profile: Profile, paths: Paths, seed: int) -> tuple[str, str]:
    """The variant of the highest median SDR of the target among those that have a model, and why it was taken."""
    table = paths.results / "results.parquet"
    if not table.exists():
        return BASELINE, f"the baseline: there is no table of {profile.name} yet"
    summary = pd.read_parquet(table)
    rows = summary[(summary.kind == "trained") & (summary.target == profile.target) & summary.SDR.notna()]
    known = trained_systems(paths.systems)
    rows = rows[[name in known and paths.model(name, seed).exists() for name in rows.variant]]
    if rows.empty:
        return BASELINE, f"the baseline: no variant in the table of {profile.name} has a model of seed {seed} here"
    best = rows.loc[rows.SDR.idxmax()]
    return best.variant, f"the best of {profile.name}'s table: median SDR of {profile.target} {best.SDR:.2f} dB"


def _model_file(paths: Paths, model: str) -> Path:
    path = Path(model)
    if path.is_file():
        return path
    if path.is_dir() or path.suffix or path.is_absolute():
        raise UserError(
            f"{printable(model)} is not a file: name a model.safetensors, a run of MLflow, or a registered model."
        )
    from assets.tracking.registry import registered_model_file, run_model_file

    if run := re.fullmatch(r"(?:runs:/)?([0-9a-f]{32})(?:/.*)?", model):
        return run_model_file(paths.data / "mlflow", run[1])
    name, _, version = model.removeprefix("models:/").partition("/")
    return registered_model_file(paths.data / "mlflow", name, None if version in ("", "latest") else version)

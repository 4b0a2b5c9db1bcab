"""Adds the variants of a person's own file or package to a profile, each by a small file of its own."""

from rich.console import Console

from assets.graph import benchmark_subjects
from assets.paths import Paths, whole_path
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import known_systems
from sepmodels.systems.outside_variants import read_variants
from sepmodels.systems.system_files import check_name, names_of, write_system
from sepmodels.systems.variants import own_training


def add_variants(profile: Profile, paths: Paths, source: str, name: str | None, console: Console) -> None:
    """Check the variants of a file or a module and write a system's file for each.

    source: FILE.py, a module that is installed, or the name of an entry point.
    name: of the one to add; None: all of them. Raises UserError for what cannot be trained, and then adds none.
    """
    from sepmodels.training.trial import try_variant

    found = read_variants(str(whole_path(source)) if source.endswith(".py") else source)
    if name is not None and name not in found:
        raise unknown_name(f"variant in {source} called", name, found)
    chosen = [one for one in found.values() if name in (None, one.name)]
    taken = {*known_systems(), *names_of(paths.systems)}
    for variant in chosen:
        check_name(variant.name, taken, f"give the variant in {source} another name")
        own_training(variant, profile.training)
        try_variant(variant, profile.sample_rate_hz)
    benchmark_subjects(profile, paths, chosen)  # whose code can be followed
    for variant in chosen:
        written = write_system(variant, paths.systems)
        console.print(
            f"Added {variant.name} ({variant.kind}) to {profile.name}: {printable(written)}.",
            highlight=False,
            soft_wrap=True,
        )
    only = [word for variant in chosen for word in ("--only", variant.name)]
    console.print(f"Next: {advised('run', profile, *only)}", highlight=False, soft_wrap=True, markup=False)


def require_alone(option: str, given: dict[str, object]) -> None:
    """Raise UserError for an option beside --variants or --pack, which say all of it."""
    if strange := [field for field, value in given.items() if value not in (None, (), [], "")]:
        raise UserError(f"--{strange[0].replace('_', '-')} does not go with --{option}: leave one of them out.")

"""What separates a person's songs: a trained model, or a system of another kind that can."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from assets.making.models import models_of
from assets.paths import Paths
from pipelines.songs.choose_model import choose_model
from pipelines.songs.song_list import Song
from pipelines.terminal import printable
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile
from sepmodels.systems import aimed, known_systems, read_systems
from sepmodels.systems.added import Added, Tracks
from sepmodels.systems.system import System


@dataclass(frozen=True)
class Separator:
    """says: a sentence on what it is. separate: ``(song, form, progress)`` -> what was written."""

    says: str
    separate: Callable[[Song, Any, Callable[..., None]], Any]


@contextmanager
def separator_for(profile: Profile, paths: Paths, wishes: Any) -> Iterator[Separator]:
    """What the wishes (:class:`pipelines.songs.separating.Wishes`) ask for.

    Raises :class:`UserError` for an unknown system, one that cannot separate a song, and options that do not go
    together.
    """
    system = _system(paths, wishes.system) if wishes.system else None
    if isinstance(system, Added):
        if wishes.variant or wishes.model or wishes.seed is not None or wishes.wiener_iterations is not None:
            raise UserError(
                f"--system {system.name} is no trained variant: leave out --variant, --model, --seed and --wiener."
            )
        models = models_of(profile, paths, {name: aimed(one, profile.target) for name, one in _known(paths).items()})
        with system.opened(Tracks(model=models)) as separate:
            yield Separator(f"System: {system.name} ({system.kind}).", partial(_by_system, separate))
        return
    if system is not None and wishes.variant not in (None, system.name):
        raise UserError(f"--variant {wishes.variant} and --system {system.name} name two systems: leave out one.")
    yield _by_model(profile, paths, wishes, system.name if system else wishes.variant)


def target_for(profile: Profile, paths: Paths, wishes: Any) -> str:
    """What the wishes have separated: what a model that is named by itself says, or a system that was added.

    Else what the profile's models separate. Raises :class:`UserError` as :func:`separator_for` does.
    """
    if wishes.model is not None:
        from sepmodels.models.model_file import read_variant

        return read_variant(
            choose_model(profile, paths, variant=wishes.variant, model=wishes.model, seed=wishes.seed).file
        ).target
    system = _system(paths, wishes.system) if wishes.system else None
    return system.target if isinstance(system, Added) else profile.target


def _system(paths: Paths, name: str) -> System:
    known = _known(paths)
    able = {key: one for key, one in known.items() if one.seeded or (isinstance(one, Added) and one.separates_songs)}
    if name not in known:
        raise unknown_name("system", name, able, "sepbench systems")
    if name not in able:
        raise UserError(
            f"{name} ({known[name].kind}) cannot separate a song, only what it has of the test tracks: choose one of "
            f"{', '.join(able)}."
        )
    return known[name]


def _known(paths: Paths) -> dict[str, System]:
    return {**known_systems(), **read_systems(paths.systems, known_systems())}


def _by_system(separate: Any, song: Song, form: Any, progress: Callable[..., None]) -> Any:
    from sepmodels.separation.by_system import vocals_by
    from sepmodels.separation.song_files import write_stems

    progress(0, 1, "song")
    return write_stems(vocals_by(separate, song.name), song.file, song.stems, form=form)


def _by_model(profile: Profile, paths: Paths, wishes: Any, variant: str | None) -> Separator:
    from sepmodels.machine.devices import choose_device
    from sepmodels.models.model_file import load_model
    from sepmodels.separation.song_files import separate_file

    chosen = choose_model(profile, paths, variant=variant, model=wishes.model, seed=wishes.seed)
    device = choose_device(profile.device)
    model, found = load_model(chosen.file, expect=chosen.expect, device=device)
    asked = wishes.wiener_iterations

    def separate(song: Song, form: Any, progress: Callable[..., None]) -> Any:
        return separate_file(
            model,
            song.file,
            song.stems,
            profile.separation,
            form=form,
            wiener_iterations=chosen.wiener_iterations if asked is None else asked,
            device=device,
            progress=progress,
        )

    return Separator(f"Model: {found.name}, {chosen.why} ({printable(chosen.file)}); on {device}.", separate)

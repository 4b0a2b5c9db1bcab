"""Adds rows of somebody's pack to a benchmark on the same test tracks; they are marked as measured elsewhere."""

from pathlib import Path

import pandas as pd
from rich.console import Console

from assets.paths import Paths
from pipelines.options import advised
from pipelines.terminal import printable
from sepmodels.dataset.tracks import used_names
from sepmodels.errors import UserError, unknown_name
from sepmodels.files import replacing
from sepmodels.packing.checks import require_sound
from sepmodels.packing.container import opened_pack
from sepmodels.packing.parts import TRACKS, Packed
from sepmodels.settings import Profile
from sepmodels.systems import known_systems
from sepmodels.systems.added import Added
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.system import System
from sepmodels.systems.system_files import PACKED, check_name, names_of, write_system

_HASH_DIGITS = 6  # of the pack's hash, in the names of its rows
_MOST_NAMES = 3


def add_pack(profile: Profile, paths: Paths, file: Path, name: str | None, console: Console) -> None:
    """Write a system's file for each row that the pack compares, and its scores beside it.

    name: of the row to add, as the pack has it; None: all of them.

    Raises UserError for what is no pack, for one that does not hold, for one of another target or of other test tracks,
    for a row that it has not, and for names that are taken; and then adds none.
    """
    with opened_pack(file) as pack:
        packed = Packed(pack)
        require_sound(packed, "Nothing was added.")
        _require_same_target(packed, profile)
        _require_same_tracks(packed, paths)
        rows = {one.name: one for one in packed.facts.scored if one.compared}
        if name is not None and name not in rows:
            raise unknown_name(f"row of {file.name} called", name, rows)
        digits = pack.hash[:_HASH_DIGITS]
        chosen = {f"{one.name}_{digits}": one for one in rows.values() if name in (None, one.name)}
        for own_name in chosen:
            check_name(own_name, {*known_systems(), *names_of(paths.systems)}, "the row is there already")
        for own_name, one in chosen.items():
            _write_scores(packed.scores[packed.scores.variant == one.name], paths.systems / PACKED / own_name)
            written = write_system(_as_given(own_name, one, packed, digits), paths.systems)
            console.print(
                f"Added {own_name} (given scores) to {profile.name}: {printable(written)}.",
                highlight=False,
                soft_wrap=True,
            )
    only = [word for own_name in chosen for word in ("--only", own_name)]
    console.print(f"Next: {advised('run', profile, *only)}", highlight=False, soft_wrap=True, markup=False)


def _require_same_target(packed: Packed, profile: Profile) -> None:
    if packed.facts.target != profile.target:
        raise UserError(
            f"{packed.pack.file} is of {packed.facts.target}, and {profile.name} separates {profile.target} (the "
            "setting target): its rows cannot stand in one table with these."
        )


def _require_same_tracks(packed: Packed, paths: Paths) -> None:
    """Raise UserError unless the pack's test tracks are those here, by the hashes of their files."""
    if not paths.tracks.exists():
        raise UserError(
            f"The tracks of {paths.profile} are not known yet, so that nobody can say whether the pack is of the same: "
            "run the benchmark first."
        )
    theirs, ours = _hashes(packed.pack.table(TRACKS)), _hashes(pd.read_parquet(paths.tracks))
    other = sorted(name for name in {*theirs, *ours} if theirs.get(name) != ours.get(name))
    if other:
        more = f" and {len(other) - _MOST_NAMES} more" if len(other) > _MOST_NAMES else ""
        raise UserError(
            f"{packed.pack.file} was scored on other test tracks than {paths.profile} has: "
            f"{', '.join(other[:_MOST_NAMES])}{more} differ. Its rows cannot stand in one table with these."
        )


def _hashes(tracks: pd.DataFrame) -> dict[str, str]:
    """The hash of the files of each test track."""
    test = tracks[tracks.name.isin(used_names(tracks, "test"))]
    return dict(zip(test.name, test.source_hash, strict=True))


def _write_scores(scores: pd.DataFrame, stem: Path) -> None:
    with replacing(stem.with_suffix(".parquet")) as temporary:
        scores.drop(columns="variant").to_parquet(temporary, index=False)


def _as_given(name: str, row: System, packed: Packed, digits: str) -> GivenScores:
    """The row as scores that were given."""
    facts = packed.facts
    told = row.trained_on if isinstance(row, Added) else ""
    return GivenScores(
        name=name,
        title=f"{row.title} (pack {digits})",
        summary=f"{row.summary} From the pack {digits}: {facts.title}, {facts.made}.".strip(),
        target=packed.facts.target,
        scores=Path(PACKED) / f"{name}.parquet",  # from the folder of systems on, which may be moved
        trained_on=told or (f"the training split of {facts.profile}" if row.seeded else ""),
        trained_on_tracks=row.trained_on_tracks if isinstance(row, Added) else (),
    )

"""The dataset of a pack as it is on this machine, and what is made again of it."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from assets.making.scores import score_part
from assets.paths import Paths
from pipelines.packing.code_checks import profile_of
from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import read_track
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.mapping import with_mapping
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.machine.disk_room import require_room
from sepmodels.packing.checked import NotCheckedError, NotFollowingError
from sepmodels.packing.parts import TRACKS, Packed, shortest_test_tracks
from sepmodels.progress import Progress
from sepmodels.settings import Profile
from sepmodels.systems.system import System

SAME_DB = 1e-4  # of the same samples; as museval and the fast scorer differ
ROUNDED_DB = 0.01  # of estimates by a processor or library that rounds otherwise
BYTES_A_SAMPLE = 2 * 2 * len(STREAMS)  # int16, of two channels and every stream


@dataclass(frozen=True)
class Here:
    """The dataset here, and a folder for what is made again of it.

    folder: of the dataset. paths: of a data folder that is thrown away.
    """

    packed: Packed
    folder: Path
    paths: Paths
    progress: Progress

    @cached_property
    def profile(self) -> Profile:
        """The pack's profile, as this code has it; raises NotCheckedError where it has none such."""
        try:
            return profile_of(self.packed.facts)
        except UserError as fault:
            raise NotCheckedError(str(fault)) from None

    @cached_property
    def table(self) -> pd.DataFrame:
        """The tracks that were packed."""
        return self.packed.pack.table(TRACKS)

    @cached_property
    def tracks(self) -> dict[str, Track]:
        """The tracks here, by name."""
        return {
            track.name: track for track in find_tracks(self.folder, with_mapping(self.profile.dataset, self.folder))
        }

    @cached_property
    def few(self) -> list[str]:
        """The shortest test tracks, decoded."""
        names = shortest_test_tracks(self.table)
        self.require_room(names)
        for name in names:
            self.decode(name, "test")
        self.table.to_parquet(self.paths.tracks)
        return names

    def require_room(self, names: Iterable[str]) -> None:
        """Raise UserError where the disk has no room for the stems of these tracks."""
        samples = self.table[self.table.name.isin(list(names))].samples.sum()
        what = "what is decoded for these checks"
        require_room(self.paths.data, float(samples) * BYTES_A_SAMPLE, what, "name another folder with TMPDIR")

    def decode(self, name: str, split: str) -> None:
        """Put a track's stems where the steps of a benchmark look for them."""
        if name not in self.tracks:
            raise NotFollowingError(f"the track {name!r} is not in {self.folder}")
        place = self.paths.stems(split) / f"{name}.npy"
        place.parent.mkdir(parents=True, exist_ok=True)
        np.save(place, read_track(self.tracks[name]).stems)
        place.with_suffix(".json").write_text("{}")

    def scores(self, system: System, seed: int, track: str) -> pd.DataFrame:
        """The scores of a system's estimate of a track, made again."""
        return score_part(self.profile, self.paths, system, seed, track, scorer="fast")

    def require_scores(self, system: System, seed: int, track: str, within_db: float) -> None:
        """Raise NotFollowingError where the scores that were packed are others."""
        keys = ["target", "metric", "window"]
        again = self.scores(system, seed, track).astype({"window": "Int64"}).set_index(keys).value.sort_index()
        table = self.packed.scores
        own = table[(table.variant == system.name) & (table.seed == seed) & (table.track == track)]
        before = own.set_index(keys).value.sort_index()
        what = f"the scores of {system.name}, seed {seed}, on {track}"
        if list(before.index) != list(again.index):
            raise NotFollowingError(f"{what} are of other windows or metrics")
        off = ~np.isclose(before, again, rtol=within_db, atol=within_db, equal_nan=True)
        if off.any():
            place = int(np.argmax(off))
            raise NotFollowingError(
                f"{what} differ: {' '.join(map(str, before.index[place]))} is {before.iloc[place]:.4f} dB in the pack, "
                f"and {again.iloc[place]:.4f} dB here"
            )


@contextmanager
def dataset_here(packed: Packed, folder: Path, progress: Progress) -> Iterator[Here]:
    """The dataset in a folder, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="sepbench-verify-") as scratch:
        yield Here(packed, folder, Paths(Path(scratch), packed.facts.profile, packed.facts.target), progress)

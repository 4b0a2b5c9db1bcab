"""Checks of a pack that need its dataset: the same files, the same scores, the same estimates, the same first steps."""

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from assets.job import Job
from assets.making.estimates import estimate_again
from assets.making.scores import score_part
from assets.paths import Paths
from pipelines.packing.code_checks import profile_of
from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.audio.io import write_audio
from sepmodels.dataset.decoding import hash_sources, read_track
from sepmodels.dataset.layouts import Track, find_tracks
from sepmodels.dataset.mapping import with_mapping
from sepmodels.dataset.tracks import used_names
from sepmodels.errors import UserError
from sepmodels.files import hash_file
from sepmodels.machine.disk_room import require_room
from sepmodels.packing.checked import Check, NotCheckedError, NotFollowingError
from sepmodels.packing.parts import ESTIMATES, HASHES, MODELS, TRACKS, VERSIONS, Packed, shortest_test_tracks
from sepmodels.progress import Progress
from sepmodels.settings import Profile
from sepmodels.systems import aimed, known_systems
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant, own_training

SAME_DB = 1e-4  # of the same samples; as museval and the fast scorer differ
ROUNDED_DB = 0.01  # of estimates by a processor or library that rounds otherwise
BYTES_A_SAMPLE = 2 * 2 * len(STREAMS)  # int16, of two channels and every stream
ROUNDED_LOSS = 0.01  # the share by which losses of first steps may differ there


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


def checks_of_the_dataset(here: Here, *, deep: bool) -> Iterator[tuple[str, Check]]:
    """The checks that need the dataset, each with the sentence that it is on; deep: the slow ones, too."""
    yield "the dataset here is the same", lambda: dataset_is_the_same(here)
    yield "some tracks, scored again from what needs no training, have the same scores", lambda: references_again(here)
    yield "some tracks, scored again from the estimates, have the same scores", lambda: scored_again(here)
    if deep:
        yield "some tracks, separated again by the models, are the same", lambda: separated_again(here)
        yield "the first steps of the trainings come out again", lambda: first_steps_again(here)


def dataset_is_the_same(here: Here) -> str:
    """Every track has the files, by their hashes, and the split that it had."""
    packed = {str(name): row for name, row in zip(here.table.name, here.table.itertuples(), strict=True)}
    faults = []
    if gone := sorted(set(packed) - set(here.tracks)):
        faults.append(f"missing here: {_some(gone)}")
    if more := sorted(set(here.tracks) - set(packed)):
        faults.append(f"only here: {_some(more)}")
    both = sorted(set(packed) & set(here.tracks))
    if moved := [name for name in both if here.tracks[name].split != packed[name].split]:
        faults.append(f"in another split here: {_some(moved)}")
    differing = []
    for done, name in enumerate(both):
        here.progress(done, len(both), "track")
        if hash_sources(here.tracks[name]) != packed[name].source_hash:
            differing.append(name)
    if differing:
        faults.append(f"with other content here: {_some(differing)}")
    if faults:
        raise NotFollowingError("; ".join(faults))
    return f"{len(both)} tracks, by the SHA-256 of their files"


def references_again(here: Here) -> str:
    """Floors and ceilings are made from the stems, so that their scores can be made again from the dataset alone."""
    known = known_systems()
    systems = [
        known[one.name]
        for one in here.packed.facts.scored
        if one.name in known and known[one.name].chain == ("scores",)
    ]
    if not systems:
        raise NotCheckedError("the pack has no reference that this code has an entry for")
    for one in systems:
        for track in here.few:
            here.require_scores(one, 0, track, SAME_DB)
    return f"{len(systems)} references on {len(here.few)} tracks, within {SAME_DB:g} dB"


def scored_again(here: Here) -> str:
    """The estimates that were packed, scored again."""
    pack, looked_at = here.packed.pack, 0
    hashes = pack.json(HASHES)[ESTIMATES]
    for one in here.packed.facts.scored:
        for part in pack.below(f"{ESTIMATES}/{one.name}"):
            _, _, folder, track, _ = part.split("/")
            if track not in here.few or not folder.removeprefix("seed_").isdecimal():
                continue
            if pack.hash_of(part) != hashes.get(part.removeprefix(f"{ESTIMATES}/")):
                raise NotFollowingError(f"{part} is not the estimate that was scored")
            seed = int(folder.removeprefix("seed_"))
            place = here.paths.estimate(one.name, seed, track)
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(pack.read(part))
            here.require_scores(_with_estimates(one), seed, track, SAME_DB)
            looked_at += 1
    if not looked_at:
        raise NotCheckedError("the pack has no estimates of these tracks: `sepbench pack --sounds` puts some in")
    return f"{looked_at} estimates, within {SAME_DB:g} dB"


def _with_estimates(system: System) -> System:
    """The packed system, scored from files."""
    kind = type("PackedEstimates", (type(system),), {"chain": ("estimates", "scores")})
    return kind(**{name: getattr(system, name) for name in ("name", "title", "summary")})


def separated_again(here: Here) -> str:
    """The models that were packed separate the tracks again."""
    pack = here.packed.pack
    hashes = pack.json(HASHES)
    variants = _variants(here)
    equal = rounded = 0
    for part in pack.below(MODELS):
        _, name, folder, _ = part.split("/")
        variant = variants.get(name)
        if variant is None or not folder.removeprefix("seed_").isdecimal():
            continue
        if pack.hash_of(part) != hashes[MODELS].get(part.removeprefix(f"{MODELS}/")):
            raise NotFollowingError(f"{part} is not the model that separated")
        seed = int(folder.removeprefix("seed_"))
        place = here.paths.model(name, seed)
        place.parent.mkdir(parents=True, exist_ok=True)
        with place.open("wb") as file:
            file.writelines(pack.stream(part))
        job = Job(here.profile, here.paths, variant)
        for track in here.few:
            estimate = here.paths.estimate(name, seed, track)
            write_audio(estimate, estimate_again(job, seed, track), SAMPLE_RATE_HZ)
            same = hash_file(estimate) == hashes[ESTIMATES].get(f"{name}/seed_{seed}/{track}/{estimate.name}")
            here.require_scores(variant, seed, track, SAME_DB if same else ROUNDED_DB)
            equal, rounded = equal + same, rounded + (not same)
    if not equal + rounded:
        raise NotCheckedError("the pack has no models of this code's variants: `sepbench pack --models` puts them in")
    return _how_equal(equal, rounded, "estimates", f"whose scores are within {ROUNDED_DB:g} dB")


def first_steps_again(here: Here) -> str:
    """Each variant's first training is begun again on the dataset here, and compared with what was recorded then."""
    from sepmodels.dataset.bin_statistics import bin_statistics
    from sepmodels.dataset.stem_cache import load_stems
    from sepmodels.training.rehearsal import rehearse

    trainings = list(_recorded(here))
    if not trainings:
        raise NotCheckedError("the pack has no record of first steps of this code's variants")
    learnt: dict[str, list[Any]] = {}
    here.require_room(name for split in ("train", "valid") for name in used_names(here.table, split))
    for split in ("train", "valid"):
        names = sorted(used_names(here.table, split))
        for done, name in enumerate(names):
            here.progress(done, len(names), "track")
            here.decode(name, split)
        learnt[split] = [load_stems(here.paths.stems(split), name) for name in names]
    statistics = bin_statistics(stems[0] for stems in learnt["train"])
    equal = rounded = 0
    for variant, seed, record in trainings:
        on_cpu = record["made_on"].get("device") == "cpu"
        now = rehearse(
            variant,
            own_training(variant, here.profile.training),
            recorded=record,
            train_tracks=learnt["train"],
            valid_tracks=learnt["valid"],
            statistics=statistics,
            seed=seed,
            device="cpu" if on_cpu else "auto",
            sample_rate_hz=here.profile.sample_rate_hz,
        )
        same = _same_steps(f"{variant.name}, seed {seed}", record, now)
        equal, rounded = equal + same, rounded + (not same)
    return _how_equal(equal, rounded, "trainings", f"whose losses are within {ROUNDED_LOSS:.0%}")


def _variants(here: Here) -> dict[str, Variant]:
    """Every variant that this code has an entry for, as it separates the pack's target."""
    known = (aimed(one, here.profile.target) for one in known_systems().values())
    return {one.name: one for one in known if isinstance(one, Variant)}


def _recorded(here: Here) -> Iterator[tuple[Variant, int, dict[str, Any]]]:
    """The first training of each variant that this code has an entry for, with the record of its first steps."""
    variants = _variants(here)
    for name, one in here.packed.pack.json(VERSIONS).items():
        variant = variants.get(name.removesuffix("/checkpoint"))
        if name.endswith("/checkpoint") and variant is not None and one["first_steps"]:
            seed = min(map(int, one["first_steps"]))
            yield variant, seed, one["first_steps"][str(seed)]


def _same_steps(what: str, record: dict[str, Any], now: Any) -> bool:
    """Whether first steps are equal bit for bit; raises NotFollowingError where they may not differ so."""
    from sepmodels.training.first_steps import first_difference

    difference = first_difference(record, now)
    if not difference:
        return True
    places = [json.dumps(one["made_on"], sort_keys=True) for one in (record, now)]
    close = np.allclose(record["losses"], now["losses"], rtol=ROUNDED_LOSS, atol=0)
    if places[0] == places[1]:
        raise NotFollowingError(f"of {what}, {difference}, on the same kind of machine")
    if not close:
        raise NotFollowingError(f"of {what}, {difference}; another machine rounds otherwise, but not so much")
    return False


def _how_equal(equal: int, rounded: int, what: str, near: str) -> str:
    if not rounded:
        return f"{equal} {what}, bit for bit"
    return f"{equal} {what} bit for bit, and {rounded} {near}, on another kind of machine or library"


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

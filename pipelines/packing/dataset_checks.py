"""Checks of a pack that need its dataset: the same files and scores; by its models, the same estimates and steps."""

from collections.abc import Iterator

from pipelines.packing.dataset_here import SAME_DB, Here
from pipelines.packing.model_checks import first_steps_again, separated_again
from sepmodels.dataset.decoding import hash_sources
from sepmodels.packing.checked import Check, NotCheckedError, NotFollowingError
from sepmodels.packing.parts import ESTIMATES, HASHES
from sepmodels.systems import known_systems
from sepmodels.systems.system import System


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


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

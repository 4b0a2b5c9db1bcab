"""Checks of a pack's models on its dataset: the same estimates, the same first steps of training."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from assets.job import Job
from assets.making.estimates import estimate_again
from pipelines.packing.dataset_here import ROUNDED_DB, SAME_DB, Here
from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.io import write_audio
from sepmodels.dataset.tracks import used_names
from sepmodels.files import hash_file
from sepmodels.packing.checked import NotCheckedError, NotFollowingError
from sepmodels.packing.parts import ESTIMATES, HASHES, MODELS, VERSIONS
from sepmodels.systems import aimed, known_systems
from sepmodels.systems.variants import Variant, own_training

ROUNDED_LOSS = 0.01  # the share by which losses of first steps may differ on another kind of machine or library


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

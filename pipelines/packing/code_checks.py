"""Checks of a pack's code versions: by their parts, and by the code of this checkout."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from assets.graph import benchmark_subjects
from assets.paths import Paths
from assets.staleness.code.version import CodeVersion, explain
from assets.tracking.edits import can_be_applied, code_edits
from assets.tracking.provenance import git_state
from pipelines.profiles import PROFILES, complete
from pipelines.setting_values import override
from sepmodels.errors import UserError
from sepmodels.files import hash_texts
from sepmodels.packing.checked import Check, NotCheckedError, NotFollowingError
from sepmodels.packing.checks import words_follow
from sepmodels.packing.facts import Facts
from sepmodels.packing.parts import (
    CURVES,
    EDITS,
    HASHES,
    SOURCES,
    TRACKS,
    TRAINING_EDITS,
    VERSIONS,
    WEIGHTS,
    Packed,
    training_edits_name,
)
from sepmodels.report.how_made import settings_table
from sepmodels.settings import Profile
from sepmodels.systems import systems_of
from sepmodels.systems.system import System

OF_ALL = ("results", "claims", "report")  # products that are of all systems at once
_OF_A_MACHINE = ("library:", "file:")  # parts of a version that no code decides


def checks_of_the_code(packed: Packed) -> Iterator[tuple[str, Check]]:
    """The checks of code versions and settings, each with the sentence that it is on."""
    yield "the code versions follow from their parts, the settings among them", lambda: versions_follow(packed)
    yield "each product is as it was recorded, and was made from the others", lambda: contents_follow(packed)
    yield "the code gives these code versions", lambda: code_gives_versions(packed)


def said_follows(packed: Packed) -> str:
    """The sentences are those that come out here. Other code may say the same in other words: then it is not known."""
    try:
        return words_follow(packed)
    except NotFollowingError as fault:
        if _is_same_code(packed):
            raise
        raise NotCheckedError(f"{fault}; the code here is another one. {_how_to_get_there(packed.facts)}") from None


def versions_follow(packed: Packed) -> str:
    """Every version is the hash of its parts, and the trainings' settings are those that the pack tells of."""
    versions = versions_of(packed)
    for name, one in versions.items():
        if CodeVersion(one["parts"]).digest != one["code_version"]:
            raise NotFollowingError(f"the code version of {name} is not that of its parts")
    recipes = {one["name"]: one.get("recipe", {}).get("training", {}) for one in packed.facts.systems}
    for name, one in versions.items():
        system, _, kind = name.partition("/")
        for setting, text in packed.facts.settings.items() if kind == "checkpoint" else ():
            own = setting.removeprefix("training.") in recipes.get(system, {})
            made_with = one["parts"].get(setting)
            if setting.startswith("training.") and not own and made_with is not None and _plain(made_with) != text:
                raise NotFollowingError(f"{system} was trained with {setting} {_plain(made_with)}, and not with {text}")
    _require_training_edits(packed, versions)
    return f"{len(versions)} products"


def _require_training_edits(packed: Packed, versions: Mapping[str, Any]) -> None:
    """The patches of the code that trained are there, and each is the one that its name says."""
    there = packed.pack.below(TRAINING_EDITS)
    for name in there:
        if name != training_edits_name(packed.pack.text(name)):
            raise NotFollowingError(f"{name} is not the patch that it is called after")
    for product, one in versions.items():
        if (named := one.get("edits", "")) and named not in there:
            raise NotFollowingError(f"{named}, the edits of the code that made {product}, is missing")


def contents_follow(packed: Packed) -> str:
    """Scores, curves and tracks have the hashes that were recorded when they were made, and so has what they read."""
    versions, looked_at = versions_of(packed), 0
    for name, one in versions.items():
        for read, content in one["read"].items():
            if read in versions and versions[read]["content"] != content:
                raise NotFollowingError(f"{name} was made from another {read} than the one that is packed")
        again = _content_again(packed, name)
        if again is not None and again != one["content"]:
            raise NotFollowingError(f"{name} is not what was recorded when it was made")
        looked_at += again is not None
    return f"{looked_at} of {len(versions)} by their hashes"


def _content_again(packed: Packed, product: str) -> str | None:
    """The hash of a product's content, where the pack has all of it."""
    system, _, kind = product.partition("/")
    if product == "tracks":
        return hash_texts([packed.pack.table(TRACKS).drop(columns="fingerprint").to_csv(index=False)])
    if kind == "scores":
        own = packed.scores[packed.scores.variant == system]
        return hash_texts([own.to_csv(index=False)])
    if kind == "checkpoint":
        return _content_of_trainings(packed, system)
    return None


def _content_of_trainings(packed: Packed, system: str) -> str:
    """Of weights and curves, seed after seed, as :func:`assets.making.checkpoint.checkpoint_content` has it."""
    weights = packed.pack.json(HASHES)[WEIGHTS]
    curves = packed.pack.table(CURVES)
    recipe = next(one["recipe"] for one in packed.facts.systems if one["name"] == system)
    texts = []
    for seed in packed.trainings.seed[packed.trainings.variant == system]:
        own = curves[(curves.variant == system) & (curves.seed == seed)].drop(columns=["variant", "seed"])
        texts += [weights[f"{system}/seed_{seed}/model.safetensors"], own.to_csv(index=False)]
    return hash_texts([*texts, json.dumps([recipe["architecture"], recipe["settings"]], sort_keys=True)])


def code_gives_versions(packed: Packed) -> str:
    """The versions are computed again from the code here, by the pack's settings; libraries may be other ones."""
    facts, versions = packed.facts, versions_of(packed)
    same_code = _is_same_code(packed)
    try:
        profile = profile_of(facts)
    except UserError as fault:
        raise NotCheckedError(f"{fault} {_how_to_get_there(facts)}") from None
    systems = project_systems(facts, profile)
    with tempfile.TemporaryDirectory() as folder:
        subjects = benchmark_subjects(profile, Paths(Path(folder), profile.name, profile.target), systems)
    now = {"/".join(one.key.path[1:]): one.version.parts for one in subjects}
    if len(systems) < len(facts.systems) + len(facts.missing):
        now = {name: parts for name, parts in now.items() if name not in OF_ALL}
    compared = sorted(set(now) & set(versions))
    for name in compared:
        before, after = by_code(versions[name]["parts"]), by_code(now[name])
        if CodeVersion(before).digest == CodeVersion(after).digest:  # whatever files were called when it was made
            continue
        reason = next(iter(explain(before, after)), "its parts differ")
        if same_code:
            raise NotFollowingError(f"of {name}: {reason}, though the commit is the same")
        raise NotCheckedError(f"the code here is another one (of {name}: {reason}). {_how_to_get_there(facts)}")
    if same_code and settings_of(profile) != facts.settings:
        odd = sorted(set(settings_of(profile).items()) ^ set(facts.settings.items()))[0]
        raise NotFollowingError(f"the setting {odd[0]} is another one than the profile and its changes give")
    where = "of the same commit" if same_code else "here, of another commit"
    return f"{len(compared)} of {len(versions)} products, computed from the code {where}"


def profile_of(facts: Facts) -> Profile:
    """The profile of a pack, as this code has it; raises UserError where it has no such profile or setting."""
    if facts.profile not in PROFILES:
        raise UserError(f"there is no profile {facts.profile!r} here.")
    own = PROFILES[facts.profile]
    changed = dict(facts.changed)
    if precision := facts.settings.get("training.precision"):
        changed["training.precision"] = precision  # which "auto" stood for where it was trained
    if (mapping := facts.settings.get("dataset.mapping", "none")) != "none":
        changed["dataset.mapping"] = mapping  # which was found in the dataset's folder there
    chosen = reduce(lambda profile, item: override(profile, *item, own), changed.items(), own)
    return complete(chosen, own)


def project_systems(facts: Facts, profile: Profile) -> list[System]:
    """Those systems of a pack that this code makes for the profile, in its order: not those that somebody added."""
    named = {one.name for one in facts.expected}
    return [one for one in systems_of(profile, Path("none added")) if one.name in named]


def settings_of(profile: Profile) -> dict[str, str]:
    """The profile's settings as a pack tells of them."""
    return {name: text for name, text in settings_table(profile) if name != "dataset.folder"}


def sources_of(packed: Packed) -> str:
    """The packs that this one was joined from, in words; empty where it was not."""
    if SOURCES not in packed.pack.names:
        return ""
    return ", ".join(f"{name} ({hash[:16]})" for hash, name in packed.pack.json(SOURCES).items())


def versions_of(packed: Packed) -> Mapping[str, Any]:
    """Of each product: its code version with its parts, its hash, what it read. Raises NotCheckedError if unknown."""
    versions: dict[str, Any] = packed.pack.json(VERSIONS)
    if not versions and SOURCES in packed.pack.names:
        raise NotCheckedError(f"the pack was joined from others, which have the code versions: {sources_of(packed)}.")
    if not versions:
        raise NotCheckedError("the pack has no record of code versions: Dagster's history was not there.")
    return versions


def by_code(parts: Mapping[str, str]) -> dict[str, str]:
    """The parts of a code version that are the same on every machine: no libraries, no files."""
    return {name: text for name, text in parts.items() if not name.startswith(_OF_A_MACHINE)}


def _plain(text: str) -> str:
    """A setting as the pack's list shows it, from its JSON."""
    value = json.loads(text)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _is_same_code(packed: Packed) -> bool:
    """Whether this code is that which packed: of the same commit, with the same edits."""
    facts, edits = packed.facts, code_edits()
    here = git_state().get("mlflow.source.git.commit", ""), edits if can_be_applied(edits) else ""
    return bool(facts.commit) and here == (facts.commit, packed.pack.text(EDITS) if facts.edited else "")


def _how_to_get_there(facts: Facts) -> str:
    if not facts.commit:
        return "The pack names no commit."
    patch = f", then `git apply` its {EDITS}" if facts.edited else ""
    return f"To check it: `git checkout {facts.commit[:12]}`{patch}, and verify again."

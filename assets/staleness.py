"""Which products are stale, and why; and carrying over in a refresh those that are not.

Dagster records with each materialization its code version, its data version and the data versions that it read.
Beside these, each materialization here keeps the parts of its code version, so that a later look can name what
changed since.

A product is stale when its code version changed, when what it reads has other data than it was made from, or when
it reads more or fewer products; also when its files are gone, or when a run that began to make it again was broken
off, for then they may be half made, or by other code. It waits when only something further up is stale: whether it
will be made again shows when that has been made, for a product made again with the same content changes nothing
below it.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dagster as dg

from assets.code_version import CodeVersion, explain
from assets.failures import OneSentence
from assets.products import begin, begun_by, changed_files, sizes
from sepmodels.files import hash_texts

State = Literal["fresh", "stale", "waiting", "never"]

PARTS = "code_version_parts"
REASONS = "made_because"
CARRIED = "carried_over_from_run"
REFRESH_TAGS = {"sepbench/refresh": "true"}  # of a run that makes only what is stale
ANEW_TAGS = {"sepbench/anew": "true"}  # of a run that keeps nothing that was made before
FILES = "files"  # of the products that are folders, with their sizes
SECONDS = "seconds_to_make"
NEVER_MADE = "it has never been made"

_CODE_VERSION = "dagster/code_version"
_DATA_VERSION = "dagster/data_version"
_INPUT = "dagster/input_data_version/"


@dataclass(frozen=True)
class Subject:
    """An asset as its definition is now: what it reads, its code version, its files.

    begun: the note of which run last began to make them.
    """

    key: dg.AssetKey
    needs: tuple[dg.AssetKey, ...]
    version: CodeVersion
    products: tuple[Path, ...]
    begun: Path


@dataclass(frozen=True)
class Standing:
    """Whether an asset's product is up to date, and a sentence for each reason why not."""

    key: dg.AssetKey
    state: State
    reasons: tuple[str, ...] = ()


def standings(subjects: Iterable[Subject], instance: dg.DagsterInstance) -> list[Standing]:
    """The standing of every asset; each must come after those that it needs."""
    subjects = tuple(subjects)
    made = _last_made([subject.key for subject in subjects], instance)
    found: dict[dg.AssetKey, Standing] = {}
    origins: dict[dg.AssetKey, list[str]] = {}
    for subject in subjects:
        reasons = tuple(_own_reasons(subject, made))
        above = dict.fromkeys(origin for need in subject.needs for origin in origins.get(need, ()))
        if subject.key not in made:
            found[subject.key] = Standing(subject.key, "never", (NEVER_MADE,))
        elif reasons:
            found[subject.key] = Standing(subject.key, "stale", reasons)
        elif above:
            found[subject.key] = Standing(subject.key, "waiting", (f"it waits for {_listed(list(above))}",))
        else:
            found[subject.key] = Standing(subject.key, "fresh")
        origins[subject.key] = [shown(subject.key)] if subject.key not in made or reasons else list(above)
    return list(found.values())


def refreshed(
    subject: Subject,
    context: dg.AssetExecutionContext,
    look_again: Callable[[], CodeVersion],
    make: Callable[[bool], dg.MaterializeResult],
) -> dg.MaterializeResult:
    """What ``make`` makes, with a note of its code version's parts and of why it was made.

    make: is told whether nothing that was made before may be kept: nothing has changed, and so it was only asked for,
        or all was asked for anew.

    In a run with ``REFRESH_TAGS``, a product that nothing has changed for is carried over instead: materialized
    again as it was, so that the run goes on below it.

    Raises :class:`dagster.Failure` when the code was edited after the run had read it (``look_again`` computes its
    version anew): the product would be recorded as that of code that did not make it.
    """
    _check_unedited(subject, look_again())
    made = _last_made([subject.key, *subject.needs], context.instance)
    reasons = _own_reasons(subject, made) if subject.key in made else [NEVER_MADE]
    if not reasons and is_refresh(context.run):
        context.log.info(f"{shown(subject.key)} is up to date: carried over.")
        return _carried_over(subject, made[subject.key])
    context.log.info(f"{shown(subject.key)} is made: {'; '.join(reasons) or 'it was asked for'}.")
    begin(subject.begun, context.run.run_id)
    started = time.perf_counter()
    result = make(not reasons or is_anew(context.run))
    seconds = dg.MetadataValue.float(time.perf_counter() - started)
    said = "\n".join(f"- {reason}" for reason in reasons or ["it was asked for"])
    files = dg.MetadataValue.json(sizes(subject.products))
    notes = {REASONS: dg.MetadataValue.md(said), PARTS: _noted(subject), FILES: files, SECONDS: seconds}
    return dg.MaterializeResult(data_version=result.data_version, metadata={**(result.metadata or {}), **notes})


def wanted_and_made(subjects: Iterable[Subject], instance: dg.DagsterInstance) -> str:
    """A hash of what the products should be made from, and of what they were made as, by which runs."""
    subjects = tuple(subjects)
    made = _last_made([subject.key for subject in subjects], instance)
    said: list[str] = []
    for subject in subjects:
        last = made.get(subject.key, _Made({}, {}, ""))
        versions = (last.tags.get(name, "") for name in (_CODE_VERSION, _DATA_VERSION))
        said += [shown(subject.key), subject.version.digest, last.made_by, *versions]
    return hash_texts(said)


def is_refresh(run: dg.DagsterRun) -> bool:
    """Whether a run makes only what is stale."""
    return REFRESH_TAGS.items() <= run.tags.items()


def is_anew(run: dg.DagsterRun) -> bool:
    """Whether a run keeps nothing that was made before."""
    return ANEW_TAGS.items() <= run.tags.items()


def data_version(key: dg.AssetKey, instance: dg.DagsterInstance) -> str:
    """The data version of an asset's product; empty where there is none."""
    made = _last_made([key], instance)
    return made[key].tags.get(_DATA_VERSION, "") if made else ""


def shown(key: dg.AssetKey) -> str:
    """An asset's name in sentences: its key without the profile."""
    return "/".join(key.path[1:])


@dataclass(frozen=True)
class _Made:
    """The last materialization of an asset."""

    tags: Mapping[str, str]
    metadata: Mapping[str, dg.MetadataValue]
    run_id: str

    @property
    def made_by(self) -> str:
        """The run that made it, where later ones carried it over."""
        carried = self.metadata.get(CARRIED)
        return str(carried.value) if carried else self.run_id

    @property
    def inputs(self) -> dict[dg.AssetKey, str]:
        """The data versions that it was made from."""
        return {
            dg.AssetKey(tag.removeprefix(_INPUT).split("/")): version
            for tag, version in self.tags.items()
            if tag.startswith(_INPUT)
        }


def _last_made(keys: list[dg.AssetKey], instance: dg.DagsterInstance) -> dict[dg.AssetKey, _Made]:
    found = {}
    for record in instance.get_asset_records(keys):
        event = record.asset_entry.last_materialization
        if event and event.asset_materialization:
            product = event.asset_materialization
            found[record.asset_entry.asset_key] = _Made(product.tags or {}, product.metadata, event.run_id)
    return found


def _own_reasons(subject: Subject, made: Mapping[dg.AssetKey, _Made]) -> list[str]:
    """Why the last product no longer stands, without looking further up than what it reads."""
    last = made.get(subject.key)
    return [] if last is None else list(_changes(subject, last, made)) or list(_losses(subject, last))


def _changes(subject: Subject, last: _Made, made: Mapping[dg.AssetKey, _Made]) -> Iterator[str]:
    if last.tags.get(_CODE_VERSION) != subject.version.digest:
        parts = last.metadata.get(PARTS)
        before = parts.value if isinstance(parts, dg.JsonMetadataValue) else None
        changes = explain(before, subject.version.parts) if isinstance(before, dict) else []
        yield from changes or ["its code or settings changed"]
    for need in subject.needs:
        if need not in last.inputs:
            yield f"it now reads {shown(need)}"
        elif need in made and made[need].tags.get(_DATA_VERSION) != last.inputs[need]:
            yield f"{shown(need)} has new data"
    for gone in last.inputs.keys() - set(subject.needs):
        yield f"it no longer reads {shown(gone)}"


def _losses(subject: Subject, last: _Made) -> Iterator[str]:
    if missing := [str(product) for product in subject.products if not product.exists()]:
        yield f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} not there"
    files = last.metadata.get(FILES)
    noted = files.value if isinstance(files, dg.JsonMetadataValue) else None
    if not missing and (changed := changed_files(subject.products, noted if isinstance(noted, dict) else {})):
        yield f"{_listed(list(map(str, changed)))} {'is' if len(changed) == 1 else 'are'} gone or of another size"
    if begun_by(subject.begun) not in (None, last.made_by):
        yield "a run began to make it again and has not ended that"


def _check_unedited(subject: Subject, now: CodeVersion) -> None:
    if now.digest != subject.version.digest:
        changes = _listed(explain(subject.version.parts, now.parts, most=1), between="; ")
        raise OneSentence(f"{shown(subject.key)} is not made: {changes}, after this run had begun. Start a new run.")


def _carried_over(subject: Subject, last: _Made) -> dg.MaterializeResult:
    return dg.MaterializeResult(
        data_version=dg.DataVersion(last.tags[_DATA_VERSION]),
        metadata={**last.metadata, PARTS: _noted(subject), CARRIED: dg.MetadataValue.dagster_run(last.made_by)},
    )


def _noted(subject: Subject) -> dg.MetadataValue:
    return dg.MetadataValue.json(dict(subject.version.parts))


def _listed(names: list[str], most: int = 3, between: str = ", ") -> str:
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more} more" if more > 0 else "")

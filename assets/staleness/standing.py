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
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import dagster as dg

from assets.runtime.failures import OneSentence
from assets.staleness.acceptance import ACCEPT_TAGS, as_metadata, versions_accepted
from assets.staleness.code.version import CodeVersion, explain
from assets.staleness.last_made import CARRIED, FILES, NEVER, PARTS, SECONDS, TOLD, LastMade, last_made
from assets.staleness.products import begin, begun_by, changed_files, sizes
from assets.step import SEEDS
from sepmodels.files import hash_texts

State = Literal["fresh", "stale", "waiting", "never"]

REASONS = "made_because"
KEPT_FROM = "kept_from_code_versions"
REFRESH_TAGS = {"sepbench/refresh": "true"}  # of a run that makes only what is stale
ANEW_TAGS = {"sepbench/anew": "true"}  # of a run that keeps nothing that was made before
NEVER_MADE = "it has never been made"
ASKED_FOR = "it was asked for"
NOT_MADE_AGAIN = "Nothing was made this time: the product of before stands. It was made because:"


@dataclass(frozen=True)
class Subject:
    """An asset as its definition is now: what it reads, its code version, its files.

    begun: the note of which run last began to make them.
    beside: the folder of a person's own modules that it is made by.
    tells: whether it says which of what it reads was accepted without being made again.
    """

    key: dg.AssetKey
    needs: tuple[dg.AssetKey, ...]
    version: CodeVersion
    products: tuple[Path, ...]
    begun: Path
    beside: Path | None = None
    tells: bool = False

    @property
    def seedless(self) -> str:
        """Its code version, whatever the seeds are: which there are changes nothing about each."""
        return self.version.without(SEEDS).digest


@dataclass(frozen=True)
class Standing:
    """Whether an asset's product is up to date, and a sentence for each reason why not."""

    key: dg.AssetKey
    state: State
    reasons: tuple[str, ...] = ()


def standings(subjects: Iterable[Subject], instance: dg.DagsterInstance) -> list[Standing]:
    """The standing of every asset; each must come after those that it needs."""
    subjects = tuple(subjects)
    made = last_made([subject.key for subject in subjects], instance)
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
        origins[subject.key] = [asset_name(subject.key)] if subject.key not in made or reasons else list(above)
    return list(found.values())


def refreshed(
    subject: Subject,
    context: dg.AssetExecutionContext,
    look_again: Callable[[], CodeVersion],
    make: Callable[[bool, tuple[str, ...], Sequence[str]], dg.MaterializeResult],
    accept: Callable[[LastMade, list[str]], dg.MaterializeResult],
) -> dg.MaterializeResult:
    """What ``make`` makes, with a note of its code version's parts and of why it was made.

    make: is told whether nothing that was made before may be kept (nothing has changed, and so it was only asked for,
        or all was asked for anew), which other code versions a person has said to make the same, and why it is made.
    accept: is told of the last product, and of the reasons, beside its code version, why it does not stand.

    In a run with ``REFRESH_TAGS``, a product that nothing has changed for is carried over instead: materialized
    again as it was, so that the run goes on below it. In one with ``ACCEPT_TAGS`` nothing is made, and what is stale
    is accepted.

    Raises :class:`dagster.Failure` when the code was edited after the run had read it (``look_again`` computes its
    version anew): the product would be recorded as that of code that did not make it.
    """
    _check_unedited(subject, look_again())
    made = last_made([subject.key, *subject.needs], context.instance)
    last = made.get(subject.key, NEVER)
    reasons = _own_reasons(subject, made) if subject.key in made else [NEVER_MADE]
    if not reasons and is_refresh(context.run):
        context.log.info(f"{asset_name(subject.key)} is up to date: carried over.")
        return carried_over(subject, last)
    if is_acceptance(context.run):
        return accept(last, [reason for reason in reasons if reason not in _code_changes(subject, last)])
    context.log.info(f"{asset_name(subject.key)} is made: {'; '.join(reasons) or ASKED_FOR}.")
    begin(subject.begun, context.run.run_id)
    started = time.perf_counter()
    accepted = last.acceptances
    why = reasons or [ASKED_FOR]
    result = make(not reasons or is_anew(context.run), versions_accepted(accepted, subject.seedless), why)
    said = "\n".join(f"- {reason}" for reason in why)
    notes = {
        REASONS: dg.MetadataValue.md(said),
        PARTS: _noted(subject),
        FILES: dg.MetadataValue.json(sizes(subject.products)),
        SECONDS: dg.MetadataValue.float(time.perf_counter() - started),
        **({TOLD: dg.MetadataValue.json(_told(subject, made))} if subject.tells else {}),
    }
    metadata = {**(result.metadata or {}), **notes}
    if metadata.pop(KEPT_FROM, None):  # parts of it rest on what was accepted
        metadata |= as_metadata(accepted)
    return dg.MaterializeResult(data_version=result.data_version, metadata=metadata)


def wanted_and_made(subjects: Iterable[Subject], instance: dg.DagsterInstance) -> str:
    """A hash of what the products should be made from, and of what they were made as, by which runs."""
    subjects = tuple(subjects)
    made = last_made([subject.key for subject in subjects], instance)
    said: list[str] = []
    for subject in subjects:
        last = made.get(subject.key, NEVER)
        said += [asset_name(subject.key), subject.version.digest, last.made_by, last.code_version, last.data_version]
    return hash_texts(said)


def is_refresh(run: dg.DagsterRun) -> bool:
    """Whether a run makes only what is stale."""
    return REFRESH_TAGS.items() <= run.tags.items()


def is_acceptance(run: dg.DagsterRun) -> bool:
    """Whether a run makes nothing, and accepts what is stale."""
    return ACCEPT_TAGS.items() <= run.tags.items()


def is_anew(run: dg.DagsterRun) -> bool:
    """Whether a run keeps nothing that was made before."""
    return ANEW_TAGS.items() <= run.tags.items()


def data_version(key: dg.AssetKey, instance: dg.DagsterInstance) -> str:
    """The data version of an asset's product; empty where there is none."""
    return last_made([key], instance).get(key, NEVER).data_version


def asset_name(key: dg.AssetKey) -> str:
    """An asset's name in sentences: its key without the profile."""
    return "/".join(key.path[1:])


def _own_reasons(subject: Subject, made: Mapping[dg.AssetKey, LastMade]) -> list[str]:
    """Why the last product no longer stands, without looking further up than what it reads."""
    last = made.get(subject.key)
    if last is None:
        return []
    changes = [*_code_changes(subject, last), *_input_changes(subject, last, made), *_news(subject, last, made)]
    return changes or list(_losses(subject, last))


def _code_changes(subject: Subject, last: LastMade) -> list[str]:
    if last.code_version == subject.version.digest:
        return []
    before = last.noted(PARTS)
    return (explain(before, subject.version.parts) if before else []) or ["its code or settings changed"]


def _input_changes(subject: Subject, last: LastMade, made: Mapping[dg.AssetKey, LastMade]) -> Iterator[str]:
    for need in subject.needs:
        if need not in last.inputs:
            yield f"it now reads {asset_name(need)}"
        elif need in made and made[need].data_version != last.inputs[need]:
            yield f"{asset_name(need)} has new data"
    for gone in last.inputs.keys() - set(subject.needs):
        yield f"it no longer reads {asset_name(gone)}"


def _news(subject: Subject, last: LastMade, made: Mapping[dg.AssetKey, LastMade]) -> Iterator[str]:
    """What it does not tell yet of products that were accepted, or were and have been made again since."""
    before, now = last.noted(TOLD), _told(subject, made) if subject.tells else {}
    for name, said in now.items():
        if before.get(name) != said:
            yield f"{name} was {said[-1]}"
    for name in before.keys() - now.keys():
        yield f"{name} was made again after it had been accepted"


def _told(subject: Subject, made: Mapping[dg.AssetKey, LastMade]) -> dict[str, list[str]]:
    """What a product has to tell of those that it reads: which were accepted, and why."""
    found = {
        asset_name(need): [one.sentence() for one in made[need].acceptances] for need in subject.needs if need in made
    }
    return {name: said for name, said in found.items() if said}


def _losses(subject: Subject, last: LastMade) -> Iterator[str]:
    if missing := [str(product) for product in subject.products if not product.exists()]:
        yield f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} not there"
    if not missing and (changed := changed_files(subject.products, last.noted(FILES))):
        yield f"{_listed(list(map(str, changed)))} {'is' if len(changed) == 1 else 'are'} gone or of another size"
    if begun_by(subject.begun) not in (None, last.made_by):
        yield "a run began to make it again and has not ended that"


def _check_unedited(subject: Subject, now: CodeVersion) -> None:
    if now.digest != subject.version.digest:
        changes = _listed(explain(subject.version.parts, now.parts, most=1), between="; ")
        raise OneSentence(
            f"{asset_name(subject.key)} is not made: {changes}, after this run had begun. Start a new run."
        )


def carried_over(subject: Subject, last: LastMade) -> dg.MaterializeResult:
    """The last product once more, as it was, under today's code version, and told to be so."""
    metadata = {name: _no_point(value) for name, value in last.metadata.items()}
    if REASONS in metadata and CARRIED not in metadata:
        metadata[REASONS] = dg.MetadataValue.md(f"{NOT_MADE_AGAIN}\n\n{last.metadata[REASONS].value}")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(last.data_version),
        metadata={**metadata, PARTS: _noted(subject), CARRIED: dg.MetadataValue.dagster_run(last.made_by)},
    )


def _no_point(value: dg.MetadataValue) -> dg.MetadataValue:
    """A number as a text: Dagster would draw it over time once more, as if it had been measured again."""
    numbers = (dg.IntMetadataValue, dg.FloatMetadataValue)
    return dg.MetadataValue.text(str(value.value)) if isinstance(value, numbers) else value


def _noted(subject: Subject) -> dg.MetadataValue:
    return dg.MetadataValue.json(dict(subject.version.parts))


def _listed(names: list[str], most: int = 3, between: str = ", ") -> str:
    more = len(names) - most
    return between.join(names[:most]) + (f" and {more} more" if more > 0 else "")

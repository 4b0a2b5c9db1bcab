"""``sepbench join``: packs of the same benchmark, trained with other seeds elsewhere, as one table."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from assets.staleness.code.version import explain
from assets.step import SEEDS
from pipelines.looking.claims import print_claims
from pipelines.looking.tables import print_table
from pipelines.packing.code_checks import by_code, sources_of, versions_of
from pipelines.packing.packing import write_sound_pack
from pipelines.terminal import printable
from sepmodels.audio import target_of
from sepmodels.errors import UserError
from sepmodels.packing.again import claims_again, results_again, said_of
from sepmodels.packing.checked import NotCheckedError
from sepmodels.packing.checks import require_sound
from sepmodels.packing.container import opened_pack
from sepmodels.packing.joined_parts import joined_parts
from sepmodels.packing.joining import join
from sepmodels.packing.parts import Packed

NOTHING = "Nothing was joined."
_COMPARED = ("checkpoint", "estimates", "scores")  # products of a system, and those of all tracks:
_OF_TRACKS = ("tracks", "stems/train", "stems/valid", "stems/test")


def join_packs(files: Sequence[Path], out: Path | None, console: Console) -> None:
    """Print the table and the claims of all trainings of the packs; with ``out``, write them as one pack, too.

    Raises UserError where a pack does not hold, where packs were made by other code or settings, of other tracks, or
    have one training with two results; nothing is written then.
    """
    if len(files) < 2:
        raise UserError("Joining takes two packs or more: name them one after the other.")
    with ExitStack() as stack:
        packs = [Packed(stack.enter_context(opened_pack(file))) for file in files]
        for packed in packs:
            require_sound(packed, NOTHING)
        _require_same_code(packs)
        joined = join(packs)
        results = results_again(joined)
        seeds = joined.facts.settings[SEEDS]
        target = target_of(results.summary.target).capitalize()
        title = f"{target}, {joined.facts.profile}: {len(packs)} packs, seeds {seeds}"
        print_table(results.summary, said_of(results), console, escape(printable(title)))
        print_claims(claims_again(joined), console)
        if out is not None:
            parts = joined_parts(joined)
            identity = write_sound_pack(parts, out, NOTHING)
            words = f"Joined {len(packs)} packs: {printable(out)}, {len(parts)} files. Its content is {identity[:16]}."
            console.print(words, highlight=False, soft_wrap=True, markup=False)


def _require_same_code(packs: Sequence[Packed]) -> None:
    """Raise UserError unless the same code and settings made what packs share, whatever seeds and libraries."""
    known: dict[str, tuple[Path, dict[str, str]]] = {}
    for packed in packs:
        versions = _versions(packed)
        for name in _products(versions):
            parts = _seedless(versions[name]["parts"])
            before, made_by = known.setdefault(name, (packed.pack.file, parts))
            if reasons := explain(made_by, parts):
                raise UserError(
                    f"{packed.pack.file} cannot be joined with {before}: its {name} was made otherwise ({reasons[0]}). "
                    "Train all seeds by the same code and with the same settings."
                )


def _versions(packed: Packed) -> Mapping[str, Any]:
    """What made the pack's products; raises UserError where the pack does not know."""
    try:
        return versions_of(packed)
    except NotCheckedError as fault:
        if sources := sources_of(packed):
            raise UserError(f"{packed.pack.file} was joined from others: join those themselves, {sources}.") from None
        raise UserError(
            f"{packed.pack.file} cannot be joined: {fault} Pack it where its trainings were made."
        ) from None


def _products(versions: Mapping[str, Any]) -> Iterator[str]:
    yield from (name for name in versions if name in _OF_TRACKS or name.rpartition("/")[2] in _COMPARED)


def _seedless(parts: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in by_code(parts).items() if name != SEEDS}

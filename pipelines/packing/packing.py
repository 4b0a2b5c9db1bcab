"""``sepbench pack``: a profile's result as one file that others can check."""

from pathlib import Path

from rich.console import Console

from assets.job import Job
from pipelines.packing.gathering import Known, Wishes, gather, sounds_licence
from pipelines.packing.own_music import left_out
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.packing.checks import require_sound
from sepmodels.packing.container import Parts, opened_pack, write_pack
from sepmodels.packing.parts import Packed

_CHANGED = "Was a file of the data folder changed by hand? `sepbench run --anew` makes all again."


def pack_result(job: Job, known: Known, file: Path, wishes: Wishes, console: Console) -> None:
    """Write the pack of a benchmark, and print what it is; a pack that does not hold by itself is not written.

    known: of :func:`pipelines.packing.gathering.recorded`. Raises UserError where there is nothing to pack, or the file
    cannot be written.
    """
    require_zip(file)
    parts = gather(job, known, wishes)
    identity = write_sound_pack(parts, file, _CHANGED)
    size = f"{file.stat().st_size / 1e6:.1f} MB"
    console.print(
        f"Packed {job.profile.name}: {printable(file)}, {len(parts)} files, {size}.", highlight=False, soft_wrap=True
    )
    console.print(f"Its content is {identity[:16]}: print that with the table.", highlight=False)
    if wishes.sounds:
        console.print(f"It has sounds of the dataset. {sounds_licence(job.profile)}", highlight=False, soft_wrap=True)
    if said := left_out(job.profile):
        console.print(said, highlight=False, soft_wrap=True)
    if not wishes.authors:
        console.print("It names nobody: --author NAME says whom to cite.", highlight=False)
    console.print(f"Next: sepbench verify {printable(file)}", highlight=False, soft_wrap=True, markup=False)


def require_zip(file: Path) -> None:
    """Raise UserError for the name of a file that no pack can have."""
    if file.suffix != ".zip":
        raise UserError(f"A pack is a zip file: name one with --out, such as {file.with_suffix('.zip').name}.")


def write_sound_pack(parts: Parts, file: Path, otherwise: str) -> str:
    """Write a pack that holds by itself, or none; gives its hash.

    otherwise: a sentence on what to do where it does not hold.

    Raises UserError where it does not hold, or the file cannot be written.
    """
    try:
        with replacing(file) as temporary:
            identity = write_pack(parts, temporary)
            with opened_pack(temporary) as pack:
                pack.file = file  # for messages
                require_sound(Packed(pack), otherwise)
    except OSError as fault:
        raise UserError(f"{file} cannot be written ({fault.strerror}): name another file with --out.") from None
    return identity

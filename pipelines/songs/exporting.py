"""``sepbench export``: a trained variant as one file for other programs."""

from pathlib import Path

from rich.console import Console

from assets.paths import Paths
from pipelines.songs.choose_model import choose_model
from pipelines.songs.song_list import require_folder
from pipelines.terminal import printable
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile


def export_variant(
    profile: Profile,
    paths: Paths,
    variant: str,
    form: str,
    console: Console,
    *,
    out: Path | None = None,
    seed: int | None = None,
    force: bool = False,
) -> None:
    """Write the variant's model as ``form`` into ``out``, and say how far its estimates are from the original's.

    Raises :class:`UserError` for an unknown form, a variant that is not trained, a file that exists (but for
    ``force``) or cannot be written, and what :func:`sepmodels.models.export.export_model` does.
    """
    from sepmodels.models.export import SUFFIXES, export_model
    from sepmodels.models.model_file import load_model

    if form not in SUFFIXES:
        raise unknown_name("format", form, SUFFIXES)
    chosen = choose_model(profile, paths, variant=variant, seed=seed)
    out = out or Path(variant + SUFFIXES[form])
    if out.is_dir() or (out.exists() and not force):
        raise UserError(f"{printable(out)} exists already: say --force to replace a file, or choose another --out.")
    require_folder(out.parent)
    model, _ = load_model(chosen.file, expect=chosen.expect)
    try:
        difference = export_model(model, form, out, output=profile.target)
    except OSError as error:
        raise UserError(
            f"{printable(out)} cannot be written ({error.strerror or error}): make room, or choose another --out."
        ) from error
    console.print(
        f"{printable(out)}: {variant} as {form}, {out.stat().st_size / 1e6:.1f} MB; "
        f"its {profile.target} and the model's differ by at most {difference:.1e} of full scale.",
        highlight=False,
        soft_wrap=True,
        markup=False,
    )

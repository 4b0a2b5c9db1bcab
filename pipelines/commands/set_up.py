"""The commands that say what there is to choose and what is needed: ``sepbench doctor``, ``profiles``, ``variants``."""

import typer

from pipelines.commands.help_screen import examples
from pipelines.options import DataOption, DatasetOption, ProfileOption, use_options
from pipelines.terminal import Terminal

GROUP = "Set-up"

app = typer.Typer()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help="Check packages, GPU, ffmpeg, disk, dataset and ports.",
    epilog=examples(
        ("sepbench doctor", "is all there for the demo?"),
        ("sepbench doctor -p folder --dataset ~/stems", "and what are my files taken for?"),
    ),
)
def doctor(profile: ProfileOption = None, dataset: DatasetOption = None, data: DataOption = None) -> None:
    """Check what a profile needs: packages, GPU, ffmpeg, disk, dataset, stores and ports.

    The exit status is 1 if something is missing.
    """
    from pipelines.doctor.doctor import examine

    if not examine(*use_options(profile, dataset, data), console):
        raise typer.Exit(1)


@app.command(
    rich_help_panel=GROUP,
    short_help="List the profiles, or one profile's settings.",
    epilog=examples(
        ("sepbench profiles", "all profiles"),
        ("sepbench profiles -p musdb18", "its settings, with their values"),
    ),
)
def profiles(profile: ProfileOption = None) -> None:
    """List the profiles. With --profile, list that profile's settings and their values."""
    from pipelines.looking.tables import show_profiles, show_settings

    if profile is None:
        show_profiles(console)
    else:
        show_settings(use_options(profile)[0], console)


@app.command(
    rich_help_panel=GROUP,
    short_help="List the variants and references.",
    epilog=examples(("sepbench variants", "names for --only and --variant")),
)
def variants() -> None:
    """List the variants and references."""
    from pipelines.looking.tables import show_variants

    show_variants(console)

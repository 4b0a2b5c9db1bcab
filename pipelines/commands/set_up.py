"""What there is to choose and what is needed: ``sepbench doctor``, ``profiles``, ``settings``, ``variants``."""

from typing import Annotated, Literal

import typer

from pipelines.commands.help_screen import examples
from pipelines.options import DataOption, DatasetOption, ProfileOption, SetOption, named_paths, use_options
from pipelines.permissions import require_writable
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

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
def doctor(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Check what a profile needs: packages, GPU, ffmpeg, disk, dataset, stores and ports; count what is made already.

    The exit status is 1 if something is missing.
    """
    from pipelines.doctor.doctor import examine
    from pipelines.remembering import say_in_force

    chosen, paths = use_options(profile, dataset, data, settings or ())
    say_in_force(chosen, paths, console)
    if not examine(chosen, paths, console):
        raise typer.Exit(1)


@app.command(
    rich_help_panel=GROUP,
    short_help="List the profiles, or one profile's settings.",
    epilog=examples(
        ("sepbench profiles", "all profiles"),
        ("sepbench profiles -p musdb18", "its settings: values, meanings, units"),
    ),
)
def profiles(profile: ProfileOption = None, data: DataOption = None) -> None:
    """List the profiles. With --profile, list that profile's settings: values, meanings, units."""
    from pipelines.looking.tables import show_profiles, show_settings

    if profile is None:
        show_profiles(console)
    else:
        show_settings(use_options(profile, data=data)[0], console)


@app.command(
    rich_help_panel=GROUP,
    short_help="Show a profile's settings, or change them for good.",
    epilog=examples(
        ("sepbench settings -p demo", "all settings: what they mean, and what is changed"),
        ("sepbench settings set training.steps=500 seeds=42,43", "for all commands and pages, from now on"),
        ("sepbench settings unset training.steps", "back to the profile's own value"),
        ("sepbench settings reset", "all of them back"),
    ),
)
def settings(
    action: Annotated[
        Literal["show", "set", "unset", "reset"], typer.Argument(help="What to do. [default: show]", show_default=False)
    ] = "show",
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="NAME=VALUE", help="With set: what to set. With unset: the names."),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Show the settings of a profile in a data folder, or change them for good.

    They stand in the file DATA/PROFILE/settings.toml, with a comment for each. You can also change it with an editor.
    A run that goes on keeps the settings that it began with. Dagster's open pages show a change after "Reload
    definitions".
    """
    from pipelines.looking.tables import show_settings
    from pipelines.remembering import reset_settings, say_in_force, set_settings, unset_settings

    if (action in ("set", "unset")) != bool(names):
        raise UserError(f"`sepbench settings {action}` takes {'no names' if names else 'the names of settings'}.")
    if action != "show":
        require_writable(named_paths(profile, data))
    if action == "reset":
        reset_settings(named_paths(profile, data))
    chosen, paths = use_options(profile, data=data)
    if action == "set":
        set_settings(chosen, paths, names or ())
    elif action == "unset":
        unset_settings(chosen, paths, names or ())
    chosen, paths = use_options()
    if action == "show":
        show_settings(chosen, console)
        console.print(f"\nChanges stand in {paths.settings_file}.", highlight=False, soft_wrap=True)
    elif not say_in_force(chosen, paths, console):
        console.print(f"No setting of {chosen.name} is changed.")


@app.command(
    rich_help_panel=GROUP,
    short_help="List the variants and references.",
    epilog=examples(
        ("sepbench variants", "names for --only and --variant"),
        ("sepbench variants -p musdb18", "and which of them that profile makes"),
    ),
)
def variants(profile: ProfileOption = None, data: DataOption = None, settings: SetOption = None) -> None:
    """List the variants and references, and which of them the profile makes."""
    from pipelines.looking.tables import show_variants

    show_variants(*use_options(profile, data=data, settings=settings or ()), console)

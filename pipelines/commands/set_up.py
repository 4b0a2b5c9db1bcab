"""What there is to choose and what is needed: ``doctor``, ``look``, ``profiles``, ``settings`` and ``variants``."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from assets.paths import whole_path
from pipelines.commands.help_screen import Commands, examples
from pipelines.options import DataOption, DatasetOption, ProfileOption, SetOption, advised, named_paths, use_options
from pipelines.permissions import require_writable
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

GROUP = "Set-up"
DOCTOR_OR_LOOK = "Check this machine; or say what a dataset's files are."

app = Commands()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help=DOCTOR_OR_LOOK,
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
    short_help=DOCTOR_OR_LOOK,
    epilog=examples(
        ("sepbench look ~/stems", "before a run: which file is the voice, what is passed over, what is missing"),
        ("sepbench look ~/stems --each --set dataset.vocals='lead*'", "a row for each track, by a rule of your own"),
        ("sepbench look ~/musdb18 -p musdb18", "as that profile would read it"),
    ),
)
def look(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with tracks, or with train and test.")],
    each: Annotated[
        bool, typer.Option("--each", help="A row for each track; else tracks that are alike share one.")
    ] = (False),
    profile: Annotated[
        str, typer.Option("--profile", "-p", metavar="NAME", help="Whose settings of the dataset count.")
    ] = "folder",
    settings: SetOption = None,
) -> None:
    """List the tracks of a folder, what their files are, what is passed over, and all that is wrong.

    Nothing is decoded. The exit status is 1 if a run could not begin with it.
    """
    from pipelines.looking.folder import look as look_at

    chosen, _ = use_options(profile, settings=settings or ())
    if not look_at(whole_path(folder), chosen.dataset, console, each=each, scoring_rate=chosen.scoring_rate):
        raise typer.Exit(1)
    console.print(
        f"Next: {advised('run', chosen, '--dataset', str(folder))}", highlight=False, soft_wrap=True, markup=False
    )


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
        Literal["show", "set", "unset", "reset"],
        typer.Argument(metavar="ACTION", help="show, set, unset or reset. [default: show]", show_default=False),
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
    from pipelines.remembering import reset_settings, say_in_force, say_left_behind, set_settings, unset_settings

    if (action in ("set", "unset")) != bool(names):
        raise UserError(f"`sepbench settings {action}` takes {'no names' if names else 'the names of settings'}.")
    if action != "show":
        require_writable(named_paths(profile, data))
    paths = named_paths(profile, data)
    if action == "reset":
        reset_settings(paths)
    elif action == "set":
        set_settings(paths, names or ())
    elif action == "unset":
        unset_settings(paths, names or ())
    chosen, paths = use_options(profile, data=data)
    if action == "show":
        show_settings(chosen, console)
        console.print(f"\nChanges stand in {paths.settings_file}.", highlight=False, soft_wrap=True)
    elif not say_in_force(chosen, paths, console):
        console.print(f"No setting of {chosen.name} is changed.")
    if action != "show":
        say_left_behind(chosen, paths, console)


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

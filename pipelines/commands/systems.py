"""The commands for rows of the table: ``sepbench add``, ``remove`` and ``systems``."""

from pathlib import Path
from typing import Annotated

import typer

from assets.paths import whole_path
from pipelines.commands.help_screen import Commands, examples
from pipelines.options import DataOption, ProfileOption, use_options
from pipelines.permissions import require_writable
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.systems.pretrained import ARCHITECTURES

GROUP = "Systems"
ADD_OR_REMOVE = "Add a row: audio, scores, a program... Or remove one."

app = Commands()
console = Terminal()

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Small letters, digits and _.")]
SomeName = Annotated[
    str | None,
    typer.Argument(metavar="NAME", help="Small letters, digits and _. With --variants or --pack: the one to add."),
]


@app.command(
    rich_help_panel=GROUP,
    short_help=ADD_OR_REMOVE,
    epilog=examples(
        ("sepbench add theirs --estimates ~/estimates -p musdb18", "you have audio: DIR/TRACK/vocals.wav"),
        ("sepbench add prog --command 'prog {mixture} {out}' --vocals '{out}/vocals.wav'", "a program"),
        ("sepbench add mine --python mine.py:separate", "a function (2, sample) -> (2, sample)"),
        ("sepbench add spleeter --architecture spleeter", "a published model"),
        ("sepbench add one --architecture scnet --checkpoint scnet.ckpt --config scnet.yaml", "another"),
        ("sepbench add --variants mine.py", "variants of your own, trained here"),
        ("sepbench add --pack result.zip -p musdb18", "somebody's rows, on the same test tracks"),
        ("sepbench add both --mean open_unmix,transformer", "an ensemble"),
        ("sepbench add unmix_tta --augmented open_unmix --shifts 4", "test-time augmentation"),
        ("sepbench add published --scores ~/sisec/UMX -p musdb18", "you have scores: museval's files or a table"),
    ),
)
def add(
    name: SomeName = None,
    estimates: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A folder with TRACK/vocals.wav (or of the target), any format."),
    ] = None,
    scores: Annotated[
        Path | None, typer.Option(metavar="PLACE", help="A folder of museval's files, or a CSV or Parquet table.")
    ] = None,
    command: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What one types to separate {mixture} into the folder {out}.")
    ] = None,
    vocals: Annotated[
        str | None,
        typer.Option(metavar="PATH", help="With --command: the target that it writes: {out}/vocals.wav or so."),
    ] = None,
    version_command: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With --command: what prints its version.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(metavar="FILE.py:FUNCTION", help="A function separate(mixture, sample_rate_hz).")
    ] = None,
    architecture: Annotated[
        str | None, typer.Option(metavar="NAME", help=f"A published model: {', '.join(ARCHITECTURES)}.")
    ] = None,
    checkpoint: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="With --architecture: the file of its weights.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE.yaml", help="With --architecture: the model's configuration.")
    ] = None,
    limit_minutes: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER", min=0.01, help="With --command or --python: the time for each track. [default: 60]"
        ),
    ] = None,
    variants: Annotated[
        str | None,
        typer.Option(metavar="FILE.py", help="VARIANTS to be trained here: a file, a module or an entry point."),
    ] = None,
    pack: Annotated[
        Path | None, typer.Option(metavar="FILE.zip", help="The rows of a pack: scores that others measured.")
    ] = None,
    mean: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="The mean of these systems' estimates, or of one's trainings.")
    ] = None,
    augmented: Annotated[
        str | None, typer.Option(metavar="VARIANT", help="A variant that hears each track several times, changed.")
    ] = None,
    shifts: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="With --augmented: by how many shifts in time. [default: 2]")
    ] = None,
    weights: Annotated[str | None, typer.Option(metavar="X,Y,Z", help="With --mean: a weight for each.")] = None,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the table calls it. [default: NAME]")] = "",
    about: Annotated[str, typer.Option(metavar="TEXT", help="A sentence on what it is.")] = "",
    trained_on: Annotated[str, typer.Option(metavar="TEXT", help="What it has learnt from, in words.")] = "",
    owner: Annotated[
        str, typer.Option(metavar="WHO", help="Whose it is, as Dagster shows it: an email address, or a group's name.")
    ] = "",
    trained_on_tracks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A text file with the tracks that it has learnt from, a line each."),
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Add a system as a row of the table: say by one option what you have.

    It writes one small file, data/PROFILE/systems/NAME.toml. `sepbench run` makes the row.
    """
    from pipelines.systems.adding import add_system, read_names, read_numbers, whole_function
    from pipelines.systems.adding_variants import add_variants, require_alone

    chosen, paths = use_options(profile, data=data)
    require_writable(paths)
    given = {
        "estimates": estimates and whole_path(estimates),
        "scores": scores and whole_path(scores),
        "command": command,
        "vocals": vocals,
        "version_command": version_command,
        "python": python and whole_function(python),
        "architecture": architecture,
        "checkpoint": tuple(map(whole_path, checkpoint or ())),
        "config": config and whole_path(config),
        "limit_minutes": limit_minutes,
        "augmented": augmented,
        "shifts": shifts,
        "mean": tuple(mean.split(",")) if mean else (),
        "weights": read_numbers(weights) if weights else (),
        "title": title,
        "summary": about,
        "trained_on": trained_on,
        "owner": owner,
        "trained_on_tracks": read_names(trained_on_tracks),
    }
    if variants is not None:
        require_alone("variants", {**given, "pack": pack})
        add_variants(chosen, paths, variants, name, console)
        return
    if pack is not None:
        from pipelines.systems.adding_packs import add_pack

        require_alone("pack", given)
        add_pack(chosen, paths, whole_path(pack), name, console)
        return
    if name is None:
        raise UserError("Name the system: sepbench add NAME, and by an option what you have.")
    add_system(chosen, paths, name, given, console)


@app.command(
    rich_help_panel=GROUP,
    short_help=ADD_OR_REMOVE,
    epilog=examples(("sepbench remove theirs -p musdb18", "its row, estimates and scores; your own files stay")),
)
def remove(name: NameArgument, profile: ProfileOption = None, data: DataOption = None) -> None:
    """Remove a system that was added, with what was made of it. The files that you gave stay."""
    from pipelines.systems.adding import remove_system

    chosen, paths = use_options(profile, data=data)
    require_writable(paths)
    remove_system(chosen, paths, name, console)


@app.command(
    rich_help_panel=GROUP,
    short_help="List the systems: kind, state, training data.",
    epilog=examples(("sepbench systems -p musdb18", "every row of the table, made or not")),
)
def systems(profile: ProfileOption = None, data: DataOption = None) -> None:
    """List every system of the profile: its kind, whether it is up to date, and what it was trained on."""
    from pipelines.systems.listing import show_systems

    show_systems(*use_options(profile, data=data), console)

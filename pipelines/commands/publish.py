"""The commands on results as files: ``sepbench pack``, ``verify``, ``compare`` and ``join``."""

from pathlib import Path
from typing import Annotated

import typer

from assets.paths import whole_path
from pipelines.commands.help_screen import Commands, examples
from pipelines.options import DataOption, ProfileOption, use_options
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

GROUP = "Publish"
PACK_OR_VERIFY = "Pack a result for others to check; or check a pack."
COMPARE_OR_JOIN = "Compare two results; or join seeds trained apart."

app = Commands()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help=PACK_OR_VERIFY,
    epilog=examples(
        ("sepbench pack -p musdb18-7s --out result.zip --author 'First Last'", "table, scores, curves, code versions"),
        ("sepbench pack -p musdb18-7s --models --licence CC-BY-4.0", "with the trained models"),
    ),
)
def pack(
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.zip", help="The pack. [default: sepbench-PROFILE.zip]")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="Keep it in the data folder instead, for `sepbench compare COMMIT`.")
    ] = False,
    title: Annotated[str, typer.Option(metavar="TEXT", help="What the pack is called where it is cited.")] = "",
    author: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Whom to cite. Write it again for one more.")
    ] = None,
    licence: Annotated[str, typer.Option(metavar="ID", help="Of the pack, as SPDX names it, such as CC-BY-4.0.")] = "",
    models: Annotated[bool, typer.Option("--models", help="Pack the trained models, too.")] = False,
    sounds: Annotated[
        bool, typer.Option("--sounds", help="Pack the report's sounds, too. They are the dataset's; see its licence.")
    ] = False,
    report: Annotated[bool, typer.Option("--report/--no-report", help="Pack the report, or leave it out.")] = True,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Pack a result: the table, its scores, claims, curves, settings, code versions, hashes and the report.

    Everything has to be up to date. The same content gives the same bytes.
    """
    from assets.job import Job
    from assets.runtime.hosts import show_presence
    from pipelines.graph.instance import history
    from pipelines.packing.gathering import Wishes, recorded
    from pipelines.packing.kept import kept_pack
    from pipelines.packing.packing import pack_result
    from sepmodels.systems import systems_of

    if sounds and not report:
        raise UserError("--sounds packs the report's sounds: leave out --no-report, or --sounds.")
    if keep and out is not None:
        raise UserError("--keep has a place of its own for the pack: leave out --out, or --keep.")
    chosen, paths = use_options(profile, data=data)
    if keep:
        show_presence(paths.data)
    file = kept_pack(paths) if keep else whole_path(out or f"sepbench-{chosen.name}.zip")
    wishes = Wishes(title, tuple(author or ()), licence, models=models, sounds=sounds, report=report)
    job = Job(chosen, paths, systems=systems_of(chosen, paths.systems))
    with history(paths.data) as instance:
        known = recorded(job, instance)
    pack_result(job, known, file, wishes, console)


@app.command(
    rich_help_panel=GROUP,
    short_help=PACK_OR_VERIFY,
    epilog=examples(
        ("sepbench verify result.zip", "does the table follow from the scores?"),
        ("sepbench verify result.zip --dataset ~/musdb18 --deep", "do models and trainings come out again here?"),
    ),
)
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE.zip", help="A pack that `sepbench pack` wrote.")],
    dataset: Annotated[
        Path | None, typer.Option(metavar="DIR", help="The dataset, to compare it and to score some tracks again.")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="With --dataset: separate by the packed models and begin the trainings again."),
    ] = False,
) -> None:
    """Check a pack: its files, the scores, the table, the claims and the code versions.

    With --dataset also: are its tracks the same, and do some of them score the same? No code in a pack
    is run. The exit status is 1 if something does not follow; what cannot be checked here is said.
    """
    from pipelines.packing.verifying import verify_pack

    if deep and dataset is None:
        raise UserError("--deep separates and trains on the dataset: name its folder with --dataset DIR.")
    if not verify_pack(whole_path(file), console, dataset and whole_path(dataset), deep=deep):
        raise typer.Exit(1)


@app.command(
    rich_help_panel=GROUP,
    short_help=COMPARE_OR_JOIN,
    epilog=examples(
        ("sepbench compare before.zip after.zip", "what changed, and which differences hold"),
        ("sepbench compare before.zip data/musdb18-7s", "a pack with what the last run here left"),
        ("sepbench compare 1a2b3c4 5d6e7f8 -p musdb18-7s", "two commits whose packs `sepbench pack --keep` kept"),
    ),
)
def compare(
    first: Annotated[
        str, typer.Argument(metavar="A", help="A pack, a profile's folder such as data/demo, or a commit.")
    ],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Print two tables side by side, what changed in settings, data and code, and which differences hold.

    A commit stands for the pack that `sepbench pack --keep` kept of the profile there.
    """
    from pipelines.packing.comparing import compare_results
    from pipelines.packing.kept import result_named

    _, paths = use_options(profile, data=data)
    compare_results(result_named(first, paths), result_named(second, paths), console)


@app.command(
    rich_help_panel=GROUP,
    short_help=COMPARE_OR_JOIN,
    epilog=examples(
        ("sepbench join seed42.zip seed43.zip", "the table of all trainings, with its tests"),
        ("sepbench join seed*.zip --out all.zip", "the same as a pack, to verify, compare or publish"),
    ),
)
def join(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE.zip", help="Packs of one benchmark, each with other seeds.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE.zip", help="Write them as one pack, too.")
    ] = None,
) -> None:
    """Join packs whose trainings have other seeds, and print the table and the claims of all of them.

    Several machines train a seed each, and `sepbench pack` each result. The packs must be of the same
    code, settings and tracks. The table is the one that all seeds in one place would give.
    """
    from pipelines.packing.joining import join_packs
    from pipelines.packing.packing import require_zip

    target = whole_path(out) if out else None
    if target:
        require_zip(target)
    join_packs([whole_path(file) for file in files], target, console)

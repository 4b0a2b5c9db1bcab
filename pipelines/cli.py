"""The command line: ``sepbench``."""

import io
import sys
import traceback
from typing import Annotated

import typer
from rich.markup import escape

from assets.paths import Paths
from pipelines.options import AcceptLicenceOption, DataOption, DatasetOption, ProfileOption, SetOption, use_options
from pipelines.own_code import foreign_code
from pipelines.permissions import require_writable
from pipelines.song_commands import export, separate, serve
from pipelines.terminal import Terminal, output_is_lost
from sepmodels.errors import UserError
from sepmodels.settings import Profile

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="A benchmark of singing-voice separation: dataset, training of every variant, separation, museval, one table.",
)
console = Terminal()

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="VARIANT",
        help="Only this variant's chain, the data, the references and the table; may be given again.",
    ),
]


def _say_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        console.print(f"sepbench {version('sepbench')}", highlight=False)
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Say name and version, and end.")
    ] = False,
) -> None: ...


@app.command()
def run(
    profile: ProfileOption = None,
    only: OnlyOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    scorer: Annotated[
        str | None, typer.Option(help="fast (museval's figures, sooner) or museval itself. [default: fast]")
    ] = None,
    accept_licence: AcceptLicenceOption = False,
    settings: SetOption = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="Throw away what was made, and make everything again; asks first.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="With --anew: do not ask.")] = False,
) -> None:
    """Make what is missing or stale of the benchmark: data, trainings, separations, scores, table and report.

    What is up to date is kept, so that it can be typed again at any time; Ctrl-C saves, and the next time goes on
    from there. What is stale, and why, `sepbench stale` says beforehand. The default profile takes some minutes on a
    CPU.
    """
    from pipelines.graph.selection import select
    from pipelines.running.make_products import make_anew, make_behind

    asked = [*(settings or ()), *([f"scorer={scorer}"] if scorer else [])]
    chosen, paths = use_options(profile, dataset, data, asked, only or ())
    keys = select(chosen, only or [])
    require_writable(paths)
    _accept_licence(chosen, paths, accept_licence)
    if anew:
        make_anew(chosen, paths, keys, console, sure=yes)
    else:
        make_behind(chosen, paths, keys, console)


app.command("refresh", help="Another name of `run`.")(run)


def _accept_licence(chosen: Profile, paths: Paths, accepted: bool) -> None:
    if accepted:
        from assets.making.public_dataset import accept_licence

        accept_licence(chosen, paths)


@app.command()
def download(
    profile: ProfileOption = None, data: DataOption = None, accept_licence: AcceptLicenceOption = False
) -> None:
    """Fetch the profile's public dataset into the data folder; without the flag, show its licence.

    A run fetches it by itself once the licence is accepted. A break costs nothing: the next time goes on from there.
    """
    from pipelines.downloading import download_dataset

    chosen, paths = use_options(profile, data=data)
    require_writable(paths)
    _accept_licence(chosen, paths, accept_licence)
    download_dataset(chosen, paths, console)


@app.command()
def stale(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
    everything: Annotated[bool, typer.Option("--all", help="List what is up to date, and all reasons, too.")] = False,
) -> None:
    """Say what is not up to date, and why: which function, setting, library or data changed.

    Ends with status 0 where all is, and with 1 where something is not.
    """
    from pipelines.looking.standings import show_standings

    chosen, paths = use_options(profile, dataset, data, settings or ())
    if not show_standings(chosen, paths, console, everything=everything):
        raise typer.Exit(1)


@app.command()
def accept(
    products: Annotated[
        list[str],
        typer.Argument(
            metavar="PRODUCT", help="Such as open_unmix/checkpoint; a system, open_unmix; or a pattern, '*/checkpoint'."
        ),
    ],
    because: Annotated[str, typer.Option(metavar="TEXT", help="Why they are as today's code would make them.")] = "",
    check: Annotated[
        bool | None,
        typer.Option(
            "--check/--no-check",
            help="Make a part of each again and compare it bit by bit; or do not, which needs --because. "
            "[default: where it takes less than a minute]",
        ),
    ] = None,
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Record stale products as made by today's code, without making them again: after a change that changes no number.

    Only a change of code can be accepted; of a library's version after a check. What was accepted, by whom and why
    stands in `sepbench stale`, the table and the report until the product is made again.
    """
    from pipelines.running.accept import accept_products

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_writable(paths)
    if check is False and not because.strip():
        raise UserError("Without a check --because is needed: why are they as today's code would make them?")
    how = {None: "auto", True: "always", False: "never"}[check]
    accept_products(chosen, paths, products, console, because=because, check=how)


@app.command()
def ui(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 lets other machines in.")] = "127.0.0.1",
    dagster_port: Annotated[int, typer.Option(help="Dagster's port; the next free one when taken.")] = 3000,
    mlflow_port: Annotated[int, typer.Option(help="MLflow's port; the next free one when taken.")] = 5000,
    browser: Annotated[bool, typer.Option(help="Open the pages in a browser.")] = True,
) -> None:
    """Open Dagster (the graph) and MLflow (the runs) side by side; Ctrl-C ends both."""
    from pipelines.ui.servers import open_pages

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_writable(paths)
    open_pages(
        chosen,
        paths,
        host=host,
        dagster_port=dagster_port,
        mlflow_port=mlflow_port,
        open_browser=browser,
        console=console,
    )


@app.command()
def table(profile: ProfileOption = None, data: DataOption = None) -> None:
    """Print the results table of a profile."""
    from pipelines.looking.tables import show_table

    show_table(*use_options(profile, data=data), console)


@app.command()
def claims(profile: ProfileOption = None, data: DataOption = None) -> None:
    """Print the claims of the list, one by one: supported, refuted or undecided, with the evidence."""
    from pipelines.looking.claims import show_claims

    show_claims(*use_options(profile, data=data), console)


@app.command()
def plan(
    difference: Annotated[float, typer.Option(metavar="DB", help="The true difference to be found, in dB.")],
    profile: ProfileOption = None,
    data: DataOption = None,
    target: Annotated[str, typer.Option(help="vocals or accompaniment.")] = "vocals",
    metric: Annotated[str, typer.Option(help="SDR, SIR, SAR, ISR, uSDR or SI-SDR.")] = "SDR",
    power: Annotated[float, typer.Option(help="In which share of cases it is to be found.")] = 0.8,
) -> None:
    """Say how many seeds and test tracks it takes to find a difference, and about how long that is here.

    It reckons with the spread between tracks and between trainings of the profile's own results.
    """
    from pipelines.looking.plan import show_plan

    chosen, paths = use_options(profile, data=data)
    show_plan(chosen, paths, console, difference_db=difference, target=target, metric=metric, power=power)


for command in (separate, export, serve):
    app.command()(command)


@app.command()
def variants() -> None:
    """List the variants and references."""
    from pipelines.looking.tables import show_variants

    show_variants(console)


@app.command()
def profiles(profile: ProfileOption = None) -> None:
    """List the profiles; with --profile, its settings and their values."""
    from pipelines.looking.tables import show_profiles, show_settings

    if profile is None:
        show_profiles(console)
    else:
        show_settings(use_options(profile)[0], console)


@app.command()
def doctor(profile: ProfileOption = None, dataset: DatasetOption = None, data: DataOption = None) -> None:
    """Check what the benchmark needs: packages, GPU, ffmpeg, disk, dataset, stores, ports."""
    from pipelines.doctor.doctor import examine

    if not examine(*use_options(profile, dataset, data), console):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line.

    What a user can mend is one sentence on standard error, with exit status 2. So is a standard output that cannot be
    written to, with status 1; whoever closed a pipe knows, and nothing is said. A fault of the program ends with
    status 3, for 1 is also how `sepbench stale` says that something is stale.
    """
    if sys.stdout is None:
        _complain("Standard output is closed: send it to a file or a terminal.")
        sys.exit(1)
    if isinstance(sys.stdout, io.TextIOWrapper):  # as standard error does: a file's name may be in no encoding
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        if note := foreign_code():
            Terminal(stderr=True).print(f"[yellow]sepbench:[/] {escape(note)}", highlight=False, soft_wrap=True)
        app()
    except UserError as fault:
        _complain(str(fault))
        sys.exit(2)
    except Exception as error:
        if not isinstance(error, OSError) or not output_is_lost():
            traceback.print_exc()
            sys.exit(3)
        if not isinstance(error, BrokenPipeError):
            reason = error.strerror or str(error)
            _complain(f"Standard output cannot be written to ({reason}): make room, or send it to another place.")
        sys.exit(1)


def _complain(sentence: str) -> None:
    Terminal(stderr=True).print(f"[red]sepbench:[/] {escape(sentence)}", highlight=False, soft_wrap=True)

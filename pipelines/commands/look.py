"""The commands that show what was made: ``ui``, ``table``, ``claims``, ``cost``, ``score``, ``votes`` and ``ears``."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.help_screen import Commands, examples
from pipelines.options import DataOption, DatasetOption, ProfileOption, SetOption, use_options
from pipelines.permissions import require_writable
from pipelines.remembering import remember
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

GROUP = "Look"
COST_OR_SCORE = "Measure what separating costs; or score folders."
VOTES_OR_EARS = "Sum up a listening test; or judge measures by it."
TABLE_OR_CLAIMS = "Print the table; or the claims, each with its evidence."

CsvOption = Annotated[bool, typer.Option("--csv", help="Print all its columns as CSV, for other programs.")]

app = Commands()
console = Terminal()


@app.command(
    rich_help_panel=GROUP,
    short_help="Open the pages: what is stale, what runs, the graph.",
    epilog=examples(
        ("sepbench ui", "the demo's pages, in your browser"),
        ("sepbench ui -p musdb18 --no-browser --port 8080", "on a machine without a screen"),
    ),
)
def ui(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="The address to listen on. 0.0.0.0 lets other machines in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="NUMBER", help="The port of all pages, or the next free one.")] = 3000,
    browser: Annotated[bool, typer.Option(help="Open the front page in a browser.")] = True,
) -> None:
    """Open the front page, and behind it Dagster (the graph), MLflow (the runs), the report and the songs page.

    All are at one address, so one port is enough for another machine: `ssh -L 3000:localhost:3000 HOST`. Ctrl-C ends
    all.
    """
    from pipelines.ui.servers import open_pages

    chosen, paths = use_options(profile, dataset, data, settings or ())
    require_writable(paths)
    remember(chosen, paths, console, settings or (), dataset)
    open_pages(
        chosen,
        paths,
        host=host,
        port=port,
        open_browser=browser,
        console=console,
    )


@app.command(
    rich_help_panel=GROUP,
    short_help=TABLE_OR_CLAIMS,
    epilog=examples(
        ("sepbench table -p musdb18-7s", "as the last run left it"),
        ("sepbench table -p musdb18-7s --csv > table.csv", "both targets, with intervals, for other programs"),
    ),
)
def table(profile: ProfileOption = None, data: DataOption = None, as_csv: CsvOption = False) -> None:
    """Print a profile's table of results."""
    from pipelines.looking.claims import show_claims_in_short
    from pipelines.looking.tables import show_table, table_as_csv

    chosen, paths = use_options(profile, data=data)
    if as_csv:
        typer.echo(table_as_csv(chosen, paths), nl=False)
        return
    show_table(chosen, paths, console)
    show_claims_in_short(chosen, paths, console)


@app.command(
    rich_help_panel=GROUP,
    short_help=TABLE_OR_CLAIMS,
    epilog=examples(("sepbench claims -p musdb18-7s", "supported, refuted or undecided")),
)
def claims(profile: ProfileOption = None, data: DataOption = None, as_csv: CsvOption = False) -> None:
    """Print each claim of the list with its verdict (supported, refuted or undecided) and the evidence."""
    from pipelines.looking.claims import claims_as_csv, show_claims

    chosen, paths = use_options(profile, data=data)
    if as_csv:
        typer.echo(claims_as_csv(chosen, paths), nl=False)
        return
    show_claims(chosen, paths, console)


@app.command(
    rich_help_panel=GROUP,
    short_help=COST_OR_SCORE,
    epilog=examples(("sepbench cost -p musdb18-7s", "what is not measured yet, one system after another")),
)
def cost(
    only: Annotated[
        list[str] | None, typer.Option(metavar="SYSTEM", help="Measure this system, though it was measured before.")
    ] = None,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Measure each system alone on this machine's CPU; the table and the report show it after the next run."""
    from pipelines.looking.cost import measure_costs

    chosen, paths = use_options(profile, data=data)
    require_writable(paths)
    measure_costs(chosen, paths, only or [], console)


@app.command(
    rich_help_panel=GROUP,
    short_help=COST_OR_SCORE,
    epilog=examples(
        ("sepbench score musdb18hq/test estimates/", "TRACK/vocals.wav in both, or MUSDB18's .stem.mp4"),
        ("sepbench score true/ mine/ --out scores/", "with each track's values, and museval's files"),
        ("sepbench score true/ mine/ --target drums", "the drums against all the rest"),
        ("sepbench score true/ mine/ --measures all", "with log-WMSE, MR-STFT, bleedless, fullness, PES, ViSQOL"),
    ),
)
def score(
    references: Annotated[
        Path,
        typer.Argument(metavar="REFERENCES", help="The true stems: TRACK/vocals.wav and the others, or .stem.mp4."),
    ],
    estimates: Annotated[
        Path, typer.Argument(metavar="ESTIMATES", help="What was separated: TRACK/vocals.wav, TRACK_vocals.wav...")
    ],
    target: Annotated[
        list[str] | None,
        typer.Option(metavar="STEM", help="A stem to score; several times for several. [default: all estimated]"),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where values are written.")] = None,
    name: Annotated[
        str, typer.Option(metavar="NAME", help="What the system is called. [default: the folder's name]")
    ] = "",
    scorer: Annotated[str, typer.Option(metavar="NAME", help="fast, or museval itself.")] = "fast",
    measures: Annotated[
        str, typer.Option(metavar="NAME,...", help="Measures beside BSSEval's, with commas between; or all.")
    ] = "",
    pitch: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Pitch labels for RPA and OA: TRACK.pv or TRACK.csv (s, Hz).")
    ] = None,
    window: Annotated[float, typer.Option(metavar="SECONDS", help="The length of a window.")] = 1.0,
    hop: Annotated[float, typer.Option(metavar="SECONDS", help="From one window to the next.")] = 1.0,
    workers: Annotated[
        int,
        typer.Option(
            metavar="NUMBER", min=0, show_default=False, help="Tracks at once. [default: what suits this machine]"
        ),
    ] = 0,
) -> None:
    """Score what any separator has made, by BSSEval v4 as museval has it, with uSDR and SI-SDR.

    No benchmark is needed. Of one stem alone the rest is scored too: the mixture minus the estimate.
    """
    from pipelines.looking.score import score as score_two

    score_two(
        references,
        estimates,
        console,
        targets=tuple(target or ()),
        name=name,
        out=out,
        scorer=scorer,  # type: ignore[arg-type]
        asked=_names(measures),
        pitch=pitch,
        window_seconds=window,
        hop_seconds=hop,
        workers=workers,
    )


@app.command(
    rich_help_panel=GROUP,
    short_help=VOTES_OR_EARS,
    epilog=examples(("sepbench votes -p musdb18-7s ratings*.csv", "the files of all listeners together")),
)
def votes(
    files: Annotated[list[Path], typer.Argument(metavar="FILE", help="The files that the listening test gives.")],
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Print mean ratings with intervals for other listeners and tracks, and which measures agree with them."""
    from pipelines.looking.votes import show_votes

    show_votes(*use_options(profile, data=data), console, files)


@app.command(
    rich_help_panel=GROUP,
    short_help=VOTES_OR_EARS,
    epilog=examples(
        ("sepbench ears --test listening-test/ --anchors Quality,Interferer", "a published test: sounds and ratings"),
        ("sepbench ears --votes ratings*.csv -p musdb18-7s", "the report's own test"),
    ),
)
def ears(
    more: Annotated[list[Path] | None, typer.Argument(metavar="FILE", help="More files of --votes.")] = None,
    test: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="A published listening test: ratings.csv and sounds/PAGE/SOUND.flac."),
    ] = None,
    votes: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="What the report's listening test gives; may be repeated.")
    ] = None,
    measures: Annotated[
        str, typer.Option(metavar="NAME,...", help="Measures beside BSSEval's, with commas between; or all.")
    ] = "all",
    anchors: Annotated[
        str, typer.Option(metavar="NAME,...", help="With --test: its sounds that no system made, left out.")
    ] = "",
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where the table and all values are written.")
    ] = None,
    workers: Annotated[
        int,
        typer.Option(
            metavar="NUMBER",
            min=0,
            show_default=False,
            help="With --test: sounds at once. [default: one for each core]",
        ),
    ] = 0,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Say which measures order the sounds of a song as listeners do, with intervals for other songs.

    Give either --test DIR, or --votes FILE with the benchmark that was heard (-p, --data).
    """
    from pipelines.looking.ears import ears_of_test, ears_of_votes

    asked = _names(measures)
    if files := [*(votes or ()), *(more or ())]:
        _refuse({"--test": test, "--anchors": anchors, "--workers": workers}, beside="--votes")
        chosen, paths = use_options(profile, data=data)
        ears_of_votes(files, chosen, paths, console, asked=asked, out=out)
    elif test is not None:
        _refuse({"-p": profile, "--data": data}, beside="--test")
        ears_of_test(test, console, asked=asked, anchors=_names(anchors), out=out, workers=workers)
    else:
        raise UserError("There is nothing to hear: give --test DIR or --votes FILE.")


def _refuse(options: Mapping[str, object], beside: str) -> None:
    """Raise UserError for an option that was given and says nothing ``beside`` another one."""
    if given := [name for name, value in options.items() if value]:
        raise UserError(f"{given[0]} does not go together with {beside}: leave one of the two out.")


def _names(words: str) -> list[str]:
    return [name.strip() for name in words.split(",") if name.strip()]

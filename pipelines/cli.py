"""The command line: ``sepbench``."""

import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from assets.paths import Paths
from pipelines.options import AcceptLicenceOption, DataOption, DatasetOption, ProfileOption, SetOption, use_options
from sepmodels.errors import UserError
from sepmodels.settings import Profile

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="A benchmark of singing-voice separation: dataset, training of every variant, separation, museval, one table.",
)
console = Console()

OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="VARIANT",
        help="Only this variant's chain, the data, the references and the table; may be given again.",
    ),
]

VariantOption = Annotated[
    str | None,
    typer.Option("--variant", "-v", help="Which trained variant. [default: the best of the profile's table]"),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model", "-m", help="A model.safetensors file, a run of MLflow (its id) or a registered model's name."
    ),
]


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
) -> None:
    """Materialize the benchmark: dataset, every variant's training, separation and scores, table and report.

    The default profile takes some minutes on a CPU. Ctrl-C saves; the next run goes on from there.
    """
    from pipelines.selection import select

    asked = [*(settings or ()), *([f"scorer={scorer}"] if scorer else [])]
    chosen, paths = use_options(profile, dataset, data, asked)
    _accept(chosen, paths, accept_licence)
    _run_job("benchmark", select(chosen, only or []), chosen, paths)


@app.command()
def refresh(
    profile: ProfileOption = None,
    only: OnlyOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    accept_licence: AcceptLicenceOption = False,
    settings: SetOption = None,
) -> None:
    """Materialize only what is stale or was never made, and what follows from it.

    What is stale, and why, `sepbench stale` says beforehand.
    """
    from pipelines.aftermath import clear_up
    from pipelines.selection import behind, select
    from pipelines.showing import show_end

    chosen, paths = use_options(profile, dataset, data, settings or ())
    _accept(chosen, paths, accept_licence)
    keys = behind(chosen, paths, select(chosen, only or []))
    if not keys:
        clear_up(paths)
        console.print("Everything is up to date.")
        show_end(chosen, paths, console)
        return
    _run_job("refresh", keys, chosen, paths)


def _accept(chosen: Profile, paths: Paths, accepted: bool) -> None:
    if accepted:
        from assets.fetching import accept_licence

        accept_licence(chosen, paths)


def _run_job(job: str, keys: list[str], chosen: Profile, paths: Paths) -> None:
    from pipelines.runner import run_assets
    from pipelines.showing import show_end

    if status := run_assets(paths, job, keys, console):
        raise typer.Exit(status)
    show_end(chosen, paths, console)


@app.command()
def download(
    profile: ProfileOption = None, data: DataOption = None, accept_licence: AcceptLicenceOption = False
) -> None:
    """Fetch the profile's public dataset into the data folder; without the flag, show its licence.

    A run fetches it by itself once the licence is accepted. A break costs nothing: the next time goes on from there.
    """
    from pipelines.downloading import download_dataset

    chosen, paths = use_options(profile, data=data)
    _accept(chosen, paths, accept_licence)
    download_dataset(chosen, paths, console)


@app.command()
def stale(
    profile: ProfileOption = None,
    dataset: DatasetOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Say which products are stale, and why: which function, setting, library or data changed."""
    from pipelines.showing import show_standings

    show_standings(*use_options(profile, dataset, data, settings or ()), console)


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
    from pipelines.servers import serve

    chosen, paths = use_options(profile, dataset, data, settings or ())
    serve(
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
    from pipelines.showing import show_table

    show_table(*use_options(profile, data=data), console)


@app.command()
def separate(
    songs: Annotated[
        list[Path],
        typer.Argument(metavar="SONG...", help="Files (wav, flac, mp3, m4a...), folders, or - for standard input."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the stems go.")] = Path("separated"),
    variant: VariantOption = None,
    model: ModelOption = None,
    seed: Annotated[int | None, typer.Option(help="Which seed's model, where there are several.")] = None,
    form: Annotated[str, typer.Option("--format", "-f", help="wav, flac or mp3.")] = "wav",
    bits: Annotated[
        int | None, typer.Option(help="Of a sample: 16, 24 or 32 (float, wav only). [default: wav 32, flac 24]")
    ] = None,
    karaoke: Annotated[bool, typer.Option("--karaoke", help="Write the accompaniment only.")] = False,
    wiener: Annotated[
        int | None,
        typer.Option(min=0, help="Iterations of the multichannel Wiener filter. [default: the variant's own]"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist already.")] = False,
    profile: ProfileOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Separate songs into vocals and accompaniment with a trained variant.

    Writes DIR/SONG/vocals.wav and DIR/SONG/accompaniment.wav with the song's own sample rate, channels and tags;
    they sum to the song. Without --variant or --model the best variant of the profile's table is used.
    """
    from pipelines.separating import Wishes, separate_songs

    chosen, paths = use_options(profile, data=data, settings=settings or ())
    wishes = Wishes(
        out=out,
        variant=variant,
        model=model,
        seed=seed,
        form=form.lower(),
        bits=bits,
        karaoke=karaoke,
        force=force,
        wiener_iterations=wiener,
    )
    separate_songs(chosen, paths, songs, wishes, console)


@app.command()
def export(
    variant: Annotated[str, typer.Argument(metavar="VARIANT", help="Which trained variant; see `sepbench variants`.")],
    form: Annotated[str, typer.Option("--to", metavar="FORMAT", help="torchscript or onnx.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="[default: VARIANT.pt or VARIANT.onnx]")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Which seed's model, where there are several.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists already.")] = False,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Write a trained variant as one file that needs none of this project: mixture in, vocals out, any length.

    The file is compared with the model, and kept only if it does the same.
    """
    from pipelines.exporting import export_variant

    chosen, paths = use_options(profile, data=data)
    export_variant(chosen, paths, variant, form.lower(), console, out=out, seed=seed, force=force)


@app.command()
def serve(
    port: Annotated[int, typer.Option(help="The page's port; the next free one when taken.")] = 7860,
    max_megabytes: Annotated[float, typer.Option(min=0.001, help="The largest song that is taken.")] = 500.0,
    max_minutes: Annotated[
        float, typer.Option(min=0.001, help="The longest time to receive a song, and to separate it.")
    ] = 30.0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    profile: ProfileOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Open a page on this machine where a song is dropped, separated, listened to and downloaded; Ctrl-C ends it."""
    from pipelines.page import serve_page

    chosen, paths = use_options(profile, data=data, settings=settings or ())
    serve_page(
        chosen,
        paths,
        console,
        port=port,
        max_megabytes=max_megabytes,
        max_minutes=max_minutes,
        open_browser=browser,
    )


@app.command()
def variants() -> None:
    """List the variants and references."""
    from pipelines.showing import show_variants

    show_variants(console)


@app.command()
def profiles(profile: ProfileOption = None) -> None:
    """List the profiles; with --profile, its settings and their values."""
    from pipelines.showing import show_profiles, show_settings

    if profile is None:
        show_profiles(console)
    else:
        show_settings(use_options(profile)[0], console)


@app.command()
def doctor(profile: ProfileOption = None, dataset: DatasetOption = None, data: DataOption = None) -> None:
    """Check what the benchmark needs: packages, GPU, ffmpeg, disk, dataset, stores, ports."""
    from pipelines.doctor import examine

    if not examine(*use_options(profile, dataset, data), console):
        raise typer.Exit(1)


def main() -> None:
    """Run the command line; what a user can mend is one sentence on standard error, with exit status 2."""
    try:
        app()
    except UserError as fault:
        Console(stderr=True).print(f"[red]sepbench:[/] {escape(str(fault))}", highlight=False, soft_wrap=True)
        sys.exit(2)

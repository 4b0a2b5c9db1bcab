"""The commands for songs: ``sepbench separate``, ``export`` and ``serve``."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.commands.help_screen import Commands, examples
from pipelines.options import DataOption, ProfileOption, SetOption, use_options
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

GROUP = "Songs"

app = Commands()
console = Terminal()

VariantOption = Annotated[
    str | None,
    typer.Option(
        "--variant", "-v", metavar="NAME", help="A trained variant. [default: the best in the profile's table]"
    ),
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        "-m",
        metavar="MODEL",
        help="Instead: a model.safetensors file, the id of an MLflow run, or a registered model.",
    ),
]


@app.command(
    rich_help_panel=GROUP,
    short_help="Separate songs into vocals and accompaniment.",
    epilog=examples(
        ("sepbench separate song.mp3 -p musdb18-7s", "into separated/song/, with the table's best variant"),
        ("sepbench separate album/ -v l1_loss -f flac --out stems", "a whole folder, as FLAC"),
        ("sepbench separate song.mp3 --system repet_sim", "with a system of another kind"),
        ("sepbench separate song.wav --karaoke", "the accompaniment alone"),
    ),
)
def separate(
    songs: Annotated[
        list[str],  # as a path, nothing would be the current folder
        typer.Argument(metavar="SONG", help="Files (wav, flac, mp3, m4a...), folders, or - for standard input."),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the stems go.")] = Path("separated"),
    system: Annotated[
        str | None, typer.Option(metavar="NAME", help="A system of any kind that can; `sepbench systems` lists all.")
    ] = None,
    variant: VariantOption = None,
    model: ModelOption = None,
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="The seed of the model, if there are several.")
    ] = None,
    form: Annotated[str, typer.Option("--format", "-f", metavar="NAME", help="wav, flac or mp3.")] = "wav",
    bits: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", help="Bits of a sample: 16, 24, or 32 (float, wav only). [default: 32 in wav, 24 in flac]"
        ),
    ] = None,
    karaoke: Annotated[bool, typer.Option("--karaoke", help="Write the accompaniment alone.")] = False,
    wiener: Annotated[
        int | None,
        typer.Option(
            metavar="NUMBER", min=0, help="Iterations of the multichannel Wiener filter. [default: the variant's own]"
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that exist.")] = False,
    profile: ProfileOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Separate songs into vocals and accompaniment with a trained variant.

    It writes DIR/SONG/vocals.wav (or what else the profile separates) and DIR/SONG/accompaniment.wav. Both keep the
    song's sample rate, channels and tags, and sum to the song. Without --variant or --model it uses the best variant in
    the profile's table.
    """
    from pipelines.songs.separating import Wishes, separate_songs

    if "" in songs:
        raise UserError("A song's name is empty (is a variable of your shell not set?): name a file.")
    chosen, paths = use_options(profile, data=data, settings=settings or ())
    wishes = Wishes(
        out=out,
        system=system,
        variant=variant,
        model=model,
        seed=seed,
        form=form.lower(),
        bits=bits,
        karaoke=karaoke,
        force=force,
        wiener_iterations=wiener,
    )
    separate_songs(chosen, paths, list(map(Path, songs)), wishes, console)


@app.command(
    rich_help_panel=GROUP,
    short_help="Open a page that separates the songs dropped on it.",
    epilog=examples(
        ("sepbench serve -p musdb18-7s", "the page opens in your browser"),
        ("sepbench serve --port 8080 --no-browser", "on a port that you choose"),
    ),
)
def serve(
    port: Annotated[int, typer.Option(metavar="NUMBER", help="The page's port, or the next free one.")] = 7860,
    max_megabytes: Annotated[
        float, typer.Option(metavar="NUMBER", min=0.001, help="The largest song that it takes.")
    ] = 500.0,
    max_minutes: Annotated[
        float,
        typer.Option(metavar="NUMBER", min=0.001, help="The longest time to receive a song, and again to separate it."),
    ] = 30.0,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
    profile: ProfileOption = None,
    data: DataOption = None,
    settings: SetOption = None,
) -> None:
    """Open a page in the browser: drop a song on it, listen to its stems, and download them. Ctrl-C ends it."""
    from pipelines.serve import app as page

    chosen, paths = use_options(profile, data=data, settings=settings or ())
    page.serve(
        chosen,
        paths,
        console,
        port=port,
        max_megabytes=max_megabytes,
        max_minutes=max_minutes,
        open_browser=browser,
    )


@app.command(
    rich_help_panel=GROUP,
    short_help="Write a trained variant as one ONNX or TorchScript file.",
    epilog=examples(
        ("sepbench export open_unmix --to onnx", "into open_unmix.onnx"),
        ("sepbench export l1_loss --to torchscript --out voice.pt", "into a file that you name"),
    ),
)
def export(
    variant: Annotated[
        str, typer.Argument(metavar="VARIANT", help="A trained variant; `sepbench variants` lists them.")
    ],
    form: Annotated[str, typer.Option("--to", metavar="FORMAT", help="torchscript or onnx.")],
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="[default: VARIANT.pt or VARIANT.onnx]")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(metavar="NUMBER", help="The seed of the model, if there are several.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that exists.")] = False,
    profile: ProfileOption = None,
    data: DataOption = None,
) -> None:
    """Write a trained variant as one file for other programs: mixture in, target out, any length.

    The file is compared with the model, and kept only if both give the same.
    """
    from pipelines.songs.exporting import export_variant

    chosen, paths = use_options(profile, data=data)
    export_variant(chosen, paths, variant, form.lower(), console, out=out, seed=seed, force=force)

"""The commands for songs: ``sepbench separate``, ``export`` and ``serve``."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.options import DataOption, ProfileOption, SetOption, use_options
from pipelines.terminal import Terminal
from sepmodels.errors import UserError

console = Terminal()

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


def separate(
    songs: Annotated[
        list[str],  # as a path, nothing would be the current folder
        typer.Argument(metavar="SONG", help="Files (wav, flac, mp3, m4a...), folders, or - for standard input."),
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
    from pipelines.songs.separating import Wishes, separate_songs

    if "" in songs:
        raise UserError("A song's name is empty, as a shell's variable that is not set leaves it: name a file.")
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
    separate_songs(chosen, paths, list(map(Path, songs)), wishes, console)


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
    from pipelines.songs.exporting import export_variant

    chosen, paths = use_options(profile, data=data)
    export_variant(chosen, paths, variant, form.lower(), console, out=out, seed=seed, force=force)


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
    from pipelines.serve import app

    chosen, paths = use_options(profile, data=data, settings=settings or ())
    app.serve(
        chosen,
        paths,
        console,
        port=port,
        max_megabytes=max_megabytes,
        max_minutes=max_minutes,
        open_browser=browser,
    )

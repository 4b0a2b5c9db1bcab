"""Separates a person's own songs with a trained variant."""

import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.variants import find_variant


def separate_songs(
    profile: Profile, paths: Paths, songs: Sequence[Path], variant: str, out: Path, seed: int | None, console: Console
) -> None:
    """Write vocals and accompaniment of every song below ``out``.

    One song that cannot be read does not keep the others from being separated; all such are named at the end.
    Raises :class:`UserError` for an unknown or untrained variant, and for the songs that failed.
    """
    from sepmodels.checkpoints import load_model
    from sepmodels.devices import choose_device

    chosen = find_variant(variant)
    file = paths.model(variant, profile.seeds[0] if seed is None else seed)
    if not file.exists():
        raise UserError(
            f"{variant} is not trained yet ({file} is missing): run `sepbench run -p {profile.name} --only {variant}`."
        )
    device = choose_device(profile.device)
    model, _ = load_model(file, expect=chosen, device=device)
    faults = []
    for song in songs:
        try:
            _separate_song(profile, model, device, song, out / song.stem, console)
        except UserError as fault:
            faults.append(str(fault))
    if faults:
        raise UserError("\n".join(faults))


def _separate_song(profile: Profile, model, device, song: Path, folder: Path, console: Console) -> None:
    from sepmodels.audio import read_audio, write_audio
    from sepmodels.separation import separate_song

    waveform, sample_rate_hz = read_audio(song)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TimeRemainingColumn(),
    )
    started = time.perf_counter()
    with Progress(*columns, console=console, transient=True) as bars:
        task = bars.add_task(song.name, total=None)
        vocals = separate_song(
            model,
            waveform,
            sample_rate_hz,
            profile.separation,
            device=device,
            progress=lambda done, total, unit, **figures: bars.update(task, completed=done, total=total),
        )
    seconds = time.perf_counter() - started
    write_audio(folder / "vocals.wav", vocals, sample_rate_hz)
    write_audio(folder / "accompaniment.wav", waveform - vocals, sample_rate_hz)
    length = waveform.shape[-1] / sample_rate_hz
    console.print(
        f"{song.name} -> {folder}/vocals.wav, accompaniment.wav "
        f"({length:.1f} s of music in {seconds:.1f} s, real-time factor {seconds / length:.2f})",
        highlight=False,
        soft_wrap=True,
    )

"""A tiny model of a person's own: a file with ``VARIANTS``, an architecture, a loss, and a module that it imports."""

import importlib
import sys
import textwrap
from collections.abc import Iterable
from pathlib import Path

FILES = {
    "proposals.py": """
        from sepmodels.systems.variants import Variant

        VARIANTS = [
            Variant("filtered", "Filtered", "A filter.", architecture="tiny_net", loss="errors_of_mine:odd",
                    settings={"width": 3}, loss_settings={"power": 1.5}),
            Variant("small_unmix", "Small Open-Unmix", "A smaller one.", architecture="open_unmix",
                    loss="magnitude_mse", settings={"hidden": 8, "layers": 1}),
        ]
    """,
    "tiny_net.py": """
        from dataclasses import dataclass

        from torch import nn

        from blocks_of_mine import halved
        from sepmodels.audio.stft import Stft
        from sepmodels.models.estimate import Estimate

        @dataclass(frozen=True)
        class Config:
            width: int = 4

        class Model(nn.Module):
            def __init__(self, config, statistics, sample_rate_hz):
                super().__init__()
                self.sample_rate_hz = sample_rate_hz
                self.stft = Stft(1024, 256)
                self.filters = nn.Sequential(nn.Conv1d(2, config.width, 9, padding=4), nn.Conv1d(config.width, 2, 1))

            def forward(self, mixture):
                return Estimate.from_waveform(halved(self.filters(mixture)), self.stft)
    """,
    "blocks_of_mine.py": """
        def halved(samples):
            return samples / 2

        def unused(samples):
            return samples
    """,
    "errors_of_mine.py": """
        def odd(estimate, target, *, power=2.0):
            return (estimate.waveform - target).abs().pow(power).mean()
    """,
}


def write_outside_model(folder: Path) -> Path:
    """Write the files; gives the one with the variants."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in FILES.items():
        (folder / name).write_text(textwrap.dedent(text).lstrip())
    return folder / "proposals.py"


def forget_outside_model(proposals: Path, names: Iterable[str] = FILES) -> None:
    """Let Python forget the files, so that others may have their names."""
    sys.path[:] = [place for place in sys.path if place != str(proposals.parent)]
    for name in names:
        sys.modules.pop(name.removesuffix(".py"), None)
    importlib.invalidate_caches()


def edit(file: Path, before: str, after: str) -> None:
    """Replace a text that the file has."""
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))

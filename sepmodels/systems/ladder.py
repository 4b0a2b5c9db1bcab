"""From Open-Unmix to the best recipe, one change a rung, for a table of what each change is worth (suite ``ladder``).

The rungs stand in their order. Above them stands the variant ``band_split_rnn``, whose loss also compares samples.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

Entry = Mapping[str, Any]  # the fields of a variant

_LADDER: Entry = MappingProxyType({"suites": ("ladder",), "loss": "spectrogram_l1"})
_BAND_SPLIT: Entry = MappingProxyType({"architecture": "band_split_rnn", **_LADDER})
_COSINE: Entry = MappingProxyType({"gradient_clip": 5.0, "schedule": "cosine", "warmup_steps": 50})

RUNGS: tuple[Entry, ...] = (
    {
        "name": "complex_loss",
        "title": "Complex L1",
        "summary": "Open-Unmix trained with L1 of the real and imaginary parts of bins.",
        "architecture": "open_unmix",
        "suites": ("losses", "ladder"),
        "loss": "spectrogram_l1",
    },
    {
        "name": "complex_mask",
        "title": "Complex mask",
        "summary": "Complex L1, and Open-Unmix's layers make a complex mask.",
        "architecture": "complex_unmix",
        **_LADDER,
    },
    {
        "name": "band_split",
        "title": "Band split",
        "summary": "Complex mask, made by a small band-split RNN.",
        **_BAND_SPLIT,
    },
    {
        "name": "band_split_cosine",
        "title": "Band split, cosine",
        "summary": "Band split, with twice the learning rate, which grows first, then falls along a cosine; clipped.",
        "learning_rate": 2e-3,
        "training": _COSINE,
        **_BAND_SPLIT,
    },
    {
        "name": "band_split_average",
        "title": "Band split, averaged",
        "summary": "Band split, cosine, with a moving average of the weights.",
        "learning_rate": 2e-3,
        "training": {"ema_decay": 0.99, **_COSINE},
        **_BAND_SPLIT,
    },
)

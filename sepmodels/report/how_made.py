"""How the results were made: dataset, budget, versions, machine."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import TYPE_CHECKING, Any

from sepmodels.machine.hardware import processor_name
from sepmodels.settings import Profile, result_settings

if TYPE_CHECKING:
    import pandas as pd

LIBRARIES = ("torch", "numpy", "scipy", "pandas", "museval", "musdb", "stempeg", "soundfile", "dagster", "mlflow")
GIB = 2**30


@dataclass(frozen=True)
class Origin:
    """Where one product came from.

    asset: its name in the graph, without the profile. made: when, in words. mlflow_url, dagster_url: of its pages,
    while ``sepbench ui`` runs. commit: of the code; ``edited`` where the files differed from it.
    accepted: who said, and why, that other code than made it would make the same; empty where nobody had to.
    settings: of a training, those that it was made with, as text. data: the hash of all data that it learned from.
    stale: why it is not up to date; empty where it is.
    """

    asset: str
    made: str
    seconds: float
    mlflow_url: str = ""
    dagster_url: str = ""
    commit: str = ""
    edited: bool = False
    accepted: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
    data: str = ""
    stale: str = ""


def splits(tracks: pd.DataFrame) -> list[dict[str, Any]]:
    """A row per split: its tracks, their hours, and how much of it is sung."""
    rows = []
    for split, own in tracks.groupby("split", sort=False):
        hours = float(own.duration_seconds.sum()) / 3600
        sung = float((own.vocal_activity * own.duration_seconds).sum() / own.duration_seconds.sum())
        rows.append({"split": split, "tracks": len(own), "hours": f"{hours:.2f}", "sung": f"{100 * sung:.0f} %"})
    order = {"train": 0, "valid": 1, "test": 2}
    return sorted(rows, key=lambda row: order.get(str(row["split"]), len(order)))


def settings_table(profile: Profile) -> list[tuple[str, str]]:
    """Every setting that bears on the results, by its dotted name."""
    return [
        (name, value)
        for name, value in _flat(result_settings(profile))
        if name not in ("name", "summary", "dataset.target")
    ]


def versions() -> dict[str, str]:
    """The versions of Python and of the libraries that decide the results or show them."""
    found = {"Python": platform.python_version()}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def machine() -> dict[str, str]:
    """The machine that this runs on: system, processor, memory, and GPU where torch is loaded and finds one."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / GIB
    found = {
        "system": f"{platform.system()} {platform.release()}",
        "processor": f"{processor_name()}, {os.cpu_count()} cores",
        "memory": f"{memory:.0f} GiB",
    }
    torch = sys.modules.get("torch")  # a report alone need not load it
    if torch is not None and torch.cuda.is_available():
        found["GPU"] = ", ".join(torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count()))
    return found


def trainings_table(trainings: pd.DataFrame, titles: dict[str, str]) -> list[dict[str, str]]:
    """A row per training: what it ran on, how long, and where it ended."""
    return [
        {
            "system": titles.get(row["variant"], row["variant"]),
            "seed": str(row["seed"]),
            "steps": f"{row['steps']:,}",
            "epochs": str(row["epochs"]),
            "minutes": f"{row['seconds'] / 60:.1f}",
            "stopped by": row["stopped_by"],
            "best step": f"{row['best_step']:,}",
            "device": f"{row['device']}, {row['precision']}{' bit' if row['precision'] == '32' else ''}",
            "notes": row["notes"],
        }
        for row in trainings.to_dict("records")
    ]


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{name}.")
        else:
            shown = ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)
            yield f"{prefix}{name}", shown

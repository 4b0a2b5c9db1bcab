"""Figures of training for the page: losses over steps and minutes, speed and memory."""

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from sepmodels.report.material import Material
from sepmodels.report.score_figures import as_json

# name in the history -> (what it is called, whether it is shown logarithmic and relative to its first value)
CURVES = {
    "validation_sdr_db": ("validation SDR", False),
    "validation_loss": ("validation loss", True),
    "loss": ("training loss", True),
}
AXES = {"step": "steps", "minutes": "minutes"}
DASHES = {"solid": "solid", "dash": "dashed", "dot": "dotted", "dashdot": "dash-dotted"}  # of seeds -> in words
# name -> (heading, what it is)
RESOURCES = {
    "chunks_per_second": ("Chunks per second", "in training, while stepping, beside whatever else ran then"),
    "minutes": ("Minutes of training", "interruptions left out, beside whatever else ran then"),
    "processor_minutes": ("Processor minutes of training", "of all threads together, whatever ran beside it; on a CPU"),
    "peak_memory_gib": ("Peak memory, GiB", "of the GPU, or of the process on a CPU"),
    "speed": ("Seconds of music per processor second", "separation of the test tracks on a CPU; more is faster"),
}


def training_figures(material: Material) -> dict[str, Any]:
    """All figures of training by name: ``curves/<what>/<axis>`` and ``resources/<what>``."""
    found: dict[str, Any] = {}
    if material.trainings.empty:
        return {}
    histories = _with_minutes(material)
    for name in CURVES:
        rows = histories[histories.name == name]
        if len(rows):
            found |= {f"curves/{name}/{axis}": curves(material, rows, name, axis) for axis in AXES}
    for name, values in _resources(material):
        if values.empty:
            continue
        found[f"resources/{name}"] = _bars(material, name, values)
    return found


def curves(material: Material, rows: pd.DataFrame, name: str, axis: str) -> Any:
    """A line for each variant and seed over steps or minutes.

    Losses of different kinds have different units, so each is shown relative to its first value.
    """
    import plotly.graph_objects as go

    relative, seeds = CURVES[name][1], material.profile.seeds
    figure = go.Figure(
        layout={
            "height": 440,
            "margin": {"l": 10, "r": 10, "t": 10, "b": 50},
            "xaxis": {"title": f"{AXES[axis]} of training", "rangemode": "tozero"},
            "yaxis": {"title": axis_title(name), "type": "log" if relative else "linear", "automargin": True},
            "legend": {"orientation": "h", "yanchor": "bottom", "y": 1.02, "x": 0},
            "hovermode": "x unified" if len(seeds) == 1 else "closest",  # of all seeds, the label would hide the plot
        }
    )
    named: set[str] = set()
    for (variant, seed), own in rows.groupby(["variant", "seed"], sort=False):
        own = own.sort_values("step")
        title = material.titles.get(variant, variant)
        values = own.value / own.value.iloc[0] if relative else own.value
        figure.add_scatter(
            x=[round(value, 3) for value in own[axis]],
            y=[float(f"{value:.5g}") for value in values],
            name=title,
            legendgroup=variant,  # one entry of the legend for all its seeds
            showlegend=variant not in named,
            hovertemplate=f"%{{y}}<extra>{title}{f', seed {seed}' if len(seeds) > 1 else ''}</extra>",
            mode="lines" if len(own) > 1 else "markers",  # of one point there is no line
            line={
                "color": material.colours.get(variant),
                "dash": _of_seed(seeds, seed, list(DASHES)),
                "width": 2,
            },
        )
        named.add(variant)
    return as_json(figure)


def seed_lines(seeds: Sequence[int]) -> str:
    """Which line is whose, where there are several seeds.

    >>> seed_lines([42, 43])
    'Seed 42 is solid, 43 dashed.'
    >>> seed_lines([42])
    ''
    """
    first, *others = [f"{seed} {_of_seed(seeds, seed, list(DASHES.values()))}" for seed in seeds]
    return ", ".join([f"Seed {first.replace(' ', ' is ')}", *others]) + "." if others else ""


def _of_seed(seeds: Sequence[int], seed: int, styles: list[str]) -> str:
    return styles[seeds.index(seed) % len(styles)]


def axis_title(name: str) -> str:
    """What the axis of a curve says.

    >>> axis_title("loss")
    'training loss, relative to its first'
    """
    said, relative = CURVES[name]
    return f"{said}, relative to its first" if relative else f"{said}, dB"


def _with_minutes(material: Material) -> pd.DataFrame:
    """The histories with a column of minutes: steps at the mean pace of their training."""
    keys = ["variant", "seed"]
    pace = material.trainings.assign(minutes_per_step=material.trainings.seconds / 60 / material.trainings.steps)
    table = material.histories.merge(pace[[*keys, "minutes_per_step"]], on=keys, how="left")
    return table.assign(minutes=table.step * table.minutes_per_step)


def _resources(material: Material) -> Iterator[tuple[str, pd.Series]]:
    """Each resource's value by variant, mean over seeds."""
    by_variant = material.trainings.groupby("variant")
    yield "chunks_per_second", by_variant.chunks_per_second.mean()
    yield "minutes", by_variant.seconds.mean() / 60
    yield "peak_memory_gib", by_variant.peak_memory_gib.mean()
    if material.profile.training.processes == 1:  # of several, each counts its own
        yield "processor_minutes", _on_cpu(material.trainings).groupby("variant").processor_seconds.mean() / 60
    sums = _on_cpu(material.separations).groupby("variant")[["processor_seconds", "audio_seconds"]].sum()
    yield "speed", sums.audio_seconds / sums.processor_seconds


def _on_cpu(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of systems that worked on a CPU alone: on a GPU the processors' time says little."""
    return table[(table.device == "cpu").groupby(table.variant).transform("all")]


def _bars(material: Material, name: str, values: pd.Series) -> Any:
    import plotly.graph_objects as go

    shown = [variant for variant in reversed(material.trained) if variant in values.index]
    heights = [float(values[variant]) for variant in shown]
    figure = go.Figure(
        layout={
            "height": 60 + 30 * len(shown),
            "margin": {"l": 10, "r": 10, "t": 10, "b": 30},
            "showlegend": False,
            "xaxis": {"rangemode": "tozero"},
            "yaxis": {"automargin": True, "type": "category"},
        }
    )
    figure.add_bar(
        x=heights,
        y=[material.titles[variant] for variant in shown],
        orientation="h",
        text=[f"{value:.3g}" for value in heights],
        textposition="auto",
        marker={"color": [material.colours[variant] for variant in shown]},
        hovertemplate=f"%{{y}}: %{{x:.3g}}<extra>{RESOURCES[name][0]}</extra>",
    )
    return as_json(figure)

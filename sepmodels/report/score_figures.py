"""Figures of scores for the page: Plotly's data and layout as plain JSON, drawn by its script in the browser.

Colours of text, grid and background are left to the page, which knows whether it is light or dark.
"""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from sepmodels.report.material import Material
from sepmodels.results.per_track import SHOWN_METRICS

ROW_PIXELS = 46
SECONDS_PER_MINUTE = 60.0


def score_figures(material: Material) -> dict[str, Any]:
    """All figures of scores by name: ``distribution/<target>/<metric>`` and ``differences/<target>/<metric>``.

    Of the differences it is the layout alone: the page's script draws them from the distributions, against the baseline
    that is chosen there.
    """
    table = material.per_track()
    found: dict[str, Any] = {}
    for target in material.targets:
        for metric in SHOWN_METRICS:
            rows = table[(table.target == target) & (table.metric == metric)]
            if len(rows):
                found[f"distribution/{target}/{metric}"] = distribution(material, rows, metric)
                found[f"differences/{target}/{metric}"] = differences_layout(material, metric)
    return found


def distribution(material: Material, rows: pd.DataFrame, metric: str) -> Any:
    """A box with all its points for each system: one point per track."""
    import plotly.graph_objects as go

    figure = go.Figure(layout={"xaxis": {"title": f"{metric}, dB", "zeroline": False}, **_row_layout(material.systems)})
    for name in reversed(material.systems):  # Plotly's rows start below
        own = rows[rows.variant == name].dropna(subset="value")
        _add_box(figure, material, name, own.value, own.track, f"{metric} %{{x:.2f}} dB")
    return as_json(figure)


def differences_layout(material: Material, metric: str) -> Any:
    """A figure without data, with a row for each system that is compared."""
    import plotly.graph_objects as go

    axis = {"title": f"{metric}, difference in dB", "zeroline": True, "zerolinewidth": 2}
    return as_json(go.Figure(layout={"xaxis": axis, **_row_layout(material.compared)}))


def heat_map(material: Material) -> Any:
    """The table of tracks by systems: tracks in the order of the baseline's SDR, and per target and metric values.

    ``values[target][metric][track][system]`` in dB, None where there is none.
    """
    table = material.per_track()
    mine = table[
        (table.variant == material.baseline)
        & (table.target == material.targets[0])
        & (table.metric == SHOWN_METRICS[0])
    ]
    order = list(mine.sort_values("value", ascending=False).track)
    order += sorted(set(table.track) - set(order))
    values = {
        target: {metric: list(_matrix(table, target, metric, order, material.systems)) for metric in SHOWN_METRICS}
        for target in material.targets
    }
    return {"tracks": order, "systems": material.systems, "values": values}


def _matrix(
    table: pd.DataFrame, target: str, metric: str, tracks: list[str], systems: list[str]
) -> Iterator[list[float | None]]:
    chosen = table[(table.target == target) & (table.metric == metric)]
    wide = chosen.pivot(index="track", columns="variant", values="value").reindex(index=tracks, columns=systems)
    for row in wide.to_numpy():
        yield [round(float(value), 2) if np.isfinite(value) else None for value in row]


def as_json(figure: Any) -> Any:
    """A Plotly figure as what its script takes, without the template, which is the page's."""
    plain = json.loads(figure.to_json())
    plain["layout"].pop("template", None)
    return plain


def _add_box(figure: Any, material: Material, name: str, values: pd.Series, tracks: Any, hover: str) -> None:
    colour = material.colours[name]
    figure.add_box(
        x=[round(value, 3) for value in values],
        y=[material.titles[name]] * len(values),
        customdata=[[track, name] for track in tracks],
        name=material.titles[name],
        orientation="h",
        boxpoints="all",
        jitter=0.6,
        pointpos=0,
        whiskerwidth=0.4,
        fillcolor=f"rgba{(*_rgb(colour), 0.18)}",
        line={"color": colour, "width": 1.5},
        marker={"color": colour, "size": 5, "opacity": 0.55},
        hovertemplate=f"%{{customdata[0]}}<br>{hover}<extra>{material.titles[name]}</extra>",
    )


def _row_layout(names: list[str]) -> dict[str, Any]:
    """A row for each name, that grows with their number."""
    return {
        "height": 90 + ROW_PIXELS * max(len(names), 1),
        "showlegend": False,
        "margin": {"l": 10, "r": 10, "t": 10, "b": 50},
        "yaxis": {"automargin": True, "type": "category"},
    }


def _rgb(colour: str) -> tuple[int, int, int]:
    """The three parts of a colour.

    >>> _rgb("#2f7ed8")
    (47, 126, 216)
    """
    red, green, blue = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return red, green, blue

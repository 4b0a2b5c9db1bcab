"""Figures of quality against cost for the page: a point for each system."""

from typing import Any

from sepmodels.report.material import Material
from sepmodels.report.score_figures import as_json
from sepmodels.results.costs import HEADINGS


def cost_figures(material: Material) -> dict[str, Any]:
    """The SDR of each system over its cost, where that is known, by name: ``cost/<target>/<heading>``."""
    found: dict[str, Any] = {}
    for target in material.targets:
        rows = material.summary[material.summary.target == target]
        for heading in HEADINGS:
            known = rows.dropna(subset=["SDR", heading]) if heading in rows else rows[:0]
            if len(known) > 1:
                found[f"cost/{target}/{heading}"] = _points(material, known, heading)
    return found


def costs_shown(figures: dict[str, Any]) -> list[str]:
    """The headings of which there is a figure, in their order."""
    return [heading for heading in HEADINGS if any(name.endswith(f"/{heading}") for name in figures)]


def _points(material: Material, rows: Any, heading: str) -> Any:
    import plotly.graph_objects as go

    figure = go.Figure(
        layout={
            "height": 420,
            "margin": {"l": 10, "r": 10, "t": 10, "b": 50},
            "showlegend": False,
            "xaxis": {"title": heading, "type": "log"},
            "yaxis": {"title": "SDR, dB", "automargin": True},
        }
    )
    figure.add_scatter(
        x=[float(value) for value in rows[heading]],
        y=[round(float(value), 3) for value in rows.SDR],
        text=list(rows.title),
        mode="markers+text",
        textposition="top center",
        cliponaxis=False,
        marker={"size": 11, "color": [material.colours[name] for name in rows.variant]},
        hovertemplate=f"%{{text}}: SDR %{{y:.2f}} dB, {heading} %{{x:.3g}}<extra></extra>",
    )
    return as_json(figure)

"""Training curves, as a Plotly figure and as a small picture."""

import base64
import io
from collections.abc import Iterable

from assets.making.checkpoint import histories
from assets.paths import Paths

# Of Okabe and Ito: told apart by people who see colours differently.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#666666"]
CURVES = {"loss": "training loss", "validation_loss": "validation loss"}


def loss_figure(paths: Paths, names: Iterable[str], seeds: Iterable[int]):
    """A Plotly figure of the training and validation losses over steps.

    Losses of different kinds have different units, so each curve is shown relative to its first value.
    """
    import plotly.graph_objects as go

    table = histories(paths, names, seeds)
    figure = go.Figure(
        layout={
            "xaxis_title": "step",
            "yaxis_title": "loss, relative to its first",
            "yaxis_type": "log",
            "height": 480,
        }
    )
    trainings = list(dict.fromkeys(zip(table.variant, table.seed, strict=True)))
    for (variant, seed, name), rows in table[table.name.isin(CURVES)].groupby(["variant", "seed", "name"]):
        rows = rows.sort_values("step")
        line = {
            "dash": "solid" if name == "validation_loss" else "dot",
            "color": COLOURS[trainings.index((variant, seed)) % len(COLOURS)],
        }
        label = f"{variant}, seed {seed}: {CURVES[name]}"
        figure.add_scatter(x=rows.step, y=rows.value / rows.value.iloc[0], name=label, line=line)
    return figure


def loss_picture(paths: Paths, name: str, seeds: Iterable[int]) -> str:
    """The curves of one variant as a PNG in a data URI, for pages that show Markdown."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3), layout="constrained")
    axes = figure.subplots()
    table = histories(paths, [name], seeds)
    for (seed, kind), rows in table[table.name.isin(CURVES)].groupby(["seed", "name"]):
        rows = rows.sort_values("step")
        axes.semilogy(rows.step, rows.value, label=f"{CURVES[kind]}, seed {seed}")
    axes.set(xlabel="step", ylabel="loss")
    axes.legend()
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=80)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode()

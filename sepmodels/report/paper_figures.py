"""Figures for papers: PNG and SVG files by Matplotlib, on white, in the fonts and widths of a printed page."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from sepmodels.files import replacing
from sepmodels.report.material import Material
from sepmodels.report.training_figures import CURVES, axis_title
from sepmodels.results.per_track import SHOWN_METRICS

FORMATS = ("png", "svg")
DPI = 200
FULL_WIDTH_INCHES = 7.0  # of a page of two columns
STYLE: dict[Any, Any] = {
    "font.size": 8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "svg.hashsalt": "sepbench",  # the same figure is the same file
    "svg.fonttype": "none",
}


def write_prints(material: Material, folder: Path) -> list[Path]:
    """Write every figure as PNG and SVG into ``folder``; gives the files, those of one figure together."""
    import matplotlib

    written = []
    with matplotlib.rc_context(STYLE):
        for name, draw in prints(material):
            figure = draw(material)
            for suffix in FORMATS:
                path = folder / f"{name}.{suffix}"
                with replacing(path) as temporary:
                    metadata = {"Date": None} if suffix == "svg" else {"Software": None}
                    figure.savefig(temporary, format=suffix, dpi=DPI, metadata=metadata)
                written.append(path)
    return written


def prints(material: Material) -> Iterator[tuple[str, Callable[[Material], Any]]]:
    """Name and drawing function of each figure that there is something to draw for."""
    yield "scores", draw_scores
    if not material.comparisons.empty:
        yield "differences", draw_differences
    yield "heat_map", draw_heat_map
    if not material.histories.empty:
        yield "curves", draw_curves


def draw_scores(material: Material) -> Any:
    """Boxes over tracks of SDR, SIR, SAR and ISR of the target: a panel per metric, a row per system."""
    table = material.per_track()
    figure, axes = _panels(2, 2, 0.28 * len(material.systems) + 0.5)
    for place, (metric, axis) in enumerate(zip(SHOWN_METRICS, axes.flat, strict=True)):
        rows = table[(table.target == material.targets[0]) & (table.metric == metric)].dropna(subset="value")
        values = [rows.value[rows.variant == name].to_numpy() for name in material.systems]
        _boxes(axis, material, material.systems, values, named=place % 2 == 0)
        axis.set_xlabel(f"{metric}, dB")
    return figure


def draw_differences(material: Material) -> Any:
    """Boxes over tracks of each variant's paired difference to the baseline, SDR of the target."""
    compared = material.compared
    table = material.per_track()
    rows = table[(table.target == material.targets[0]) & (table.metric == SHOWN_METRICS[0])]
    wide = rows.pivot(index="track", columns="variant", values="value")
    figure, axes = _panels(1, 1, 0.3 * len(compared) + 0.6)
    values = [(wide[name] - wide[material.baseline]).dropna().to_numpy() for name in compared]
    axes[0, 0].axvline(0, color="black", linewidth=0.8)
    _boxes(axes[0, 0], material, compared, values, named=True)
    axes[0, 0].set_xlabel(f"SDR less that of {material.titles[material.baseline]} on the same track, dB")
    return figure


def draw_heat_map(material: Material) -> Any:
    """SDR of the target of every track by every system, tracks in the order of their mean."""
    table = material.per_track()
    rows = table[(table.target == material.targets[0]) & (table.metric == SHOWN_METRICS[0])]
    wide = rows.pivot(index="track", columns="variant", values="value").reindex(columns=material.systems)
    wide = wide.loc[wide.mean(axis=1).sort_values(ascending=False).index]
    figure, axes = _panels(1, 1, 0.14 * len(wide) + 1.2)
    axis = axes[0, 0]
    limit = float(np.nanmax(np.abs(wide.to_numpy()), initial=1.0))
    image = axis.imshow(wide.to_numpy(), aspect="auto", cmap="RdBu", vmin=-limit, vmax=limit)
    names = [material.titles[name] for name in material.systems]
    axis.set_xticks(range(len(names)), names, rotation=30, ha="right")
    axis.set_yticks(range(len(wide)), list(wide.index), fontsize=5 if len(wide) > 20 else 8)
    figure.colorbar(image, ax=axis, label="SDR, dB")
    return figure


def draw_curves(material: Material) -> Any:
    """Losses and validation SDR over steps, a line per variant and seed."""
    names = [name for name in CURVES if (material.histories.name == name).any()]
    figure, axes = _panels(1, max(len(names), 1), 2.6)
    for name, axis in zip(names, axes.flat, strict=False):
        relative = CURVES[name][1]
        rows = material.histories[material.histories.name == name]
        for (variant, _), own in rows.groupby(["variant", "seed"], sort=False):
            own = own.sort_values("step")
            values = own.value / own.value.iloc[0] if relative else own.value
            style = {"color": material.colours.get(variant), "linewidth": 1, "label": material.titles.get(variant)}
            style["marker"] = "" if len(own) > 1 else "o"  # of one point there is no line
            axis.plot(own.step, values, **style)
        axis.set(xlabel="steps", ylabel=axis_title(name), yscale="log" if relative else "linear")
    handles = dict(zip(*reversed(axes.flat[0].get_legend_handles_labels()), strict=True))
    figure.legend(handles.values(), handles.keys(), loc="outside upper center", ncols=4, frameon=False)
    return figure


def _panels(rows: int, columns: int, row_inches: float) -> tuple[Any, Any]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(FULL_WIDTH_INCHES, rows * row_inches), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False)


def _boxes(axis: Any, material: Material, names: list[str], values: list[Any], *, named: bool) -> None:
    """A horizontal box per name, the first on top, with its points beside the line of its middle."""
    places = range(len(names), 0, -1)
    boxes = axis.boxplot(
        values,
        positions=list(places),
        orientation="horizontal",
        widths=0.6,
        showfliers=False,
        patch_artist=True,
        medianprops={"color": "black"},
    )
    rng = np.random.default_rng(0)  # the same scatter every time
    for name, box, own, place in zip(names, boxes["boxes"], values, places, strict=True):
        colour = material.colours[name]
        box.set(facecolor=colour, alpha=0.35, edgecolor=colour)
        axis.scatter(own, place + rng.uniform(-0.2, 0.2, len(own)), s=3, color=colour, alpha=0.6, linewidths=0)
    axis.set_yticks(list(places), [material.titles[name] for name in names] if named else [])
    axis.grid(axis="x", linewidth=0.4, alpha=0.6)

"""The report as files: one page that holds all but the sounds, and beside it the sounds, figures and scores."""

import math
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import pandas as pd

from sepmodels.dataset.health import health_summary, health_table
from sepmodels.files import hash_texts, replacing
from sepmodels.progress import Progress, silent
from sepmodels.report import TEMPLATES, WANTED, how_made
from sepmodels.report.baselines import baselines
from sepmodels.report.cost_figures import cost_figures, costs_shown
from sepmodels.report.excerpts import make_excerpts
from sepmodels.report.material import Material
from sepmodels.report.paper_figures import write_prints
from sepmodels.report.score_figures import heat_map, score_figures
from sepmodels.report.table import Cell, Table, scale, tables, unbroken
from sepmodels.report.training_figures import AXES, CURVES, RESOURCES, seed_lines, training_figures
from sepmodels.results.across import NEVER_POOLED, wide_rows
from sepmodels.results.before import EXPLAINED
from sepmodels.results.claims.words import ELSEWHERE, NOTE, counted, evidence, judged_there, margin
from sepmodels.results.markdown import number
from sepmodels.results.measured import not_up_to_date, sentences, wide
from sepmodels.results.per_track import SHOWN_METRICS

# In the order in which they rest on one another.
SCRIPTS = (
    "base.js",
    "theme.js",
    "tips.js",
    "table.js",
    "plots.js",
    "player.js",
    "spectrogram.js",
    "lines.js",
    "listening.js",
    "listening_test.js",
    "heat.js",
    "baseline.js",
    "start.js",
)


EDITS = "edits.patch"  # beside the page
OWN_FOLDERS = ("audio", "figures")  # beside the page; of other test sets there is a folder each


def write_site(material: Material, folder: Path, progress: Progress = silent) -> str:
    """Write index.html, audio/, figures/ and track_scores.csv into ``folder``; gives the hash of what they say.

    The page is written last, and files of an earlier page are removed after that: whoever opens it meanwhile sees
    the old page or the new one, with all that belongs to it.
    """
    entries, scripts = [], {}
    for excerpt in make_excerpts(material, progress):
        _write_text(folder / "audio" / excerpt.file, excerpt.script)
        entries.append(excerpt.entry)
        scripts[excerpt.file] = excerpt.script
    prints = write_prints(material, folder / "figures")
    _write_text(folder / "track_scores.csv", material.per_track().to_csv(index=False, float_format="%.4f"))
    if material.edits:
        _write_text(folder / EDITS, material.edits)
    else:
        (folder / EDITS).unlink(missing_ok=True)
    page = render(material, entries, prints)
    _write_text(folder / "index.html", page)
    _remove_all_but(folder / "audio", set(scripts))
    _remove_all_but(folder / "figures", {path.name for path in prints})
    return hash_texts([page, *scripts.values()])


def render(material: Material, listening: list[dict[str, Any]], prints: list[Path]) -> str:
    """The page's HTML."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=lambda name: name is not None and name.endswith(".html"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    of_trainings = {} if material.test_set else training_figures(material)  # which the profile's own page shows
    figures = {**score_figures(material), **cost_figures(material), **of_trainings}
    shown = tables(material)
    named: dict[str, list[str]] = {}
    for path in prints:
        named.setdefault(path.stem.replace("_", " ").capitalize(), []).append(path.name)
    return environment.get_template("page.html").render(
        profile=material.profile,
        budget=material.profile.training.budget(),
        equal=not material.summary.unequal.any(),
        seeds=len(material.profile.seeds),
        scenario=material.scenario,
        missing=", ".join(f"{name} is missing" for name in material.missing),
        tiles=_tiles(material),
        test_set=material.test_set,
        dataset=material.dataset,
        pages=material.pages,
        elsewhere=_elsewhere(material),
        measured=_measured(material),
        said=[(unbroken(sentence), material.colours.get(name)) for name, sentence in material.said.items()],
        claims=_claims(material),
        notes=[unbroken(sentence) for sentence in material.notes],
        explained=EXPLAINED if any(cell.before for table in shown for row in table.rows for cell in row.cells) else "",
        tables=shown,
        rows=[
            {"variant": name, "title": material.titles[name], "words": material.summaries.get(name, "")}
            for name in material.systems
        ],
        colours=material.colours,
        interval_drawing=lambda table, cell, colour: Markup(interval_drawing(table, cell, colour)),
        listening=listening,
        targets=[target for target in material.targets if target in set(material.summary.target)],
        wanted=WANTED[material.profile.target],
        metrics=SHOWN_METRICS,
        baseline=material.titles[material.baseline],
        compared=bool(material.compared),
        baselines=_baseline_names(material),
        curves={name: said for name, (said, _) in CURVES.items() if f"curves/{name}/step" in figures},
        axes=AXES,
        seed_lines=seed_lines(material.profile.seeds),
        resources={name: words for name, words in RESOURCES.items() if f"resources/{name}" in figures},
        costs=costs_shown(figures),
        prints=named,
        made=_made(material),
        data=_data(material, shown, listening, figures),
        plotly=Markup(get_plotlyjs()),
        scripts=SCRIPTS,
    )


def _baseline_names(material: Material) -> dict[str, str]:
    """What each system that can be the baseline is called; those that share a title by their names, too."""
    titles = {name: material.titles[name] for name in (material.baseline, *material.others)}
    shared = {title for title, count in Counter(titles.values()).items() if count > 1}
    return {name: f"{title} ({name})" if title in shared else title for name, title in titles.items()}


def interval_drawing(table: Table, cell: Cell, colour: str) -> str:
    """A small drawing of a score and its interval on the scale of the trained systems; an arrow for one beyond it."""
    low, high = scale(table)
    x, left, right = (
        100 * (value - low) / (high - low) if isinstance(value, float) and math.isfinite(value) else math.nan
        for value in (cell.order, cell.low, cell.high)
    )
    if not 0 <= x <= 100:
        marks = f'<path d="{"M0 5l6-4v8z" if x < 0 else "M100 5l-6-4v8z"}" fill="{colour}"/>'
    else:
        marks = f'<circle cx="{x:.1f}" cy="5" r="3" fill="{colour}"/>'
        if math.isfinite(left):
            marks += f'<line x1="{left:.1f}" x2="{right:.1f}" y1="5" y2="5" stroke="{colour}" stroke-width="2"/>'
    return f'<svg viewBox="0 0 100 10" aria-hidden="true">{marks}</svg>'


def _data(material: Material, shown: list[Table], listening: list[dict[str, Any]], figures: Any) -> dict[str, Any]:
    """What the page's scripts work on."""
    colours, titles = material.colours, material.titles
    return {
        "systems": [
            {"name": name, "title": titles[name], "colour": colours[name], "trained": name in material.trained}
            for name in material.systems
        ],
        "baseline": material.baseline,
        "ranked": material.ranked,
        "audible": material.audible,
        "against": baselines(material),
        "tails": {table.target: table.tails for table in shown},
        "figures": figures,
        "heat": heat_map(material),
        "listening": listening,
        "estimate_folders": material.estimate_folders,
        "targets": material.targets,
    }


def _tiles(material: Material) -> list[dict[str, str]]:
    """The few numbers to see first."""
    own = material.summary[material.summary.target == material.targets[0]]
    ranked = own[own.place == "ranked"].dropna(subset="SDR")
    bounds = own[own.place.isin(["floor", "ceiling"]) & own.SDR.notna()]
    tiles = []
    if len(ranked):
        best = ranked.loc[ranked.SDR.idxmax()]
        tiles.append(
            {"label": f"Highest SDR, {material.targets[0]}", "value": f"{number(best.SDR)} dB", "note": best.title}
        )
    for row in bounds.sort_values("SDR").itertuples():
        tiles.append({"label": row.place.capitalize(), "value": f"{number(row.SDR)} dB", "note": row.title})
    split = material.tracks.split.value_counts()
    if material.test_set:
        tiles.append({"label": "Tracks", "value": str(len(material.tracks)), "note": "all to test"})
    else:
        counts = " / ".join(str(split.get(name, 0)) for name in ("train", "valid", "test"))
        tiles.append({"label": "Tracks", "value": counts, "note": "to train, validate, test"})
    return tiles


def _elsewhere(material: Material) -> dict[str, Any] | None:
    """All test sets side by side, on the page of the profile's own; None where there is no other."""
    if material.across is None:
        return None
    rows = [{**row, "against": list(map(unbroken, row["against"]))} for row in wide_rows(material.across)]
    return {"sets": list(dict.fromkeys(material.across.dataset)), "rows": rows, "note": NEVER_POOLED}


def _measured(material: Material) -> dict[str, Any] | None:
    """What measures beside BSSEval say of the target; None where the profile has none."""
    if material.measured is None:
        return None
    heads, rows = wide(material.measured)
    said = {name: unbroken(sentence) for name, sentence in sentences(material.measured).items()}
    rows = [{**row, "cells": list(map(unbroken, row["cells"]))} for row in rows]
    return {
        "heads": heads,
        "rows": rows,
        "said": said,
        "behind": not_up_to_date(material.measured),
        "baseline": material.measured.baseline.iloc[0],
    }


def _claims(material: Material) -> dict[str, Any]:
    """The judged claims in words."""
    rows = [
        {
            **{name: row[name] for name in ("sentence", "source", "verdict")},
            "margin": margin(row),
            "evidence": unbroken(evidence(row)),
            "elsewhere": [_judged_there(claims, row["claim"]) for claims in material.claims_elsewhere.values()],
        }
        for row in material.claims.to_dict("records")
    ]
    said = {"counted": counted(material.claims), "note": NOTE, "rows": rows, "sets": list(material.claims_elsewhere)}
    return said | {"elsewhere": ELSEWHERE}


def _judged_there(claims: pd.DataFrame, claim: str) -> dict[str, str]:
    """The verdict on another test set, and the evidence; empty where the claim is not judged by scores."""
    verdict, _, words = judged_there(claims, claim).partition(": ")
    return {"verdict": verdict.strip("*"), "evidence": unbroken(words)}


def _made(material: Material) -> dict[str, Any]:
    """How it was made."""
    health = health_table(material.tracks, chunk_seconds=material.profile.training.chunk_seconds)
    return {
        "command": material.command,
        "commit": material.commit,
        "edited": material.edited,
        "patch": EDITS if material.edits else "",
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "version": metadata.version("sepbench"),
        "splits": how_made.splits(material.tracks),
        "health": health.to_dict("records"),
        "health_summary": health_summary(health, len(material.tracks)),
        "machine": how_made.machine(),
        "versions": how_made.versions(),
        "trainings": how_made.trainings_table(material.trainings, material.titles),
        "origins": [asdict(origin) for origin in material.origins],
        "settings": how_made.settings_table(material.profile),
    }


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _remove_all_but(folder: Path, names: set[str]) -> None:
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.name not in names:
            path.unlink()

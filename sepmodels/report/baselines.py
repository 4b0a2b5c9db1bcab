"""What the page shows against each baseline that can be chosen on it: cells, copies, sentences, differences."""

from typing import Any

from sepmodels.report.material import Material
from sepmodels.report.table import Table, tables, unbroken
from sepmodels.results.per_track import SHOWN_METRICS
from sepmodels.results.sentences import LARGEST_SHOWN_DB

CHANGING = {"name": 0, "difference": 2}  # the cells of a row that are other ones with another baseline


def baselines(material: Material) -> dict[str, Any]:
    """By the name of each baseline, the given one first, what the page's scripts put in the place of what was there."""
    colours = material.colours
    return {name: _against(material.against(name), colours) for name in (material.baseline, *material.others)}


def _against(material: Material, colours: dict[str, str]) -> dict[str, Any]:
    return {
        "said": [
            *([unbroken(sentence), colours[name]] for name, sentence in material.said.items()),
            *([unbroken(sentence), None] for sentence in material.notes),
        ],
        "tables": {table.target: _table(table) for table in tables(material)},
        "differences": _differences(material),
    }


def _table(table: Table) -> dict[str, Any]:
    """The heading of the differences, the head of the LaTeX copy, and by row the cells and copies that change."""
    heading = table.columns[CHANGING["difference"]]
    return {
        "heading": [heading.heading, heading.explanation],
        "heads": table.heads,
        "rows": {
            row.variant: {
                "cells": {
                    place: [row.cells[place].text, row.cells[place].explanation, row.cells[place].order]
                    for place in CHANGING.values()
                },
                "copies": row.copies,
            }
            for row in table.rows
        },
    }


def _differences(material: Material) -> dict[str, dict[str, dict[str, list[float] | None]]]:
    """By target, metric and compared system: the mean difference and the ends of its interval, in dB.

    None where the interval says nothing.
    """
    found: dict[str, dict[str, dict[str, list[float] | None]]] = {}
    for row in material.comparisons.itertuples():
        if row.metric in SHOWN_METRICS:
            known = row.high - row.low < 2 * LARGEST_SHOWN_DB
            ends = [round(float(value), 3) for value in (row.difference, row.low, row.high)] if known else None
            found.setdefault(row.target, {}).setdefault(row.metric, {})[row.variant] = ends
    return found

"""Rows of the table as text to copy: LaTeX and CSV. The Markdown is that of the results page."""

import csv
import io
import math
from collections.abc import Iterable, Mapping
from typing import Any

from sepmodels.report.material import Material
from sepmodels.results.markdown import interval, marked, number
from sepmodels.results.per_track import SHOWN_METRICS

_LATEX = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def latex_head(material: Material, target: str) -> str:
    """What stands above the rows, from the comment on."""
    heads = " & ".join(["System", r"SDR [95\,\%]", r"$\Delta$ SDR [95\,\%]", *SHOWN_METRICS[1:]])
    baseline = material.titles[material.baseline]
    return (
        f"% {material.scenario}; {target}, in dB; differences to {baseline} on the same tracks\n"
        f"\\begin{{tabular}}{{l{'r' * (1 + len(SHOWN_METRICS))}}}\n\\toprule\n{heads} \\\\\n\\midrule"
    )


def latex_row(row: Mapping[str, Any], compared: Any | None) -> str:
    """A row of the summary. compared: its comparison with the baseline, if there is one."""
    title = "".join(_LATEX.get(character, character) for character in row["title"])
    shown = (title if row["place"] == "ranked" else rf"\textit{{{title}}}") + marked(row)
    scores = [f"{number(row['SDR'])} {interval(row['SDR_low'], row['SDR_high'])}".strip()]
    scores.append(_difference(compared))
    scores += [number(row[metric]) for metric in SHOWN_METRICS[1:]]
    return " & ".join([shown, *(f"${score}$" if score != "-" else "--" for score in scores)]) + r" \\"


def _difference(compared: Any | None) -> str:
    """The difference to the baseline with its interval, where there is one."""
    if compared is None:
        return "-"
    between = "" if math.isnan(compared.low) else rf" [{compared.low:+.2f}, {compared.high:+.2f}]"
    return f"{compared.difference:+.2f}{between}"


def csv_line(values: Iterable[Any]) -> str:
    """A line of CSV without its end."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(list(values))
    return stream.getvalue()

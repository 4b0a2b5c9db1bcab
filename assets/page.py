"""The report: a page that needs no server and no network."""

import html
import json

import pandas as pd

from assets.curves import loss_figure
from assets.job import Job
from assets.results import references

STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 70rem; margin: 2rem auto; padding: 0 1rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; }
th, td { padding: .3rem .7rem; border-bottom: 1px solid #8886; text-align: right; }
th:first-child, td:first-child { text-align: left; }
"""


def report_page(job: Job) -> str:
    """The page's HTML: what was compared, the table, what each change brought, the losses."""
    summary = pd.read_parquet(job.paths.results / "results.parquet")
    table = _vocals_table(summary)
    said = json.loads((job.paths.results / "said.json").read_text(encoding="utf-8"))
    variants = [name for name in job.names if name not in references()]
    curves = loss_figure(job.paths, variants, job.profile.seeds).to_html(
        full_html=False, include_plotlyjs=True, div_id="losses"
    )
    title = f"Singing-voice separation: {job.profile.name}"
    scenario = html.escape(said["scenario"])
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{html.escape(title)}</title>
<style>{STYLE}</style>
</head>
<body>
<h1>{html.escape(title)}</h1>
<p>{html.escape(job.profile.summary)} Budget: {html.escape(job.profile.training.budget())}.</p>
<h2>Vocals</h2>
<p>{scenario}; dB; SDR with its 95 % interval over tracks.</p>
<div class="wide">{table}</div>
<h2>What each change brought</h2>
<ul>{"".join(f"<li>{html.escape(sentence)}</li>" for sentence in said["sentences"].values())}</ul>
<h2>Losses</h2>
{curves}
</body>
</html>
"""


def _vocals_table(summary: pd.DataFrame) -> str:
    """The rows of the vocals, as an HTML table."""
    rows = summary[summary.target == "vocals"]
    interval = [f"{low:.2f} to {high:.2f}" for low, high in zip(rows.SDR_low, rows.SDR_high, strict=True)]
    shown = pd.DataFrame({"System": rows.title, "SDR": rows.SDR, "95 %": interval})
    shown = shown.join(rows[["SIR", "SAR", "ISR", "uSDR", "SI-SDR"]]).assign(**{"NaN windows": rows.nan_windows})
    return shown.to_html(index=False, float_format=lambda value: f"{value:.2f}", border=0, na_rep="-")

"""The report: a site of plain files that opens from disk, with the table, the figures, and players to listen.

- :mod:`~sepmodels.report.material`: what a report is made from: tables, and a function that gives sounds.
- :mod:`~sepmodels.report.site`: all of it as files in a folder.
- :mod:`~sepmodels.report.table`: the table of results, with what each number is, and its copies.
- :mod:`~sepmodels.report.score_figures`, :mod:`~sepmodels.report.training_figures`: figures for the page, by Plotly.
- :mod:`~sepmodels.report.paper_figures`: figures for papers, by Matplotlib.
- :mod:`~sepmodels.report.track_choice`, :mod:`~sepmodels.report.excerpts`: which tracks are heard, and their sounds.
- :mod:`~sepmodels.report.how_made`: how the results were made.

Importing this package is cheap: the libraries that draw are imported where they are used.
"""

import hashlib
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"


def templates_hash(folder: Path = TEMPLATES) -> str:
    """One hash over the page's templates, styles and scripts: a change of them changes the report."""
    digest = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if path.is_file():
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


# Of each target: what the page is about, what its question is for, and where its excerpts are from.
WANTED = {
    "vocals": {"title": "Singing-voice separation", "words": "the singing voice", "most": "most is sung"},
    "drums": {"title": "Separation of drums", "words": "the drums", "most": "the drums are loudest"},
    "bass": {"title": "Separation of the bass", "words": "the bass", "most": "the bass is loudest"},
    "other": {
        "title": "Separation of other instruments",
        "words": "the other instruments",
        "most": "the other instruments are loudest",
    },
}

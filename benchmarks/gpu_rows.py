"""Put what `benchmarks/gpu.py` measured on a GPU into docs/training.md and benchmarks/README.md.

    python benchmarks/gpu_rows.py gpu.json [MORE.json ...]

Of several files of one GPU the later one counts where both measured the same. The rows stand between two comments in
each page, and are written anew each time.
"""

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).parents[1]
BEGIN, END = "<!-- benchmarks/gpu_rows.py writes from here -->", "<!-- to here -->"
PAGES = {"docs/training.md": "brief", "benchmarks/README.md": "whole"}
SHORT = ["", "batch", "chunks/s", "epoch of 5,504 chunks", "GPU memory", "GPU busy"]
LONG = [*SHORT[:2], "precision", *SHORT[2:], "on data"]


def read(files: Iterable[Path]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What the measurements are of, and what each part found, where it did not fail.

    Raises SystemExit with a sentence for a file that is none of gpu.py's, or of another device than the others.
    """
    about: dict[str, Any] = {}
    parts: dict[str, Any] = {}
    for file in files:
        try:
            text = json.loads(file.read_text(encoding="utf-8"))
            own, found = text["about"], {name: part["found"] for name, part in text["parts"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
            raise SystemExit(f"gpu_rows.py: {file} is none that benchmarks/gpu.py wrote ({fault}).") from None
        if not str(own["device"]).startswith("cuda"):
            raise SystemExit(f"gpu_rows.py: {file} was measured on {own['device']}: these rows are of a GPU.")
        if about and own["hardware"] != about["hardware"]:
            raise SystemExit(f"gpu_rows.py: {file} is of {own['hardware']}, the others of {about['hardware']}.")
        about = own
        parts |= {name: one for name, one in found.items() if not {"failed", "skipped"} & set(one)}
    return about, parts


def brief(about: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    """How trainings run as they do by default."""
    yield measured_on(about)
    yield ""
    yield from table(SHORT, [short_row(one) for one in speeds(parts) if not one["compiled"] and one["by_default"]])


def whole(about: dict[str, Any], parts: dict[str, Any]) -> Iterator[str]:
    """All speeds, and what separating takes."""
    yield measured_on(about)
    yield ""
    rows = []
    for one in speeds(parts):
        name, batch, *figures = short_row(one)
        precision = f"{one['precision']}, compiled" if one["compiled"] else one["precision"]
        rows.append([name, batch, precision, *figures, f"{one['data_share']:.1%}".replace("%", " %")])
    yield from table(LONG, rows)
    songs = [one for name, one in parts.items() if name.startswith("fast/separation/")]
    if songs:
        yield ""
        yield from table(
            ["separating with the baseline", "seconds", "GPU memory"],
            [[length(one["music_seconds"]), f"{one['seconds']:.1f}", gib(one["peak_gib"])] for one in songs],
        )


def measured_on(about: dict[str, Any]) -> str:
    """Where and when."""
    return (
        f"Measured by `python benchmarks/gpu.py` on one {about['hardware']} ({about['memory_gib']:g} GiB), torch "
        f"{about['torch']}, {about['when']}:"
    )


def speeds(parts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The findings on trainings, and whether each is of the precision that a training has by default."""
    for name, one in parts.items():
        if name.startswith("fast/training/"):
            yield {**one, "by_default": name.split("/")[4] == "auto"}


def short_row(one: dict[str, Any]) -> list[str]:
    """Variant, batch, chunks/s, an epoch, memory, how busy."""
    busy = "–" if one["busy_percent"] is None else f"{one['busy_percent']:.0f} %"
    pace = [f"{one['chunks_per_second']:.0f}", f"{one['epoch_seconds']:.0f} s"]
    return [one["variant"], str(one["batch"]), *pace, gib(one["peak_gib"]), busy]


def gib(value: float) -> str:
    """Memory with its unit."""
    return f"{value:.1f} GiB"


def length(seconds: float) -> str:
    """The length of music in words.

    >>> length(240.0), length(3600.0)
    ('4 min', '1 h')
    """
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds / 60:g} min"


def table(heads: list[str], rows: list[list[str]]) -> Iterator[str]:
    """A Markdown table, numbers to the right."""
    rule = ["---", *["---:"] * (len(heads) - 1)]
    for cells in (heads, rule, *rows):
        yield f"| {' | '.join(cells)} |"


def fill(project: Path, about: dict[str, Any], parts: dict[str, Any]) -> None:
    """Write the rows into the pages of a checkout."""
    for name, kind in PAGES.items():
        lines = {"brief": brief, "whole": whole}[kind](about, parts)
        page = project / name
        text = page.read_text(encoding="utf-8")
        before, begin, rest = text.partition(BEGIN)
        _, end, after = rest.partition(END)
        if not (begin and end):
            raise SystemExit(f"gpu_rows.py: {page} has no line {BEGIN!r}, and {END!r} after it, for the rows.")
        page.write_text("\n".join([before + BEGIN, "", *lines, "", END + after]), encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", type=Path, nargs="+", metavar="gpu.json")
    about, parts = read(parser.parse_args().files)
    if not any(speeds(parts)):
        raise SystemExit("gpu_rows.py: no speed of a training was measured, so there are no rows.")
    fill(PROJECT, about, parts)


if __name__ == "__main__":
    main()

"""What workers print: words of Python's and of the machine's, where a part ends before it can tell anything."""

from pathlib import Path

MOST = 200  # characters of it in a sentence


def output_name(engine: str, job: str) -> str:
    """The file in which a job's worker prints."""
    return f"{engine}-{job}.txt"


def printed(engine: str, job: str, folder: Path, *, is_told: bool) -> str:
    """A sentence about what a worker printed: where that is, and the last of it where this machine sees it.

    is_told: whether the worker said by itself why it ended.
    """
    file = folder / output_name(engine, job)
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return f"What it printed is in {file} on its machine."
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if is_told or not last:
        return f"What it printed is in {file}." if last else f"It printed nothing ({file})."
    return f"What it printed last: {last if len(last) <= MOST else f'{last[:MOST]}...'} ({file})"

"""A bar over many tracks, for commands that go through them."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from sepmodels.progress import Progress


@contextmanager
def counting(console: Console, word: str) -> Iterator[Progress]:
    """A bar where a person looks on; it leaves nothing behind. word: what is being done."""
    columns = (TextColumn(word), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=None)

        def progress(done: int, total: int, unit: str, **figures: float) -> None:  # noqa: ARG001
            bar.update(task, completed=done, total=total)

        yield progress

"""Making products from the command line: what is missing or stale, or everything anew."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import typer
from rich.console import Console

from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.settings import Profile

if TYPE_CHECKING:
    import dagster as dg

# Kinds of products, as they are counted: otherwise as "other products".
KINDS = {"checkpoint": "training", "estimates": "separation", "scores": "scoring", "report": "report"}


class RunFailed(typer.Exit):
    """Ends the command with the status of a run. failed: the assets that could not be made."""

    def __init__(self, status: int, failed: Collection[str]) -> None:
        super().__init__(status)
        self.failed = failed


def make_behind(profile: Profile, paths: Paths, keys: Collection[str], console: Console) -> None:
    """Make those products that are missing or stale, and what follows from them; raises :class:`RunFailed`."""
    from pipelines.graph.jobs import REFRESH
    from pipelines.graph.selection import behind
    from pipelines.looking.tables import show_end
    from pipelines.running.aftermath import clear_up

    wanted = behind(profile, paths, keys)
    if not wanted:
        clear_up(paths)
        console.print("Everything is up to date.")
        show_end(profile, paths, console)
        return
    _run(REFRESH, wanted, profile, paths, console)


def make_anew(profile: Profile, paths: Paths, keys: Sequence[str], console: Console) -> None:
    """Make all of the products again; raises :class:`RunFailed`."""
    from assets.staleness.standing import ANEW_TAGS
    from pipelines.graph.jobs import BENCHMARK

    _run(BENCHMARK, keys, profile, paths, console, tags=ANEW_TAGS)


def require_consent(profile: Profile, paths: Paths, keys: Sequence[str], console: Console, *, sure: bool) -> None:
    """Show a person what is lost when these products are made anew, and ask; end the command unless they say yes.

    sure: do not ask. Raises :class:`UserError` where it is not, and no terminal can ask.
    """
    lost = " ".join(_lost(profile, paths, keys))
    if lost and not sure and not sys.stdin.isatty():
        raise UserError(f"{lost} Say --yes to do that without being asked.")
    if lost:
        console.print(lost, soft_wrap=True, highlight=False)
    if lost and not sure and not typer.confirm("Make them anew?"):
        console.print("Nothing was done.")
        raise typer.Exit(1)


def _run(
    job: str,
    keys: Sequence[str],
    profile: Profile,
    paths: Paths,
    console: Console,
    tags: Mapping[str, str] | None = None,
) -> None:
    from pipelines.looking.tables import show_end, show_table
    from pipelines.running.runner import run_assets

    shown: list[str] = []
    failed: list[str] = []

    def show_at_once(asset: str) -> None:
        if asset == "results":  # claims and report take longer
            show_table(profile, paths, console)
            shown.append(asset)

    if status := run_assets(paths, job, keys, console, tags, when_made=show_at_once, when_failed=failed.append):
        if tags:
            console.print("Without --anew, that is; with it everything begins again.")
        raise RunFailed(status, failed)
    show_end(profile, paths, console, table=not shown)


def _lost(profile: Profile, paths: Paths, keys: Sequence[str]) -> Iterator[str]:
    """Sentences on what is thrown away, and how long it took to make; none where nothing has been made."""
    import dagster as dg

    from assets.runtime.going import duration
    from assets.staleness.durations import seconds_to_make
    from assets.staleness.last_made import last_made
    from pipelines.graph.instance import use_instance

    use_instance(paths.data)
    with dg.DagsterInstance.get() as instance:
        made = list(last_made(map(dg.AssetKey.from_user_string, keys), instance))
        seconds = seconds_to_make(made, instance)
    if not made:
        return
    yield f"--anew throws away what was made of {profile.name} in {paths.data}, and makes it again: {_counted(made)}."
    if seconds:
        yield f"It took {duration(sum(seconds.values()))} to make."


def _counted(made: Sequence[dg.AssetKey]) -> str:
    """The products by kind: "6 trainings, 6 separations, 8 scorings and 7 other products"."""
    from assets.staleness.durations import kind_of

    counts: dict[str, int] = {}
    for key in made:
        kind = KINDS.get(kind_of(key), "other product")
        counts[kind] = counts.get(kind, 0) + 1
    order = [*KINDS.values(), "other product"]
    said = [f"{counts[kind]} {kind}{'' if counts[kind] == 1 else 's'}" for kind in order if kind in counts]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)

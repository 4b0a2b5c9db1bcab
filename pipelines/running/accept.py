"""``sepbench accept``: records stale products as made by today's code."""

import fnmatch
from collections.abc import Iterable

import typer
from rich.console import Console

from assets.paths import Paths
from sepmodels.errors import UserError, unknown_name
from sepmodels.settings import Profile


def accept_products(
    profile: Profile, paths: Paths, products: Iterable[str], console: Console, *, because: str, check: str
) -> None:
    """Accept those of the products that are stale; then make the table and the report tell of it.

    products: names ("open_unmix/checkpoint"), systems ("open_unmix") or patterns ("*/checkpoint").

    Raises :class:`UserError` for a name that no product has, and where none of them is stale.
    """
    from assets.staleness.standing import asset_name
    from pipelines.graph.jobs import ACCEPT, accept_config
    from pipelines.graph.selection import standing
    from pipelines.running.runner import run_assets

    found = {asset_name(one.key): one for _, one in standing(profile, paths)}
    names = _named(products, found)
    stale = [name for name in names if found[name].state == "stale"]
    if not stale:
        others = "; ".join(f"{name} {_why_not(found[name].state)}" for name in names[:3])
        raise UserError(f"There is nothing to accept: {others}{' and others' if len(names) > 3 else ''}.")
    keys = [found[name].key.to_user_string() for name in stale]
    status = run_assets(paths, ACCEPT, keys, console, config=accept_config(because, check))
    now = {asset_name(subject.key): one.state for subject, one in standing(profile, paths)}
    accepted = [key for name, key in zip(stale, keys, strict=True) if now[name] != "stale"]
    for one in _sentences(accepted):
        console.print(one, soft_wrap=True, highlight=False)
    if accepted:
        _tell(profile, paths, console)
    if status:
        raise typer.Exit(status)


def _named(products: Iterable[str], known: Iterable[str]) -> list[str]:
    """The products of those names, in the graph's order."""
    known = list(known)
    chosen: set[str] = set()
    for name in products:
        same = {one for one in known if fnmatch.fnmatch(one, name) or one.startswith(f"{name}/")}
        if not same:
            raise unknown_name("product", name, known, "sepbench stale --all")
        chosen |= same
    return [one for one in known if one in chosen]


def _why_not(state: str) -> str:
    return {"fresh": "is up to date", "never": "has never been made"}.get(state, "waits for another product")


def _sentences(keys: Iterable[str]) -> list[str]:
    """On each product, its last acceptance."""
    import dagster as dg

    from assets.staleness.last_made import last_made
    from assets.staleness.standing import asset_name

    with dg.DagsterInstance.get() as instance:
        made = last_made([dg.AssetKey.from_user_string(key) for key in keys], instance)
    return [f"{asset_name(key)}: {last.acceptances[-1].sentence()}" for key, last in made.items() if last.acceptances]


def _tell(profile: Profile, paths: Paths, console: Console) -> None:
    """Make the table and the report again, which say what was accepted, unless they wait for something else."""
    from assets.staleness.standing import asset_name
    from pipelines.graph.jobs import REFRESH
    from pipelines.graph.selection import standing
    from pipelines.running.runner import run_assets

    found = {asset_name(one.key): one for _, one in standing(profile, paths)}
    tellers = [one for name, one in found.items() if name in ("results", "report")]
    if any(one.state == "never" for one in tellers):
        return
    if all(one.state == "fresh" or one in tellers for one in found.values()):
        keys = [one.key.to_user_string() for one in tellers if one.state != "fresh"]
        if keys and (status := run_assets(paths, REFRESH, keys, console)):
            raise typer.Exit(status)
    else:
        console.print("`sepbench run` makes the table and the report tell of it, with what else is not up to date.")

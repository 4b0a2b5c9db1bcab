"""The table of a profile's systems: what each is, how far it is made, what it was trained on."""

from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.graph.selection import standing
from sepmodels.settings import Profile
from sepmodels.systems import systems_of, systems_of_other_targets
from sepmodels.systems.added import Added
from sepmodels.systems.system import System, in_table_order


def show_systems(profile: Profile, paths: Paths, console: Console) -> None:
    """Print a row for each system."""
    states: dict[str, Counter[str]] = {}
    for subject, one in standing(profile, paths):
        states.setdefault(subject.key.path[1], Counter())[one.state] += 1
    listing = Table(box=None, pad_edge=False)
    for heading in ("system", "kind", "state"):
        listing.add_column(heading, no_wrap=True)
    listing.add_column("trained on")
    listing.add_column("title")
    for system in in_table_order(systems_of(profile, paths.systems)):
        cells = (system.kind, _state(states[system.name]), trained_on(profile, system), system.title)
        listing.add_row(f"[bold]{system.name}[/]", *map(escape, cells))
    console.print(listing)
    if others := systems_of_other_targets(profile, paths.systems):
        named = ", ".join(f"{one.name} ({one.target})" for one in others)
        console.print(
            f"Left out, because {profile.name} separates {profile.target} here: {named}.", highlight=False, markup=False
        )


def _state(found: Counter[str]) -> str:
    """The state of a chain in a word: of its worst product."""
    words = {"never": "not made yet", "stale": "stale", "waiting": "stale"}
    return next((said for state, said in words.items() if found[state]), "up to date")


def trained_on(profile: Profile, system: System) -> str:
    """What it has learnt from, in words."""
    if isinstance(system, Added):
        return system.trained_on or ("unknown" if system.learns else "nothing")
    return f"the training split of {profile.name}" if system.seeded else "nothing"

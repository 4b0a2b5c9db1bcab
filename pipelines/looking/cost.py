"""``sepbench cost``: measures what separating costs, one system after another, each in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table

from assets.making.cost import can_be_measured, costs, is_measured, measure
from assets.paths import Paths
from pipelines.options import advised, use_options
from pipelines.own_code import own_module
from sepmodels.errors import UserError, unknown_name
from sepmodels.results.costs import HEADINGS
from sepmodels.settings import Profile
from sepmodels.systems import systems_of


def measure_costs(profile: Profile, paths: Paths, only: list[str], console: Console) -> None:
    """Measure what is not measured yet, or what is named, and print the table.

    One system that cannot be measured keeps no other from it. Raises :class:`UserError` at the end for those, and at
    once for an unknown name or where there is nothing to measure.
    """
    systems = {one.name: one for one in systems_of(profile, paths.systems)}
    able = {name: one for name, one in systems.items() if can_be_measured(profile, paths, one, systems)}
    if unknown := [name for name in only if name not in able]:
        raise unknown_name("system that can separate", unknown[0], able, "sepbench systems")
    if not able:
        raise UserError(f"Nothing of {profile.name} can separate yet: run `{advised('run', profile)}`.")
    failed = []
    for name in only or [name for name, one in able.items() if not is_measured(profile, paths, one, systems)]:
        console.print(f"Measuring {name} ...", highlight=False)
        words, folder = own_module(__name__)
        done = subprocess.run(
            [*words, profile.name, str(paths.data), name], cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            failed.append(name)
            said = done.stderr.strip().splitlines() or ["It ended without a word."]
            console.print(f"{name} was not measured: {said[-1]}", highlight=False, soft_wrap=True, markup=False)
    _show(costs(profile, paths, able), console)
    if failed:
        raise UserError(f"Not measured: {', '.join(failed)}.")


def _show(known: pd.DataFrame, console: Console) -> None:
    listing = Table("system", *HEADINGS, box=None, pad_edge=False)
    for name, row in known.iterrows():
        listing.add_row(
            str(name), *(f"{row[one]:.3g}" if one in row and row[one] == row[one] else "" for one in HEADINGS)
        )
    console.print(listing)


def main() -> None:
    """Measure one system; the words are the profile, the data folder and the system's name."""
    profile_name, data, name = sys.argv[1:]
    profile, paths = use_options(profile_name, data=Path(data))
    try:
        systems = {one.name: one for one in systems_of(profile, paths.systems)}
        measure(profile, paths, systems[name], systems)
    except UserError as fault:
        sys.exit(str(fault))


if __name__ == "__main__":
    main()

"""``sepbench verify``: what of somebody's pack holds, a line each."""

from itertools import chain
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from pipelines.packing.code_checks import checks_of_the_code, said_follows
from pipelines.packing.dataset_checks import checks_of_the_dataset
from pipelines.packing.dataset_here import dataset_here
from sepmodels.packing.checked import Checked, checked
from sepmodels.packing.checks import checks_of_a_pack
from sepmodels.packing.container import opened_pack
from sepmodels.packing.parts import Packed
from sepmodels.progress import silent

MARKS = {"ok": "[green]ok[/]", "failed": "[red]failed[/]", "not checked": "[yellow]not checked[/]"}


def verify_pack(file: Path, console: Console, dataset: Path | None = None, *, deep: bool = False) -> bool:
    """Print a line for each check; gives whether none failed.

    dataset: the folder of the dataset, for the checks that need it. deep: with it, the slow ones, too.

    Raises UserError for what is no pack, is not to be trusted, or is of a newer format.
    """
    with opened_pack(file) as pack:
        packed = Packed(pack)
        facts = packed.facts
        console.print(f"{facts.title}, packed on {facts.made} by sepbench {facts.sepbench}.", **_PLAIN)
        checks = chain(checks_of_a_pack(packed, lambda: said_follows(packed)), checks_of_the_code(packed))
        found = [_shown(one, console) for one in checked(checks)]
        if dataset is not None:
            with dataset_here(packed, dataset, silent) as here:
                found += [_shown(one, console) for one in checked(checks_of_the_dataset(here, deep=deep))]
    failed = [one for one in found if one.state == "failed"]
    if dataset is None:
        console.print("With --dataset DIR the dataset and some scores are checked, too.", **_PLAIN)
    counts = ", ".join(f"{sum(one.state == state for one in found)} {state}" for state in MARKS)
    console.print(f"{counts}.", highlight=False)
    if failed:
        console.print(f"The pack does not hold: it does not follow that {failed[0].what}.", **_PLAIN)
    return not failed


_PLAIN = {"highlight": False, "soft_wrap": True, "markup": False}


def _shown(one: Checked, console: Console) -> Checked:
    console.print(f"{MARKS[one.state]}: {escape(one.what)}: {escape(one.why)}", highlight=False, soft_wrap=True)
    return one

"""``sepbench compare``: two results side by side, and what changed between them."""

import math
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.job import Job
from assets.paths import Paths
from assets.staleness.code.version import explain
from pipelines.graph.instance import history
from pipelines.packing.gathering import Wishes, gather, recorded
from pipelines.profiles import kept_profile
from pipelines.terminal import printable
from sepmodels.errors import UserError
from sepmodels.packing.checked import checked
from sepmodels.packing.checks import checks_of_a_pack
from sepmodels.packing.container import opened_pack, write_pack
from sepmodels.packing.parts import VERSIONS, Packed
from sepmodels.packing.two_packs import other_data, other_settings, side_by_side
from sepmodels.results.comparisons import ALPHA
from sepmodels.systems import systems_of

MOST_REASONS = 8


def compare_results(first: Path, second: Path, console: Console) -> None:
    """Print both tables side by side, the differences that hold, and what changed.

    first, second: packs, or the folders of profiles in data folders, as their last run left them.

    Raises UserError for what is neither and for two of other targets, and says where one does not hold.
    """
    with _opened(first) as before, _opened(second) as after:
        packs = before, after
        if before.facts.target != after.facts.target:
            raise UserError(
                f"{first} separates {before.facts.target} and {second} {after.facts.target}: none of their figures can "
                "be compared. Name two of one target."
            )
        for packed in packs:
            _say_faults(packed, console)
        console.print(_listing(*packs))
        console.print(
            "Differences are of the second to the first, on the test tracks of both, in dB; one holds if it does so "
            "for other tracks and other trainings, with Holm's correction over the systems.",
            highlight=False,
            soft_wrap=True,
        )
        for title, lines in (
            ("Settings", other_settings(*packs)),
            ("Data", other_data(*packs)),
            ("Code", _other_code(*packs)),
        ):
            console.print(f"\n[bold]{title}[/]", highlight=False)
            for line in list(lines) or ["the same"]:
                console.print(f"  {escape(printable(line))}", highlight=False, soft_wrap=True)


@contextmanager
def _opened(place: Path) -> Iterator[Packed]:
    """A pack, or what would be one of a profile's folder, stale or not."""
    if not place.is_dir():
        with opened_pack(place) as pack:
            yield Packed(pack)
        return
    profile = kept_profile(place.name, place.parent)
    paths = Paths(place.parent, place.name, profile.target)
    if not (paths.results / "results.parquet").exists():
        raise UserError(f"{place} has no results: name a pack, or a profile's folder such as data/demo.")
    job = Job(profile, paths, systems=systems_of(profile, paths.systems))
    with history(paths.data) as instance:
        known = recorded(job, instance, stale_too=True)
    with tempfile.TemporaryDirectory(prefix="sepbench-compare-") as scratch:
        file = Path(scratch) / f"{place.parent.name}-{place.name}.zip"
        write_pack(gather(job, known, Wishes(hashes=False)), file)
        with opened_pack(file) as pack:
            yield Packed(pack)


def _say_faults(packed: Packed, console: Console) -> None:
    for one in checked(checks_of_a_pack(packed)):
        if one.state == "failed":
            fault = f"{printable(packed.pack.file)} does not hold: it does not follow that {one.what} ({one.why})."
            console.print(fault, style="red", highlight=False, soft_wrap=True, markup=False)
            return


def _listing(first: Packed, second: Packed) -> Table:
    listing = Table("System", "first", "second", "difference", "holds", box=None, pad_edge=False)
    for row in side_by_side(first, second).to_dict("records"):
        cells = (_number(row[name]) for name in ("first", "second"))
        listing.add_row(escape(printable(row["title"])), *cells, _difference(row), _holds(row))
    return listing


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.2f}"


def _difference(row: dict) -> str:
    interval = "" if math.isnan(row["low"]) else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return "-" if math.isnan(row["difference"]) else f"{row['difference']:+.2f}{interval}"


def _holds(row: dict) -> str:
    if row["difference"] == 0 and math.isnan(row["p"]):
        return "the same scores"
    if math.isnan(row["p_holm"]):
        return "no test"
    return f"{'yes' if row['p_holm'] < ALPHA else 'no'}, p = {row['p_holm']:.2g}"


def _other_code(first: Packed, second: Packed) -> Iterator[str]:
    """The commits, and what of the code versions of products that both have differs."""
    commits = [packed.facts.commit[:12] or "no commit" for packed in (first, second)]
    if commits[0] != commits[1]:
        yield f"commit {commits[0]} in the first, and {commits[1]} in the second"
    before, after = (packed.pack.json(VERSIONS) for packed in (first, second))
    reasons: dict[str, None] = {}
    for name in before:
        if name in after and name not in ("results", "claims", "report"):
            reasons.update(dict.fromkeys(explain(before[name]["parts"], after[name]["parts"])))
    yield from list(reasons)[:MOST_REASONS]
    if len(reasons) > MOST_REASONS:
        yield f"and {len(reasons) - MOST_REASONS} more"

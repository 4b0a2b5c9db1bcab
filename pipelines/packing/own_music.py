"""A pack holds what was found on the profile's own test split: what of other test sets is left out of it, and how."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from assets.graph import benchmark_steps
from assets.job import Job
from pipelines.setting_values import TEST_SETS
from sepmodels.dataset.other_test_sets import other_test_sets, read_test_set
from sepmodels.packing.parts import CLAIMS, RESULTS
from sepmodels.results.across import own_part
from sepmodels.settings import Profile

PAGES = (f"{RESULTS}/results.md", f"{CLAIMS}/claims.md")


def own_pages(parts: Mapping[str, bytes | Path]) -> dict[str, bytes]:
    """The pages of the table and of the claims without what they say of other test sets.

    parts: of the pack, as files.
    """
    return {name: own_part(Path(str(parts[name])).read_text(encoding="utf-8")).encode() for name in PAGES}


def goes_along(report: Path, file: Path, *, sounds: bool) -> bool:
    """Whether a file of the report is packed: sounds of other test sets never, for nobody said on what terms.

    sounds: whether those of the profile's own are wanted.
    """
    folders = file.relative_to(report).parts[:-1]
    return "audio" not in folders or (sounds and folders[0] == "audio")


def of_other_music(job: Job) -> frozenset[str]:
    """The products on other test sets, by their names in the graph."""
    return frozenset("/".join(step.path) for step in benchmark_steps(job.profile, job.systems) if step.test_set)


def placeless(setting: str, text: str) -> str:
    """A setting's value without the folders of this machine.

    >>> placeless("test_sets", "mir1k=/home/me/MIR-1K:voice=right"), placeless("training.batch", "8")
    ('mir1k=elsewhere:voice=right', '8')
    """
    if setting != TEST_SETS:
        return text
    return ",".join(replace(read_test_set(one), folder="elsewhere").text for one in text.split(",") if one)


def left_out(profile: Profile) -> str:
    """A sentence on what the pack does not hold; empty where there are no other test sets."""
    names = ", ".join(one.name for one in other_test_sets(profile))
    if not names:
        return ""
    return (
        f"It holds the scores on {profile.name}'s own test split. Of {names} it has no scores and no sounds: a "
        "verification says nothing of them."
    )

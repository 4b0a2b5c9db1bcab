"""Steps on other music: the same functions, on the products of a test set beside the profile's own."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from assets.paths import Paths
from assets.step import Step
from sepmodels.dataset.other_test_sets import TestSet, dataset_settings
from sepmodels.marks import no_part_of_a_result
from sepmodels.settings import Profile
from sepmodels.systems.system import System

FOLDER = "test_sets"


@dataclass(frozen=True)
class TestSetPaths(Paths):
    """The places of a profile's products, but for those of its test tracks, which are one test set's.

    Models, statistics and all that was made of the training tracks are the profile's own.
    """

    __test__ = False  # no test of pytest's

    test_set: str = ""

    @property
    def place(self) -> Path:
        """The folder of all that is the set's."""
        return self.root / FOLDER / self.test_set

    @property
    def manifest(self) -> Path:
        return self.place / "dataset.parquet"

    @property
    def tracks(self) -> Path:
        return self.place / "tracks.parquet"

    def stems(self, split: str) -> Path:
        return self.place / "stems" if split in ("test", self.test_set) else super().stems(split)

    def estimates(self, variant: str, seed: int) -> Path:
        return self.place / "estimates" / variant / f"seed_{seed}"

    def estimate_picture(self, variant: str) -> Path:
        return self.place / "estimates" / variant / "estimate.jpg"

    def separation_figures(self, variant: str) -> Path:
        return self.place / "estimates" / variant / "figures.parquet"

    def findings(self, system: str) -> Path:
        return self.place / "estimates" / system / "findings.json"

    def score_parts(self, variant: str) -> Path:
        return self.place / "scores" / variant

    def scores(self, variant: str) -> Path:
        return self.place / "scores" / f"{variant}.parquet"

    def measure_parts(self, system: str) -> Path:
        return self.place / "measures" / system

    def measured(self, system: str) -> Path:
        return self.place / "measures" / f"{system}.parquet"

    @property
    def museval_files(self) -> Path:
        return self.place / "scores" / "museval"

    @property
    def results(self) -> Path:
        return self.root / "results" / self.test_set

    @property
    def claims(self) -> Path:
        return self.root / "claims" / self.test_set

    @property
    def report(self) -> Path:
        return self.root / "report" / self.test_set


def own_paths(paths: Paths) -> Paths:
    """The places of the profile's own products."""
    return Paths(paths.data, paths.profile, paths.target)


def seen_on(profile: Profile, one: TestSet) -> Profile:
    """The profile as steps on the set see it: its tracks are the set's, each scored at its files' rate."""
    return replace(profile, dataset=dataset_settings(one), scoring_rate="files")


@no_part_of_a_result("where products lie")
def paths_on(paths: Paths, one: TestSet) -> TestSetPaths:
    """The places of the set's products."""
    return places_of(paths, one.name)


@no_part_of_a_result("where products lie")
def places_of(paths: Paths, test_set: str) -> TestSetPaths:
    """The same, of a test set by its name."""
    return TestSetPaths(paths.data, paths.profile, paths.target, test_set=test_set)


def made_on(paths: Paths) -> list[TestSetPaths]:
    """The places of each test set of which something was made, also of those that are named no more."""
    folder = paths.root / FOLDER
    names = sorted(entry.name for entry in folder.iterdir() if entry.is_dir()) if folder.is_dir() else ()
    return [places_of(paths, name) for name in names]


def scope(step: Step, profile: Profile, paths: Paths) -> tuple[Profile, Paths]:
    """The profile and the places that the step works with: as they are, unless it is on a test set beside."""
    one = step.test_set
    return (seen_on(profile, one), paths_on(paths, one)) if one else (profile, paths)


def moved(step: Step, one: TestSet) -> Step:
    """A step of the profile's own test split as that of the set: its key ends in the set's name."""
    return replace(
        step,
        path=_on(step.path, one.name),
        needs=tuple(_on(needed, one.name) for needed in step.needs),
        description=f"On the test set {one.name}. {step.description}",
        test_set=one,
    )


def _on(path: tuple[str, ...], name: str) -> tuple[str, ...]:
    """The key of what the set has of its own in place of the profile's.

    >>> _on(("open_unmix", "scores"), "mir1k"), _on(("stems", "test"), "mir1k"), _on(("open_unmix", "checkpoint"), "a")
    (('open_unmix', 'scores', 'mir1k'), ('stems', 'mir1k'), ('open_unmix', 'checkpoint'))
    """
    if path == ("stems", "test"):
        return "stems", name
    own = path[0] in ("dataset", "tracks") or path[-1] in ("estimates", "scores", "measures")
    return (*path, name) if own else path


def systems_on(systems: Iterable[System], name: str) -> tuple[System, ...]:
    """The systems that there are on the set of that name, with what was given for it.

    What is made from a system that is not there is not there either.
    """
    found: dict[str, System] = {}
    for system in systems:
        one = system.on(name)
        if one is not None and set(getattr(one, "needs", ())) <= found.keys():
            found[system.name] = one
    return tuple(found.values())

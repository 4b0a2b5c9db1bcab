"""The project's real graph over a copy of its code that tests edit, with products that are stand-ins.

Only the work itself is left out, so that making all products takes a second.
"""

import ast
import fnmatch
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import assets.factory
import assets.staleness.step_version
from assets.factory import benchmark_assets
from assets.graph import benchmark_subjects
from assets.job import Job
from assets.paths import PROJECT, Paths
from assets.resources import benchmark_resources
from assets.staleness.code.version import code_version
from assets.staleness.last_made import LastMade, last_made
from assets.staleness.products import products
from assets.staleness.standing import KEPT_FROM, REASONS, REFRESH_TAGS, Subject, asset_name, standings
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.settings import Profile
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.system import System
from sepmodels.systems.variants import VARIANTS

PACKAGES = ("sepmodels", "assets", "pipelines")
# Those whose chains tests name; others that are added to the list change no test.
PAPER = ("open_unmix", "time_domain", "transformer", "l1_loss", "dual_loss", "dual_loss_balanced")


class Benchmark:
    """The benchmark as the code in ``root`` makes it, with products that are stand-ins."""

    def __init__(
        self, root: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, data: Path | None = None
    ) -> None:
        self.root = root
        self.data = data or root / "data"
        self.instance = instance
        self.profile = PROFILES["demo"]
        self.variants = {name: VARIANTS[name] for name in PAPER}
        self.contents: dict[str, str] = {}
        self.figures: dict[str, float] = {"n": 1}
        self.made: list[str] = []
        self.made_anew: set[str] = set()
        self.accepted_versions: dict[str, tuple[str, ...]] = {}
        self.keeps_accepted = False
        monkeypatch.setattr(assets.staleness.step_version, "code_version", partial(code_version, root=root))
        monkeypatch.setattr(assets.factory, "_make", self._make)

    def _make(self, step, job, *_others) -> dg.MaterializeResult:
        name = "/".join(step.path)
        make_stand_ins(step, job)
        self.made.append(name)
        if job.anew:
            self.made_anew.add(name)
        self.accepted_versions[name] = job.accepted_versions
        kept = {KEPT_FROM: list(job.accepted_versions)} if self.keeps_accepted and job.accepted_versions else {}
        content = dg.DataVersion(self.contents.get(name, "as ever"))
        return dg.MaterializeResult(data_version=content, metadata={**self.figures, **kept})

    def run(self, tags=REFRESH_TAGS, selection: Sequence[str] = ()) -> set[str]:
        """Run all steps, or those selected; gives those that were made rather than carried over."""
        assert self._run(tags, selection, {}, raise_on_error=True).success
        return set(self.made)

    def attempt(self, selection: Sequence[str], tags: dict[str, str], config: dict) -> dict[str, str]:
        """Run these steps, which may fail; gives the reason of each that did."""
        done = self._run(tags, selection, config, raise_on_error=False)
        failures = done.filter_events(lambda event: event.is_step_failure)
        return {
            "/".join(one.step_key.split("__")[1:]): one.step_failure_data.user_failure_data.description
            for one in failures
        }

    def _run(self, tags, selection: Sequence[str], config: dict, *, raise_on_error: bool) -> dg.ExecuteInProcessResult:
        self.made, self.made_anew = [], set()
        keys = [dg.AssetKey([self.profile.name, *name.split("/")]) for name in selection]
        return dg.materialize(
            benchmark_assets(self.profile, self.paths, self.systems),
            instance=self.instance,
            resources=benchmark_resources(self.root / "mlflow"),
            tags=tags,
            selection=keys or None,
            raise_on_error=raise_on_error,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **config},
        )

    @property
    def systems(self) -> list[System]:
        return [*self.variants.values(), *REFERENCES.values()]

    @property
    def paths(self) -> Paths:
        return Paths(self.data, self.profile.name)

    def subjects(self) -> list[Subject]:
        return benchmark_subjects(self.profile, self.paths, self.systems)

    def states(self) -> dict[str, str]:
        return {asset_name(one.key): one.state for one in standings(self.subjects(), self.instance)}

    def metadata(self, name: str) -> dict:
        event = self.instance.get_latest_materialization_event(dg.AssetKey([self.profile.name, *name.split("/")]))
        return event.asset_materialization.metadata

    def last(self, name: str) -> LastMade:
        key = dg.AssetKey([self.profile.name, *name.split("/")])
        return last_made([key], self.instance)[key]

    def reasons(self, name: str) -> str:
        """Why a product was made."""
        return str(self.metadata(name)[REASONS].value)

    def edit(self, path: str, definition: str) -> None:
        """Change what a function does."""
        edit_function(self.root / path, definition)

    def rewrite(self, path: str, edit: Callable[[str], str]) -> None:
        file = self.root / path
        before = file.read_text()
        file.write_text(edit(before))
        assert file.read_text() != before


def edit_function(file: Path, definition: str) -> None:
    """Change what a function (or ``Class.method``) of a file does."""
    lines = file.read_text().splitlines()
    first = next(one for one in _definition(file, definition).body if not isinstance(one, ast.Expr))
    lines.insert(first.lineno - 1, " " * first.col_offset + "edited = True")
    file.write_text("\n".join(lines))


def make_stand_ins(step: Step, job: Job) -> None:
    """Folders where the products would be, with a file in each."""
    for product in products(step, job.profile, job.paths):
        product.mkdir(parents=True, exist_ok=True)
        (product / "part.npy").write_text("made")


def _definition(file: Path, name: str) -> ast.FunctionDef:
    nodes = ast.parse(file.read_text()).body
    for part in name.split("."):
        node = next(one for one in nodes if getattr(one, "name", "") == part)
        nodes = node.body
    return node


def copy_code(folder: Path, project: Path = PROJECT) -> Path:
    """A copy of the project's packages."""
    for package in PACKAGES:
        shutil.copytree(project / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def matching(subjects: list[Subject], *patterns: str) -> set[str]:
    names = [asset_name(subject.key) for subject in subjects]
    return {name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}


def check_stale(benchmark: Benchmark, *patterns: str) -> dict[str, tuple[str, ...]]:
    """Exactly these are stale, what is below them waits, and all else is fresh; gives the reasons of all."""
    subjects = benchmark.subjects()
    stale = matching(subjects, *patterns)
    expected: dict[str, str] = {}
    for subject in subjects:
        above = any(expected[asset_name(need)] != "fresh" for need in subject.needs)
        expected[asset_name(subject.key)] = (
            "stale" if asset_name(subject.key) in stale else "waiting" if above else "fresh"
        )
    found = standings(subjects, benchmark.instance)
    states = {asset_name(one.key): "stale" if one.state == "never" else one.state for one in found}
    reasons = {asset_name(one.key): one.reasons for one in found}
    assert {name: (states[name], reasons[name]) for name in states if states[name] != expected[name]} == {}
    return {asset_name(one.key): one.reasons for one in found}


def with_setting(profile: Profile, name: str, value: Any) -> Profile:
    """The profile with one setting, by its dotted name, changed."""
    head, _, tail = name.partition(".")
    return replace(profile, **{head: replace(getattr(profile, head), **{tail: value}) if tail else value})

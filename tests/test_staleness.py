"""Edit something, and exactly what it touches is stale, for the reason that is told.

The real graph of the project in a real Dagster instance; only the work itself is left out, so that making all
products takes a second.
"""

import ast
import fnmatch
import re
import shutil
from dataclasses import replace
from functools import partial
from importlib import metadata
from pathlib import Path

import dagster as dg
import pytest

import assets.code_version
import assets.factory
import assets.versions
from assets.code_reach import reach
from assets.code_version import NO_PART_OF_A_RESULT, code_version
from assets.factory import benchmark_assets
from assets.paths import PROJECT, Paths
from assets.staleness import CARRIED, PARTS, REASONS, REFRESH_TAGS, Subject, shown, standings
from assets.steps import benchmark_steps
from assets.tracking import Tracker
from assets.versions import benchmark_subjects, step_settings
from pipelines.profiles import PROFILES
from pipelines.watching import refresh_sensor
from sepmodels.references import REFERENCES
from sepmodels.settings import result_settings
from sepmodels.variants import VARIANTS

PACKAGES = ("sepmodels", "assets", "pipelines")


class Benchmark:
    """The benchmark as the code in ``root`` makes it, with products that are stand-ins."""

    def __init__(self, root: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.instance = instance
        self.profile = PROFILES["demo"]
        self.variants = dict(VARIANTS)
        self.contents: dict[str, str] = {}
        self.made: list[str] = []
        monkeypatch.setattr(assets.versions, "code_version", partial(code_version, root=root))
        monkeypatch.setattr(assets.factory, "_make", self._make)

    def _make(self, step, *_others) -> dg.MaterializeResult:
        name = "/".join(step.path)
        self.made.append(name)
        return dg.MaterializeResult(data_version=dg.DataVersion(self.contents.get(name, "as ever")), metadata={"n": 1})

    def run(self, tags=REFRESH_TAGS) -> set[str]:
        """Run all steps; gives those that were made rather than carried over."""
        self.made = []
        done = dg.materialize(
            benchmark_assets(self.profile, self.paths, self.variants.values(), REFERENCES),
            instance=self.instance,
            resources={"tracker": Tracker(folder=str(self.root / "mlflow"))},
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        )
        assert done.success
        return set(self.made)

    @property
    def paths(self) -> Paths:
        return Paths(self.root / "data", self.profile.name)

    def subjects(self) -> list[Subject]:
        return benchmark_subjects(self.profile, self.paths, self.variants.values(), REFERENCES)

    def states(self) -> dict[str, str]:
        return {shown(one.key): one.state for one in standings(self.subjects(), self.instance)}

    def metadata(self, name: str) -> dict:
        event = self.instance.get_latest_materialization_event(dg.AssetKey([self.profile.name, *name.split("/")]))
        return event.asset_materialization.metadata

    def edit(self, path: str, definition: str) -> None:
        """Change what a function does."""
        file = self.root / path
        lines = file.read_text().splitlines()
        first = next(one for one in _definition(file, definition).body if not isinstance(one, ast.Expr))
        lines.insert(first.lineno - 1, " " * first.col_offset + "edited = True")
        file.write_text("\n".join(lines))

    def rewrite(self, path: str, edit) -> None:
        file = self.root / path
        before = file.read_text()
        file.write_text(edit(before))
        assert file.read_text() != before


def _definition(file: Path, name: str) -> ast.FunctionDef:
    nodes = ast.parse(file.read_text()).body
    for part in name.split("."):
        node = next(one for one in nodes if getattr(one, "name", "") == part)
        nodes = node.body
    return node


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    """A copy of the project's packages, and an instance in which all of it has been made."""
    root = tmp_path_factory.mktemp("project")
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, root / package, ignore=shutil.ignore_patterns("__pycache__"))
    with dg.DagsterInstance.ephemeral() as instance, pytest.MonkeyPatch.context() as patch:
        Benchmark(root, instance, patch).run()
        yield root, instance


@pytest.fixture
def benchmark(pristine, tmp_path, monkeypatch):
    """All fresh; edits are seen, but nothing may be run."""
    root, instance = pristine
    shutil.copytree(root, tmp_path / "project")
    return Benchmark(tmp_path / "project", instance, monkeypatch)


@pytest.fixture
def runnable(pristine, tmp_path, monkeypatch):
    """Two variants, all fresh, in an instance of its own."""
    shutil.copytree(pristine[0], tmp_path / "project")
    with dg.DagsterInstance.ephemeral() as instance:
        benchmark = Benchmark(tmp_path / "project", instance, monkeypatch)
        benchmark.variants = {name: VARIANTS[name] for name in ("open_unmix", "transformer")}
        benchmark.run()
        yield benchmark


def _matching(subjects: list[Subject], *patterns: str) -> set[str]:
    names = [shown(subject.key) for subject in subjects]
    return {name for name in names if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)}


def _check_stale(benchmark: Benchmark, *patterns: str) -> dict[str, tuple[str, ...]]:
    """Exactly these are stale, what is below them waits, and all else is fresh; gives the reasons of all."""
    subjects = benchmark.subjects()
    stale = _matching(subjects, *patterns)
    expected: dict[str, str] = {}
    for subject in subjects:
        above = any(expected[shown(need)] != "fresh" for need in subject.needs)
        expected[shown(subject.key)] = "stale" if shown(subject.key) in stale else "waiting" if above else "fresh"
    found = standings(subjects, benchmark.instance)
    assert {shown(one.key): "stale" if one.state == "never" else one.state for one in found} == expected
    return {shown(one.key): one.reasons for one in found}


# What makes nothing stale


@pytest.mark.parametrize("path", ["sepmodels/training.py", "assets/training.py", "sepmodels/spectral.py"])
@pytest.mark.parametrize(
    "edit",
    [
        lambda source: source + "\n# a comment\n",
        lambda source: source.replace('"""', '"""Said otherwise. ', 1),
        lambda source: ast.unparse(ast.parse(source)),
        lambda source: source + "\n\ndef nobody_calls_this():\n    return 3\n",
    ],
    ids=["a comment", "a docstring", "a new layout", "a function that nothing uses"],
)
def test_what_does_not_change_a_result_makes_nothing_stale(benchmark, path, edit):
    benchmark.rewrite(path, edit)
    _check_stale(benchmark)


@pytest.mark.parametrize(
    "setting", ["device", "scorer", "scoring_workers", "separation.batch", "dataset.workers", "training.feeding"]
)
def test_a_setting_that_only_affects_speed_makes_nothing_stale(benchmark, setting):
    benchmark.profile = _with_setting(benchmark.profile, setting, "another")
    _check_stale(benchmark)


def test_a_file_moved_with_no_change_of_content_makes_nothing_stale(benchmark):
    (benchmark.root / "sepmodels/augment.py").rename(benchmark.root / "sepmodels/augmentation.py")
    for file in (benchmark.root / "sepmodels").rglob("*.py"):
        source = file.read_text()
        file.write_text(
            source.replace(
                "from sepmodels import augment\n", "from sepmodels import augmentation as augment\n"
            ).replace("from sepmodels.augment import", "from sepmodels.augmentation import")
        )
    assert any(part.startswith("sepmodels/augmentation.py::") for part in benchmark.subjects()[6].version.parts)
    _check_stale(benchmark)


# Edits of code


@pytest.mark.parametrize(
    ("path", "definition", "stale"),
    [
        ("sepmodels/models/transformer.py", "Model.sequence", ["transformer/checkpoint", "transformer/estimates"]),
        ("sepmodels/models/time_domain.py", "Model.forward", ["time_domain/checkpoint", "time_domain/estimates"]),
        ("sepmodels/losses.py", "magnitude_l1", ["l1_loss/checkpoint"]),
        ("sepmodels/losses.py", "dual", ["dual_loss*/checkpoint"]),
        (
            "sepmodels/spectral.py",
            "Stft.forward",
            ["*/checkpoint", "*/estimates", "statistics", "mixture/scores", "oracle_mask/scores", "results", "report"],
        ),
        ("sepmodels/augment.py", "mix", ["*/checkpoint"]),
        ("sepmodels/sampling.py", "ChunkSampler.next_batch", ["*/checkpoint"]),
        ("sepmodels/training.py", "train", ["*/checkpoint"]),
        ("sepmodels/separation.py", "separate", ["*/estimates"]),
        ("sepmodels/scoring/track.py", "score_track", ["*/scores"]),
        ("sepmodels/statistics.py", "bin_statistics", ["statistics"]),
        ("sepmodels/intervals.py", "median_interval", ["results"]),
        ("sepmodels/comparisons.py", "wilcoxon", ["results"]),
        ("assets/page.py", "report_page", ["report"]),
        ("sepmodels/cache.py", "build_cache", ["stems/*"]),
        ("sepmodels/tracks.py", "describe_tracks", ["tracks"]),
        ("assets/scoring.py", "both_targets", ["*/scores"]),
        ("assets/training.py", "write_figures", ["*/checkpoint"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edited_function_makes_stale_exactly_what_uses_it(benchmark, path, definition, stale):
    benchmark.edit(path, definition)
    reasons = _check_stale(benchmark, *stale)
    owner, _, name = definition.rpartition(".")
    expected = f"{path} changed (function `{name}`" + (f" of `{owner}`)" if owner else ")")
    assert {reasons[asset] for asset in _matching(benchmark.subjects(), *stale)} == {(expected,)}


def test_what_waits_names_what_it_waits_for(benchmark):
    benchmark.edit("sepmodels/losses.py", "magnitude_l1")
    reasons = _check_stale(benchmark, "l1_loss/checkpoint")
    assert reasons["results"] == ("it waits for l1_loss/checkpoint",)


# The dataset


@pytest.fixture
def on_given_files(pristine, tmp_path, monkeypatch):
    """All fresh, over a dataset that people put there."""
    folder = tmp_path / "dataset" / "train"
    folder.mkdir(parents=True)
    for name in "abc":
        (folder / f"{name}.stem.mp4").write_text(name)
    with dg.DagsterInstance.ephemeral() as instance:
        benchmark = Benchmark(pristine[0], instance, monkeypatch)
        benchmark.variants = {"open_unmix": VARIANTS["open_unmix"]}
        benchmark.profile = _with_setting(PROFILES["musdb18"], "dataset.folder", str(folder.parent))
        benchmark.run()
        yield benchmark, folder


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda folder: (folder / "a.stem.mp4").write_text("other"), "train/a.stem.mp4 was replaced"),
        (lambda folder: (folder / "d.stem.mp4").write_text("d"), "train/d.stem.mp4 was added"),
        (lambda folder: (folder / "c.stem.mp4").unlink(), "train/c.stem.mp4 was removed"),
    ],
    ids=["replaced", "added", "removed"],
)
def test_a_changed_file_of_the_dataset_makes_the_dataset_stale_and_a_refresh_ends_where_tracks_are_the_same(
    on_given_files, change, told
):
    benchmark, folder = on_given_files
    change(folder)
    assert _check_stale(benchmark, "dataset")["dataset"] == (told,)
    benchmark.contents = {"dataset": "other files"}
    assert benchmark.run() == {"dataset", "tracks"}
    _check_stale(benchmark)


def test_the_songs_of_the_demo_are_no_part_of_another_dataset(benchmark, tmp_path):
    benchmark.edit("sepmodels/demo/__init__.py", "make_demo")
    _check_stale(benchmark, "dataset")
    benchmark.profile = _with_setting(PROFILES["musdb18"], "dataset.folder", str(tmp_path / "elsewhere"))
    assert not any("sepmodels/demo" in part for part in benchmark.subjects()[0].version.parts)


def test_a_dataset_that_moved_to_another_folder_is_only_verified_again(on_given_files):
    benchmark, folder = on_given_files
    moved = folder.parent.rename(folder.parent.with_name("elsewhere"))
    benchmark.profile = _with_setting(benchmark.profile, "dataset.folder", str(moved))
    assert benchmark.run() <= {"dataset"}


# Edits of variants, settings and libraries


def test_a_hyperparameter_of_a_variant_makes_its_training_stale(benchmark):
    benchmark.variants["transformer"] = replace(VARIANTS["transformer"], learning_rate=5e-4)
    reasons = _check_stale(benchmark, "transformer/checkpoint")
    assert reasons["transformer/checkpoint"] == ("variant setting learning_rate changed from 0.001 to 0.0005",)


def test_the_words_about_a_variant_make_nothing_stale(benchmark):
    benchmark.variants["transformer"] = replace(VARIANTS["transformer"], summary="Said otherwise.")
    _check_stale(benchmark)


def test_a_new_variant_touches_no_other(benchmark):
    benchmark.variants["novel"] = replace(VARIANTS["transformer"], name="novel", title="Novel")
    benchmark.rewrite("sepmodels/variants.py", lambda source: source.replace("_ALL = (", "_ALL = (\n    None,"))
    reasons = _check_stale(benchmark, "novel/*", "results", "report")
    assert "it now reads novel/scores" in reasons["results"]


def test_a_removed_variant_touches_no_other(benchmark):
    del benchmark.variants["dual_loss"]
    reasons = _check_stale(benchmark, "results", "report")
    assert "it no longer reads dual_loss/scores" in reasons["results"]


@pytest.mark.parametrize(
    ("setting", "value", "stale"),
    [
        ("training.steps", 10, ["*/checkpoint", "report"]),
        ("training.gain_high", 2.0, ["*/checkpoint", "report"]),
        ("seeds", (1, 2), ["*/checkpoint", "report"]),
        ("separation.overlap_seconds", 1.0, ["*/estimates", "report"]),
        ("dataset.validation_share", 0.5, ["dataset", "tracks", "stems/*", "report"]),
    ],
)
def test_a_setting_of_the_profile_makes_stale_what_it_bears_on(benchmark, setting, value, stale):
    benchmark.profile = _with_setting(benchmark.profile, setting, value)
    _check_stale(benchmark, *stale)


@pytest.mark.parametrize(
    ("library", "stale"),
    [("torch", ["*/checkpoint", "*/estimates", "statistics"]), ("museval", ["*/scores"]), ("plotly", ["report"])],
)
def test_another_version_of_a_library_makes_stale_what_it_decides(benchmark, monkeypatch, library, stale):
    monkeypatch.setattr(
        assets.code_version, "_library_version", lambda name: "99.0" if name == library else metadata.version(name)
    )
    _check_stale(benchmark, *stale)


def _with_setting(profile, name, value):
    head, _, tail = name.partition(".")
    return replace(profile, **{head: replace(getattr(profile, head), **{tail: value}) if tail else value})


# Refreshing


def test_nothing_is_made_where_all_is_fresh_and_what_was_known_is_kept(runnable):
    before = runnable.metadata("transformer/checkpoint")
    assert runnable.run() == set()
    assert set(runnable.states().values()) == {"fresh"}
    after = runnable.metadata("transformer/checkpoint")
    assert {**after, CARRIED: None} == {**before, CARRIED: None}
    runnable.run()
    assert runnable.metadata("transformer/checkpoint")[CARRIED] == after[CARRIED]  # where it was really made


def test_a_refresh_makes_one_edited_variant_its_scores_and_the_table_and_no_other_variant(runnable):
    runnable.edit("sepmodels/models/transformer.py", "Model.sequence")
    runnable.contents = {f"transformer/{part}": "other" for part in ("checkpoint", "estimates", "scores")}
    assert runnable.run() == {
        "transformer/checkpoint",
        "transformer/estimates",
        "transformer/scores",
        "results",
        "report",
    }
    assert set(runnable.states().values()) == {"fresh"}
    reason = "sepmodels/models/transformer.py changed (function `sequence` of `Model`)"
    assert reason in runnable.metadata("transformer/checkpoint")[REASONS].value
    assert "transformer/scores has new data" in runnable.metadata("results")[REASONS].value


def test_a_refresh_stops_where_what_was_made_again_is_the_same(runnable):
    runnable.edit("sepmodels/tracks.py", "describe_tracks")
    assert runnable.run() == {"tracks"}
    assert set(runnable.states().values()) == {"fresh"}


def test_a_run_that_is_no_refresh_makes_everything(runnable):
    assert runnable.run(tags={}) == _matching(runnable.subjects(), "*")
    assert runnable.metadata("results")[REASONS].value == "- it was asked for"


def test_each_product_keeps_the_parts_of_its_code_version(runnable):
    parts = runnable.metadata("open_unmix/checkpoint")[PARTS].value
    assert "sepmodels/losses.py::magnitude_mse" in parts
    assert "sepmodels/losses.py::dual" not in parts


def test_code_edited_after_a_run_has_begun_is_not_taken_for_what_made_the_product(runnable, monkeypatch):
    def edit_then_make(*_):
        runnable.edit("sepmodels/scoring/track.py", "score_track")
        return dg.MaterializeResult(data_version=dg.DataVersion("made meanwhile"))

    runnable.edit("sepmodels/cache.py", "build_cache")
    monkeypatch.setattr(assets.factory, "_make", edit_then_make)
    with pytest.raises(dg.Failure, match=r"track\.py changed .* after this run had begun"):
        runnable.run()
    assert runnable.states()["open_unmix/scores"] == "stale"


# The sensor


def test_the_sensor_starts_one_refresh_for_an_edit_once_it_is_left_alone(runnable):
    look = refresh_sensor(runnable.profile, runnable.paths, runnable.variants.values(), REFERENCES)

    def tick(cursor):
        return look(dg.build_sensor_context(runnable.instance, cursor))

    assert tick(None).skip_reason.skip_message == "Everything is up to date."
    runnable.edit("sepmodels/tracks.py", "describe_tracks")
    seen = tick(None)
    assert not seen.run_requests
    (request,) = tick(seen.cursor).run_requests
    assert REFRESH_TAGS.items() <= request.tags.items()
    assert tick(seen.cursor).run_requests[0].run_key == request.run_key  # which Dagster runs once
    assert runnable.run(tags=request.tags) == {"tracks"}
    assert tick(seen.cursor).skip_reason.skip_message == "Everything is up to date."


def test_the_sensor_waits_while_a_file_is_half_written(runnable):
    look = refresh_sensor(runnable.profile, runnable.paths, runnable.variants.values(), REFERENCES)
    runnable.rewrite("sepmodels/tracks.py", lambda source: source + "\ndef half(")
    said = look(dg.build_sensor_context(runnable.instance)).skip_reason.skip_message
    assert said.startswith("sepmodels/tracks.py, line ")


# What the versions rest on


ONLY_SAID = {("tracks",): {"training.chunk_seconds"}}  # in the run's log


def test_a_step_reads_no_setting_that_neither_its_version_nor_that_of_what_it_reads_counts():
    profile = PROFILES["demo"]
    counted: dict[tuple[str, ...], set[str]] = {}
    for step in benchmark_steps(profile, VARIANTS.values(), REFERENCES):
        own = {name.removeprefix("profile.") for name in step_settings(step)}
        counted[step.path] = own.union(*(counted[need] for need in step.needs))
        read = {name for chain in _profile_settings_read(step) for name in _settings_below(profile, chain)}
        assert read - ONLY_SAID.get(step.path, set()) <= counted[step.path], step.path


def _profile_settings_read(step) -> set[str]:
    """What the code of a step asks of ``profile``: ``training`` for ``job.profile.training``."""
    root = f"{step.make.__module__}:{step.make.__qualname__}"
    reached = reach([root], named_at_run_time=step.reaches, ignore=NO_PART_OF_A_RESULT, root=PROJECT)
    nodes = [node for one in reached for top in one.part.nodes for node in ast.walk(top)]
    attributes = [node for node in nodes if isinstance(node, ast.Attribute)]
    inner = {id(node.value) for node in attributes}
    chains = [ast.unparse(node) for node in attributes if id(node) not in inner]
    return {match[1] for chain in chains if (match := re.search(r"\bprofile\.([a-z_.]+)$", chain))}


def _settings_below(profile, name: str) -> set[str]:
    """The settings that bear on a result, of that name or in the group of that name."""
    flat = {}
    for key, value in result_settings(profile).items():
        flat |= {f"{key}.{inner}": one for inner, one in value.items()} if isinstance(value, dict) else {key: value}
    return {key for key in flat if key == name or key.startswith(f"{name}.")} - {"name"}

"""Edit something, and exactly what it touches is stale, for the reason that is told."""

import ast
import re
import shutil
import sys
from dataclasses import replace

import dagster as dg
import pytest

import assets.graph
import assets.staleness.code.version
from assets.graph import benchmark_steps
from assets.paths import PROJECT
from assets.staleness.code.reach import reach
from assets.staleness.code.version import NO_PART_OF_A_RESULT
from assets.staleness.step_version import step_settings
from pipelines.profiles import PROFILES
from sepmodels.report import TEMPLATES, templates_hash
from sepmodels.settings import result_settings
from sepmodels.systems import known_systems
from sepmodels.systems.classical import CLASSICAL
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.variants import VARIANTS
from tests.stand_ins import PAPER, Benchmark, check_stale, matching, with_setting

# What makes nothing stale


@pytest.mark.parametrize(
    "path", ["sepmodels/training/train.py", "assets/making/checkpoint.py", "sepmodels/audio/stft.py"]
)
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
    check_stale(benchmark)


@pytest.mark.parametrize(
    "setting", ["device", "scorer", "scoring_workers", "separation.batch", "dataset.workers", "training.feeding"]
)
def test_a_setting_that_only_affects_speed_makes_nothing_stale(benchmark, setting):
    benchmark.profile = with_setting(benchmark.profile, setting, "another")
    check_stale(benchmark)


def test_a_file_moved_with_no_change_of_content_makes_nothing_stale(benchmark):
    (benchmark.root / "sepmodels/training/augmentation.py").rename(benchmark.root / "sepmodels/augmentation.py")
    for file in (benchmark.root / "sepmodels").rglob("*.py"):
        source = file.read_text()
        file.write_text(
            source.replace(
                "from sepmodels.training import augmentation as augment\n",
                "from sepmodels import augmentation as augment\n",
            ).replace("from sepmodels.training.augmentation import", "from sepmodels.augmentation import")
        )
    assert any(part.startswith("sepmodels/augmentation.py::") for part in benchmark.subjects()[6].version.parts)
    check_stale(benchmark)


# Edits of code


@pytest.mark.parametrize(
    ("path", "definition", "stale"),
    [
        (
            "sepmodels/models/architectures/transformer.py",
            "Model.sequence",
            ["transformer/checkpoint", "transformer/estimates"],
        ),
        (
            "sepmodels/models/architectures/time_domain.py",
            "Model.forward",
            ["time_domain/checkpoint", "time_domain/estimates"],
        ),
        ("sepmodels/training/losses.py", "magnitude_l1", ["l1_loss/checkpoint"]),
        ("sepmodels/training/losses.py", "dual", ["dual_loss*/checkpoint"]),
        (
            "sepmodels/audio/stft.py",
            "Stft.forward",
            ["*/checkpoint", "*/estimates", "statistics", "ideal_binary_mask/scores", "oracle_mask/scores"],
        ),
        (
            "sepmodels/audio/io.py",
            "read_audio",
            [*(f"{name}/scores" for name in PAPER), "report"],  # no reference reads a file
        ),
        ("sepmodels/systems/ideal_mask.py", "binary_mask", ["ideal_binary_mask/scores"]),
        ("sepmodels/systems/references.py", "ideal_ratio_mask", ["oracle_mask/scores"]),
        ("sepmodels/training/augmentation.py", "mix", ["*/checkpoint"]),
        ("sepmodels/training/batches.py", "ChunkSampler.next_batch", ["*/checkpoint"]),
        ("sepmodels/training/train.py", "train", ["*/checkpoint"]),
        ("sepmodels/separation/separate.py", "separate", ["*/estimates"]),
        ("sepmodels/scoring/track.py", "score_track", ["*/scores"]),
        ("sepmodels/dataset/bin_statistics.py", "bin_statistics", ["statistics"]),
        ("sepmodels/results/bootstrap.py", "median_interval", ["results"]),
        ("sepmodels/results/comparisons.py", "holm", ["results", "claims", "report"]),  # of every baseline
        ("sepmodels/results/crossed.py", "difference", ["results", "claims", "report"]),
        ("sepmodels/results/claims/judging.py", "judge", ["claims"]),
        ("assets/making/report.py", "report_material", ["report"]),
        ("sepmodels/report/site.py", "render", ["report"]),
        ("sepmodels/report/track_choice.py", "choose_tracks", ["report"]),
        ("sepmodels/dataset/stem_cache.py", "build_cache", ["stems/*"]),
        ("sepmodels/dataset/tracks.py", "describe_tracks", ["tracks"]),
        ("assets/making/sources.py", "both_targets", ["*/scores", "report"]),
        ("assets/making/checkpoint.py", "write_figures", ["*/checkpoint"]),
        ("assets/paths.py", "Paths.history", ["*/checkpoint", "claims", "report"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_an_edited_function_makes_stale_exactly_what_uses_it(benchmark, path, definition, stale):
    benchmark.edit(path, definition)
    reasons = check_stale(benchmark, *stale)
    owner, _, name = definition.rpartition(".")
    expected = f"{path} changed (function `{name}`" + (f" of `{owner}`)" if owner else ")")
    assert {reasons[asset] for asset in matching(benchmark.subjects(), *stale)} == {(expected,)}


def test_what_waits_names_what_it_waits_for(benchmark):
    benchmark.edit("sepmodels/training/losses.py", "magnitude_l1")
    reasons = check_stale(benchmark, "l1_loss/checkpoint")
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
        benchmark = Benchmark(pristine[0], instance, monkeypatch, data=tmp_path / "data")
        benchmark.variants = {"open_unmix": VARIANTS["open_unmix"]}
        benchmark.profile = with_setting(PROFILES["musdb18"], "dataset.folder", str(folder.parent))
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
    assert check_stale(benchmark, "dataset")["dataset"] == (told,)
    benchmark.contents = {"dataset": "other files"}
    assert benchmark.run() == {"dataset", "tracks"}
    check_stale(benchmark)


def test_a_moved_file_makes_nothing_stale_where_others_have_definitions_of_the_same_names(benchmark):
    (benchmark.root / "sepmodels/training/validation.py").rename(
        benchmark.root / "sepmodels/appraisal.py"
    )  # before augment
    for package in ("sepmodels", "assets"):
        for file in (benchmark.root / package).rglob("*.py"):
            file.write_text(file.read_text().replace("sepmodels.training.validation", "sepmodels.appraisal"))
    parts = [part for subject in benchmark.subjects() for part in subject.version.parts]
    assert {"sepmodels/appraisal.py::FULL_SCALE", "sepmodels/training/augmentation.py::FULL_SCALE"} <= set(parts)
    check_stale(benchmark)


def test_the_songs_of_the_demo_are_no_part_of_another_dataset(benchmark, tmp_path):
    benchmark.edit("sepmodels/dataset/demo/__init__.py", "make_demo")
    check_stale(benchmark, "dataset")
    benchmark.profile = with_setting(PROFILES["musdb18"], "dataset.folder", str(tmp_path / "elsewhere"))
    assert not any("sepmodels/demo" in part for part in benchmark.subjects()[0].version.parts)


def test_a_dataset_that_moved_to_another_folder_is_only_verified_again(on_given_files):
    benchmark, folder = on_given_files
    moved = folder.parent.rename(folder.parent.with_name("elsewhere"))
    benchmark.profile = with_setting(benchmark.profile, "dataset.folder", str(moved))
    assert benchmark.run() <= {"dataset"}


# Edits of variants, settings and libraries


def test_a_hyperparameter_of_a_variant_makes_its_training_stale(benchmark):
    benchmark.variants["transformer"] = replace(VARIANTS["transformer"], learning_rate=5e-4)
    reasons = check_stale(benchmark, "transformer/checkpoint")
    assert reasons["transformer/checkpoint"] == ("variant setting learning_rate changed from 0.001 to 0.0005",)


@pytest.mark.parametrize(("word", "stale"), [("title", "results"), ("summary", "report")])
def test_the_words_about_a_variant_make_only_stale_what_shows_them(benchmark, word, stale):
    benchmark.variants["transformer"] = replace(VARIANTS["transformer"], **{word: "Said otherwise."})
    check_stale(benchmark, stale)


@pytest.mark.parametrize(("word", "stale"), [("title", "results"), ("summary", "report"), ("bound", "results")])
def test_the_words_about_a_reference_make_only_stale_what_shows_them(benchmark, monkeypatch, word, stale):
    before = REFERENCES["oracle_mask"]
    monkeypatch.setitem(REFERENCES, "oracle_mask", replace(before, **{word: "Said otherwise."}))
    text = f'"{getattr(before, word)}"'
    benchmark.rewrite("sepmodels/systems/references.py", lambda source: source.replace(text, '"Said otherwise."'))
    check_stale(benchmark, stale)


def test_a_reference_scored_otherwise_touches_no_other(benchmark, monkeypatch):
    monkeypatch.setitem(REFERENCES, "oracle_mask", replace(REFERENCES["oracle_mask"], residual=False))
    reasons = check_stale(benchmark, "oracle_mask/scores")
    assert reasons["oracle_mask/scores"] == ("reference setting residual changed from true to false",)


def test_a_new_variant_touches_no_other(benchmark):
    benchmark.variants["novel"] = replace(VARIANTS["transformer"], name="novel", title="Novel")
    benchmark.rewrite("sepmodels/systems/variants.py", lambda source: source.replace("_ALL = (", "_ALL = (\n    None,"))
    reasons = check_stale(benchmark, "novel/*", "results", "report")
    assert "it now reads novel/scores" in reasons["results"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("MSE sounds better", "MSE sounds nicer"), ("_ALL = (", "_ALL = (\n    None,")],
    ids=["edited", "added"],
)
def test_a_claim_that_is_edited_or_added_touches_nothing_but_the_claims(benchmark, old, new):
    benchmark.rewrite("sepmodels/results/claims/claims.py", lambda source: source.replace(old, new))
    check_stale(benchmark, "claims")


def test_a_removed_variant_touches_no_other(benchmark):
    del benchmark.variants["dual_loss"]
    reasons = check_stale(benchmark, "results", "claims", "report")
    assert "it no longer reads dual_loss/scores" in reasons["results"]


@pytest.mark.parametrize(
    ("setting", "value", "stale"),
    [
        ("training.steps", 10, ["*/checkpoint", "report"]),
        ("training.gain_high", 2.0, ["*/checkpoint", "report"]),
        ("seeds", (1, 2), ["*/checkpoint", "*/estimates", "report"]),
        ("separation.overlap_seconds", 1.0, ["*/estimates", "report"]),
        ("dataset.validation_share", 0.5, ["dataset", "tracks", "stems/*", "report"]),
        ("report.tracks", 9, ["report"]),
        ("report.excerpt_seconds", 3.0, ["report"]),
        ("report.bitrate_kbps", 64, ["report"]),
    ],
)
def test_a_setting_of_the_profile_makes_stale_what_it_bears_on(benchmark, setting, value, stale):
    benchmark.profile = with_setting(benchmark.profile, setting, value)
    check_stale(benchmark, *stale)


@pytest.mark.parametrize(
    ("library", "stale"),
    [
        (
            "torch",
            ["*/checkpoint", "*/estimates", "statistics", *(f"{name}/scores" for name in REFERENCES)],
        ),
        ("museval", ["*/scores"]),
        ("ffmpeg", ["dataset", "tracks", "stems/*"]),
        ("plotly", ["report"]),
    ],
)
def test_another_version_of_a_library_makes_stale_what_it_decides(benchmark, monkeypatch, library, stale):
    known = assets.staleness.code.version._library_version
    monkeypatch.setattr(
        assets.staleness.code.version, "_library_version", lambda name: "99.0" if name == library else known(name)
    )
    check_stale(benchmark, *stale)


def test_an_edited_template_of_the_report_makes_only_the_report_stale(benchmark, monkeypatch):
    monkeypatch.setattr(assets.graph, "templates_hash", lambda: "another")
    check_stale(benchmark, "report")


@pytest.mark.parametrize("name", ["page.html", "style.css", "player.js"])
def test_every_template_of_the_report_counts(tmp_path, name):
    shutil.copytree(TEMPLATES, tmp_path / "templates")
    before = templates_hash(tmp_path / "templates")
    assert before == templates_hash()
    (tmp_path / "templates" / name).write_text("edited")
    assert templates_hash(tmp_path / "templates") != before


# What the versions rest on


NOT_ASKED_FOR = {
    ("tracks",): {"training.chunk_seconds"},  # only said in the run's log
    # The seeds of what an ensemble is made of: the versions of those systems count them.
    **{(name, "estimates"): {"seeds"} for name in CLASSICAL},
}


def test_a_step_reads_no_setting_that_neither_its_version_nor_that_of_what_it_reads_counts():
    profile = PROFILES["demo"]
    counted: dict[tuple[str, ...], set[str]] = {}
    for step in benchmark_steps(profile, known_systems().values()):
        own = {name.removeprefix("profile.") for name in step_settings(step)}
        counted[step.path] = own.union(*(counted[need] for need in step.needs))
        read = {name for chain in _profile_settings_read(step) for name in _settings_below(profile, chain)}
        assert read - NOT_ASKED_FOR.get(step.path, set()) <= counted[step.path], step.path


DECIDES_NOTHING = {
    "ffmpeg": "the package only starts the program, whose version counts",
    "markupsafe": "jinja2's own",
    "pandas": "tables in and out",
    "psutil": "memory, and so speed",
    "pyarrow": "tables in and out",
    "safetensors": "arrays in and out",
    "soundfile": "floats in and out",
    "stempeg": "which reads headers",
    "yaml": "a list in",
}
PACKAGES = {"sklearn": "scikit-learn"}
ONLY_REACHED = {
    ("estimates", "scipy"): "resampling, of what is never at another rate here",
}


@pytest.mark.parametrize("profile", ["demo", "musdb18", "folder"])
def test_of_every_library_that_a_step_uses_the_version_counts_unless_it_decides_nothing(profile):
    for step in benchmark_steps(PROFILES[profile], known_systems().values()):
        targets = {target for one in _reached(step) for _, target in one.links if not target.module}
        used = {target.name.partition(".")[0] for target in targets if not target.name.startswith("missing ")}
        used = {PACKAGES.get(name, name) for name in used}
        used -= {name for part, name in ONLY_REACHED if part == step.path[-1]}
        assert used - sys.stdlib_module_names - DECIDES_NOTHING.keys() <= set(step.libraries), step.path


def _reached(step):
    root = f"{step.make.__module__}:{step.make.__qualname__}"
    return reach([root], named_at_run_time=step.reaches, ignore=NO_PART_OF_A_RESULT, root=PROJECT)


def _profile_settings_read(step) -> set[str]:
    """What the code of a step asks of ``profile``: ``training`` for ``job.profile.training``."""
    nodes = [node for one in _reached(step) for top in one.part.nodes for node in ast.walk(top)]
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

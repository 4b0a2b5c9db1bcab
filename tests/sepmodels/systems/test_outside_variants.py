"""Variants from a file outside the project: what makes them stale, and what cannot be one."""

import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assets.graph import benchmark_steps
from assets.paths import Paths
from assets.staleness.code.version import explain
from assets.staleness.step_version import step_version
from pipelines.profiles import PROFILES
from pipelines.systems.adding import remove_system
from pipelines.systems.adding_variants import add_variants
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.systems import read_systems, trained_systems
from sepmodels.systems.outside_variants import read_variants
from sepmodels.systems.variants import VARIANTS
from tests.conftest import PROJECT
from tests.outside_model import edit, forget_outside_model, write_outside_model
from tests.training_parts import SETTINGS, train_tiny

DEMO = PROFILES["demo"]


@pytest.fixture
def proposals(tmp_path: Path) -> Iterator[Path]:
    """The file, in a folder that Python forgets afterwards."""
    file = write_outside_model(tmp_path / "mine")
    yield file
    forget_outside_model(file)


@pytest.fixture
def added(proposals: Path, tmp_path: Path) -> Paths:
    paths = Paths(tmp_path / "data", "demo")
    add_variants(DEMO, paths, str(proposals), None, Terminal())
    return paths


def versions(paths: Paths) -> dict[tuple[str, ...], dict[str, str]]:
    """The code versions of all trainings and estimates."""
    steps = benchmark_steps(DEMO, [VARIANTS["l1_loss"], *read_systems(paths.systems).values()])
    return {
        step.path: dict(step_version(step, DEMO, paths).parts)
        for step in steps
        if step.path[-1] in ("checkpoint", "estimates")
    }


def test_each_variant_of_a_file_is_added_as_a_trained_system_by_a_file_of_its_own(added: Paths) -> None:
    found = read_systems(added.systems)
    assert list(found) == ["filtered", "small_unmix"]
    assert {(one.kind, one.chain) for one in found.values()} == {("trained", ("checkpoint", "estimates", "scores"))}
    assert {"filtered", "small_unmix", "open_unmix"} <= set(trained_systems(added.systems))


@pytest.mark.parametrize(
    ("file", "before", "after", "stale", "said"),
    [
        ("tiny_net.py", "1024, 256", "512, 128", {"checkpoint", "estimates"}, "tiny_net.py changed (function"),
        (
            "blocks_of_mine.py",
            "/ 2",
            "/ 3",
            {"checkpoint", "estimates"},
            "blocks_of_mine.py changed (function `halved`)",
        ),
        ("errors_of_mine.py", ".abs()", ".abs().add(1)", {"checkpoint"}, "errors_of_mine.py changed (function `odd`)"),
        ("proposals.py", '"width": 3', '"width": 5', {"checkpoint"}, "variant setting settings.settings.width changed"),
    ],
)
def test_an_edit_of_a_person_s_own_code_makes_stale_what_uses_it_and_nothing_else(
    added: Paths, proposals: Path, file: str, before: str, after: str, stale: set[str], said: str
) -> None:
    old = versions(added)
    edit(proposals.with_name(file), before, after)
    new = versions(added)
    changed = {path: explain(old[path], new[path]) for path in old if old[path] != new[path]}
    assert set(changed) == {("filtered", part) for part in stale}
    assert all(one[0].startswith(said) for one in changed.values())


@pytest.mark.parametrize(
    ("file", "before", "after"),
    [
        ("blocks_of_mine.py", "return samples\n", "return -samples\n"),
        ("tiny_net.py", "class Model", "# words\nclass Model"),
        ("proposals.py", '"A filter."', '"A filter of mine."'),
    ],
)
def test_what_no_variant_uses_makes_nothing_stale(
    added: Paths, proposals: Path, file: str, before: str, after: str
) -> None:
    old = versions(added)
    edit(proposals.with_name(file), before, after)
    assert versions(added) == old


@pytest.mark.parametrize(
    ("file", "before", "after", "said"),
    [
        ("proposals.py", "VARIANTS", "OTHERS", "has no list of variants: expected VARIANTS"),
        ("proposals.py", "VARIANTS = [", "VARIANTS = [[", "cannot be read .SyntaxError"),
        ("proposals.py", '"filtered"', '"transformer"', "'transformer' is taken"),
        ("proposals.py", '"small_unmix"', '"filtered"', "Two variants are called 'filtered'"),
        ("proposals.py", '"width"', '"widht"', "did you mean 'width'"),
        ("proposals.py", ":odd", ":even", "no function in the module 'errors_of_mine' called 'even'"),
        ("proposals.py", '"tiny_net"', '"no_net"', "'no_net' cannot be imported"),
        ("tiny_net.py", "class Config", "class Settings", "tiny_net.py has no Config"),
        ("tiny_net.py", "return Estimate.from_waveform(", "return (", "must return an Estimate"),
        ("tiny_net.py", "halved(self.filters(mixture))", "mixture[..., 1:]", "they must be the same"),
        ("tiny_net.py", "width, 2, 1", "width, 3, 1", "they must be the same"),
        ("errors_of_mine.py", ".mean()", "", "must give one"),
    ],
)
def test_what_cannot_be_trained_is_one_sentence_and_nothing_is_added(
    proposals: Path, tmp_path: Path, file: str, before: str, after: str, said: str
) -> None:
    edit(proposals.with_name(file), before, after)
    paths = Paths(tmp_path / "data", "demo")
    with pytest.raises(UserError, match=said):
        add_variants(DEMO, paths, str(proposals), None, Terminal())
    assert not paths.systems.exists()


@pytest.mark.parametrize(
    ("file", "before", "after", "line"),
    [
        ("tiny_net.py", "halved(self.filters(mixture))", "halved(self.filters(mixture[:, :1]))", 21),
        ("tiny_net.py", "width: int = 4", "width: int = four", 11),
        ("errors_of_mine.py", "- target", "- target.waveform", 2),
        ("proposals.py", "VARIANTS = [", "VARIANTS = undefined + [", 3),
        ("proposals.py", "VARIANTS = [", "VARIANTS = [[", 3),
    ],
    ids=["forward", "import", "loss", "file", "syntax"],
)
def test_a_model_or_loss_that_fails_is_named_with_its_file_and_line(
    proposals: Path, tmp_path: Path, file: str, before: str, after: str, line: int
) -> None:
    edit(proposals.with_name(file), before, after)
    with pytest.raises(UserError, match=rf"mend it in {proposals.with_name(file)}:{line}[.,]"):
        add_variants(DEMO, Paths(tmp_path / "data", "demo"), str(proposals), None, Terminal())


def test_the_files_of_the_page_are_a_model_that_is_added_and_trained(tmp_path: Path) -> None:
    page = (PROJECT / "docs" / "systems.md").read_text(encoding="utf-8")
    section = page.partition("## I have a model to train")[2].partition("\n## ")[0]
    files = dict(re.findall(r"```python\n# (\w+\.py).*?\n(.*?)```", section, flags=re.S))
    assert list(files) == ["proposals.py", "net.py", "errors.py"]
    folder = tmp_path / "of_the_page"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    try:
        paths = Paths(tmp_path / "data", "demo")
        add_variants(DEMO, paths, str(folder / "proposals.py"), "my_net", Terminal())
        variant = trained_systems(paths.systems)["my_net"]
        report = train_tiny(tmp_path / "trained", replace(SETTINGS, steps=2), variant=variant)
        assert report.steps == 2
    finally:
        forget_outside_model(folder / "proposals.py", files)


def test_a_module_whose_name_another_has_is_named(proposals: Path) -> None:
    edit(proposals.with_name("tiny_net.py"), "from blocks_of_mine", "from numbers")
    proposals.with_name("blocks_of_mine.py").rename(proposals.with_name("numbers.py"))
    with pytest.raises(UserError, match=r"numbers.py cannot be imported, because .*numbers.py has the name"):
        read_variants(str(proposals))


def test_an_architecture_that_the_project_has_too_is_named(proposals: Path) -> None:
    proposals.with_name("open_unmix.py").write_text("")
    with pytest.raises(UserError, match=r"open_unmix.py has the name of an architecture of the project: rename it"):
        read_variants(str(proposals))


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The same files as an installed package, which offers its variants by an entry point."""
    folder = write_outside_model(tmp_path / "site" / "my_models").parent
    (folder / "__init__.py").touch()
    edit(folder / "proposals.py", '"tiny_net", loss="', '"my_models.tiny_net", loss="my_models.')
    edit(folder / "tiny_net.py", "from blocks_of_mine", "from .blocks_of_mine")
    told = folder.with_name("my_models-1.0.dist-info")
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: my-models\nVersion: 1.0\n")
    (told / "entry_points.txt").write_text("[sepbench.variants]\nmine = my_models.proposals:VARIANTS\n")
    monkeypatch.syspath_prepend(folder.parent)
    yield folder
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_models"]:
        del sys.modules[name]


@pytest.mark.parametrize("source", ["mine", "my_models.proposals"])
def test_the_variants_of_an_installed_package_are_added_by_entry_point_or_module(
    package: Path, tmp_path: Path, source: str
) -> None:
    paths = Paths(tmp_path / "data", "demo")
    add_variants(DEMO, paths, source, None, Terminal())
    assert 'variants = "my_models.proposals"' in (paths.systems / "filtered.toml").read_text()
    old = versions(paths)
    (package.parent / "other.py").write_text("")
    edit(package / "blocks_of_mine.py", "/ 2", "/ 3")
    changed = {path for path, version in versions(paths).items() if version != old[path]}
    assert changed == {("filtered", "checkpoint"), ("filtered", "estimates")}
    assert read_systems(paths.systems)["filtered"].code == (package,)
    edit(package / "proposals.py", '"width": 3', '"width": 4')
    assert read_systems(paths.systems)["filtered"].settings["settings"] == {"width": 4}


def test_what_an_installed_package_cannot_have_is_named(package: Path) -> None:
    with pytest.raises(UserError, match=r"no module minne here: name a file .* sepbench\.variants \(mine\)"):
        read_variants("minne")
    edit(package / "proposals.py", '"my_models.tiny_net"', '"tiny_net"')
    with pytest.raises(UserError, match=r"tiny_net, which my_models\.proposals names, .*: write my_models\.tiny_net"):
        read_variants("mine")


def test_a_variant_that_can_no_longer_be_read_can_be_removed(added: Paths, proposals: Path) -> None:
    proposals.unlink()
    with pytest.raises(UserError, match="There is no file"):
        read_systems(added.systems)
    for name in ("filtered", "small_unmix"):
        remove_system(DEMO, added, name, Terminal())
    assert read_systems(added.systems) == {}

"""Settings hold until they are changed, for every command and page."""

import io
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.options import use_options
from pipelines.profiles import OVERRIDES_VARIABLE, chosen_profile, fix_settings
from pipelines.remembering import remember, say_in_force, take_back
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from tests.pipelines.test_dataset_look import write_tracks


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for variable in ("SEPBENCH_DATASET", "SEPBENCH_PROFILE", "SEPBENCH_OVERRIDES"):
        monkeypatch.setenv(variable, "")
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def said(console: Terminal) -> str:
    return console.file.getvalue()


@pytest.fixture
def console() -> Terminal:
    return Terminal(file=io.StringIO(), width=300)


def give(console: Terminal, *settings: str, profile: str = "demo", dataset: Path | None = None, only=()) -> None:
    """As `sepbench run` does with these options."""
    chosen, paths = use_options(profile, dataset, settings=settings, only=only)
    remember(chosen, paths, console, settings, dataset, only)


def test_what_was_set_once_is_in_force_without_being_set_again_and_is_said(data: Path, console: Terminal) -> None:
    give(console, "training.steps=20", "seeds=1,2")
    profile, paths = use_options("demo")
    assert (profile.training.steps, profile.seeds) == (20, (1, 2))
    assert chosen_profile({}) == profile  # as Dagster's processes read it, with nothing in the environment
    expected = (
        f"Settings of {data}/demo/settings.toml: seeds 1, 2 (profile: 42); training.steps 20 (profile: 200). "
        f"`sepbench settings unset seeds -p demo --data {data}` takes one back.\n"
    )
    assert said(console) == expected
    say_in_force(profile, paths, console)
    assert said(console) == 2 * expected


def test_default_takes_a_setting_back(console: Terminal) -> None:
    give(console, "training.steps=20")
    give(console, "training.steps=default")
    assert use_options("demo")[0].training.steps == 200


def test_each_profile_has_settings_of_its_own(console: Terminal) -> None:
    give(console, "training.steps=20")
    assert use_options("musdb18-7s")[0].training.steps == 2000
    assert use_options("demo")[0].training.steps == 20


def test_a_dataset_that_was_named_once_is_remembered_by_its_whole_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Terminal
) -> None:
    write_tracks(tmp_path / "stems")
    monkeypatch.chdir(tmp_path)
    give(console, profile="folder", dataset=Path("stems"))
    monkeypatch.chdir("/")
    assert "SEPBENCH_DATASET" not in os.environ
    assert use_options("folder")[0].dataset.folder == str(tmp_path / "stems")


def test_a_dataset_that_is_not_there_is_not_remembered(tmp_path: Path, console: Terminal) -> None:
    with pytest.raises(UserError, match="nowhere does not exist"):
        give(console, "training.steps=20", profile="folder", dataset=tmp_path / "nowhere")
    os.environ["SEPBENCH_DATASET"] = os.environ[OVERRIDES_VARIABLE] = ""
    assert use_options("folder")[0].changed_settings == ()


def test_a_dataset_that_a_run_could_not_read_is_taken_out_again_and_other_settings_stay(
    tmp_path: Path, console: Terminal
) -> None:
    settings = ("training.steps=20", "dataset.test_share=0.5")
    for name in ("good", "without_sound"):
        write_tracks(tmp_path / name)
    give(console, "dataset.test_share=0.3", profile="folder", dataset=tmp_path / "good")
    chosen, paths = use_options("folder", tmp_path / "without_sound", settings=settings)
    before = remember(chosen, paths, console, settings, tmp_path / "without_sound")
    take_back(chosen, paths, console, before, ["open_unmix/checkpoint", "tracks/other"])
    assert use_options("folder")[0].dataset.folder == str(tmp_path / "without_sound")
    take_back(chosen, paths, console, before, ["tracks"])
    assert dict(use_options("folder")[0].changed_settings) == {
        "dataset.folder": str(tmp_path / "good"),
        "dataset.test_share": "0.3",
        "training.steps": "20",
    }
    assert "could not use it: dataset.test_share, dataset.folder. Give it again" in said(console)


def test_a_rule_by_which_the_dataset_has_no_tracks_is_not_kept(tmp_path: Path, data: Path, console: Terminal) -> None:
    write_tracks(tmp_path / "stems")
    give(console, profile="folder", dataset=tmp_path / "stems")
    before = (data / "folder/settings.toml").read_bytes()
    for wrong in ("dataset.vocals=nobody*", "target=bass"):
        with pytest.raises(UserError):
            give(console, wrong, profile="folder")
        os.environ[OVERRIDES_VARIABLE] = ""
        with pytest.raises(UserError):
            settings("set", wrong, "-p", "folder")
    assert (data / "folder/settings.toml").read_bytes() == before


@pytest.mark.parametrize("kept", ['measures = ["ViSQOL"]', 'seeds = "many"'], ids=["together", "by itself"])
def test_a_value_in_the_file_that_cannot_be_is_no_hindrance_to_another_in_its_place(
    data: Path, kept: str, monkeypatch: pytest.MonkeyPatch, console: Terminal
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)  # as where the measure's package is missing
    name = kept.partition(" ")[0]
    value = {"measures": "PES", "seeds": "7"}[name]
    file = data / "demo/settings.toml"
    file.parent.mkdir(parents=True)
    for mend in (
        lambda: give(console, f"{name}={value}"),
        lambda: settings("set", f"{name}={value}"),
        lambda: settings("unset", name),
    ):
        file.write_text(f"{kept}\n[training]\nsteps = 20\n")
        with pytest.raises(UserError, match=r"settings\.toml.* Mend it"):
            give(console, "training.steps=30")
        os.environ[OVERRIDES_VARIABLE] = ""
        mend()
        assert dict(use_options("demo")[0].changed_settings).get(name) in (value, None)
        assert use_options("demo")[0].training.steps == 20


def test_a_variant_on_request_that_was_asked_for_stays_in_the_table(console: Terminal) -> None:
    give(console, only=["time_domain_22khz"])
    assert use_options("demo")[0].extra_variants == ("time_domain_22khz",)


def test_a_refused_value_leaves_the_file_as_it_was(data: Path, console: Terminal) -> None:
    give(console, "training.steps=20")
    before = (data / "demo/settings.toml").read_bytes()
    for wrong in ("training.batch=0", "training.bach=1", "separation.overlap_seconds=30"):
        with pytest.raises(UserError):
            give(console, "training.steps=30", wrong)
        os.environ[OVERRIDES_VARIABLE] = ""
    assert (data / "demo/settings.toml").read_bytes() == before


def test_a_variable_holds_for_its_processes_alone_and_before_the_file(
    monkeypatch: pytest.MonkeyPatch, console: Terminal
) -> None:
    give(console, "training.steps=20")
    monkeypatch.setenv(OVERRIDES_VARIABLE, '{"training.steps": "30"}')
    profile, paths = use_options("demo")
    assert profile.training.steps == 30
    assert not say_in_force(profile, paths, console)
    monkeypatch.setenv(OVERRIDES_VARIABLE, "")
    assert use_options("demo")[0].training.steps == 20


def test_a_run_keeps_the_settings_that_it_began_with(monkeypatch: pytest.MonkeyPatch, console: Terminal) -> None:
    give(console, "training.steps=20", "training.batch=8")
    begun = chosen_profile()
    with monkeypatch.context() as patch:
        patch.setenv(OVERRIDES_VARIABLE, "")
        fix_settings(begun)
        inherited = dict(os.environ)
    give(console, "training.steps=30", "training.batch=default", "seeds=7")
    assert chosen_profile(inherited) == begun
    assert chosen_profile({}).seeds == (7,)


def settings(*words: str):
    done = CliRunner().invoke(app, ["settings", *words], env={"COLUMNS": "300"})
    if done.exception and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def test_the_command_sets_shows_unsets_and_resets(data: Path) -> None:
    assert "training.steps 20 (profile: 200)" in settings("set", "training.steps=20", "seeds=1,2")
    shown = settings()
    assert "20 (profile: 200)" in shown
    assert "the most steps of a training;" in shown
    assert "seeds" not in settings("unset", "seeds")
    assert settings("reset") == "No setting of demo is changed.\n"
    assert not (data / "demo/settings.toml").exists()


def test_a_broken_file_stops_what_needs_it_and_a_reset_mends_it(data: Path) -> None:
    (data / "demo").mkdir(parents=True)
    (data / "demo/settings.toml").write_text("[training]\nsteps = many\n")
    with pytest.raises(UserError, match=r"settings\.toml is no TOML"):
        settings("set", "training.steps=20")
    assert settings("reset") == "No setting of demo is changed.\n"

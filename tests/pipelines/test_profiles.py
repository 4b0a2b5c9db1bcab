"""Profiles and their overrides."""

import json
from pathlib import Path

import pytest

from pipelines.profiles import PROFILES, chosen_profile
from pipelines.setting_values import meaning_of, override, setting_names, text_of, value_of
from sepmodels.errors import UserError, unknown_name
from sepmodels.limits import LIMITS
from sepmodels.settings import result_settings


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data folder in which nobody has changed a setting."""
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path))


def test_demo_is_chosen_where_nothing_is_said() -> None:
    assert chosen_profile({}).name == "demo"


def test_the_environment_chooses_the_profile_and_its_dataset() -> None:
    profile = chosen_profile({"SEPBENCH_PROFILE": "musdb18-7s", "SEPBENCH_DATASET": "/music"})
    assert (profile.name, profile.dataset.folder) == ("musdb18-7s", "/music")


def test_an_unknown_profile_is_refused_with_the_nearest_suggested() -> None:
    with pytest.raises(UserError, match="did you mean 'musdb18hq'"):
        chosen_profile({"SEPBENCH_PROFILE": "musdb18-hq"})


@pytest.mark.parametrize("name", PROFILES)
def test_every_setting_of_every_profile_can_be_read_back_from_its_own_text(name: str) -> None:
    profile = PROFILES[name]
    for key in setting_names():
        assert override(profile, key, text_of(value_of(profile, key))) == profile


@pytest.mark.parametrize(
    ("key", "text", "value"),
    [
        ("training.batch", "8", 8),
        ("training.steps", "none", None),
        ("training.chunk_seconds", "1.5", 1.5),
        ("training.remix", "no", False),
        ("seeds", "1,2,3", (1, 2, 3)),
        ("scorer", "museval", "museval"),
    ],
)
def test_an_override_is_read_as_the_settings_type(key: str, text: str, value: object) -> None:
    profile = chosen_profile({"SEPBENCH_OVERRIDES": json.dumps({key: text})})
    assert value_of(profile, key) == value


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("training.batch", "many", "a whole number"),
        ("training.minutes", "long", "a number"),
        ("scorer", "ears", "fast or museval"),
        ("training.remix", "maybe", "true or false"),
        ("seeds", "a,b", "different whole numbers, such as 42,43"),
        ("seeds", "42,42", "different whole numbers, such as 42,43"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_by_name(key: str, text: str, expected: str) -> None:
    with pytest.raises(UserError, match=rf"The setting {key} cannot be '{text}': expected {expected}\."):
        override(PROFILES["demo"], key, text)


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("training.batch", "0", "from 1 on"),
        ("training.steps", "-3", "from 1 on"),
        ("training.chunk_seconds", "nan", "from 0.1 on"),
        ("training.minutes", "inf", "from 0 on"),
        ("training.plateau_factor", "1", "from 0 to 0.9999"),
        ("training.threads", "-1", "from 0 on"),
        ("dataset.test_share", "1.5", "from 0 to 1"),
        ("seeds", "42,-1", "from 0 to 4294967295"),
    ],
)
def test_a_number_that_a_setting_cannot_be_is_refused_by_name(key: str, text: str, expected: str) -> None:
    with pytest.raises(UserError, match=rf"The setting {key} cannot be .*: expected a number {expected}\."):
        override(PROFILES["demo"], key, text)


@pytest.mark.parametrize("seconds", ["10.01", "30"])
def test_an_overlap_of_more_than_half_a_segment_is_refused_in_seconds_with_what_is_allowed(seconds: str) -> None:
    asked = {"separation.overlap_seconds": seconds}
    with pytest.raises(UserError, match=rf"cannot be {seconds} with segments of 20 seconds: .* from 0 to 10 seconds"):
        chosen_profile({"SEPBENCH_OVERRIDES": json.dumps(asked)})


def test_an_overlap_is_held_against_the_segments_that_are_set_after_it() -> None:
    asked = {"separation.overlap_seconds": "15", "separation.segment_seconds": "30"}
    assert chosen_profile({"SEPBENCH_OVERRIDES": json.dumps(asked)}).separation.overlap_seconds == 15


@pytest.mark.parametrize("names", [("gain_low", "gain_high"), ("gain_high", "gain_low")])
def test_two_settings_that_go_together_may_be_given_in_any_order(names: tuple[str, str]) -> None:
    values = {"gain_low": "1.5", "gain_high": "2"}
    asked = {f"training.{name}": values[name] for name in names}
    training = chosen_profile({"SEPBENCH_OVERRIDES": json.dumps(asked)}).training
    assert (training.gain_low, training.gain_high) == (1.5, 2)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"training.gain_low": "1.5"}, r"gain_low cannot be 1\.5, above training\.gain_high \(1\.25\)"),
        ({"training.processes": "3"}, r"batch of 4 chunks cannot be shared by 3 processes"),
    ],
)
def test_two_settings_that_contradict_each_other_are_refused_at_once(asked: dict[str, str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        chosen_profile({"SEPBENCH_OVERRIDES": json.dumps(asked)})


def test_auto_precision_is_the_one_that_the_machine_has(monkeypatch: pytest.MonkeyPatch) -> None:
    def chosen(**asked: str) -> str:
        return chosen_profile({"SEPBENCH_OVERRIDES": json.dumps(asked)}).training.precision

    monkeypatch.setattr("assets.runtime.gpus.gpu_generations", list)
    assert chosen() == chosen(**{"training.precision": "auto"}) == "32"
    monkeypatch.setattr("assets.runtime.gpus.gpu_generations", lambda: [9])
    assert chosen() == "bf16"
    assert chosen(device="cpu") == "32"
    assert chosen(**{"training.precision": "32"}) == "32"


def test_every_limit_is_of_a_setting() -> None:
    assert set(LIMITS) <= set(setting_names())


@pytest.mark.parametrize("name", setting_names())
def test_every_setting_has_a_meaning_with_its_unit_and_what_none_stands_for(name: str) -> None:
    meaning = meaning_of(name)
    assert meaning.endswith(".")
    if name.endswith("_seconds"):
        assert "in seconds" in meaning
    if any(value_of(profile, name) in (None, ()) for profile in PROFILES.values()):
        assert "none: " in meaning
    values = [value_of(profile, name) for profile in PROFILES.values()]
    if name != "dataset.split_seed" and any(value == 0 and not isinstance(value, bool) for value in values):
        assert "0: " in meaning


def test_the_word_default_stands_for_the_profiles_own_value() -> None:
    demo = PROFILES["demo"]
    assert override(override(demo, "training.steps", "20"), "training.steps", "default", demo) == demo


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("sample_rate_hz", "22050", r"sample_rate_hz cannot be 22050: expected 44100\."),
        ("training.gradient_clip", "0", r"gradient_clip cannot be 0\.?0?: expected a number from 1e-06 on\."),
        ("report.bitrate_kbps", "9", r"bitrate_kbps cannot be 9: expected a number from 64 to 320\."),
        ("seeds", str(2**64), r"seeds cannot be \d+: expected a number from 0 to \d+\."),
    ],
)
def test_a_number_that_would_spoil_the_results_or_fail_hours_later_is_refused_at_once(
    key: str, text: str, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        override(PROFILES["demo"], key, text)


def test_an_unknown_setting_is_refused_with_the_nearest_suggested() -> None:
    with pytest.raises(UserError, match=r"did you mean 'training\.batch'"):
        override(PROFILES["demo"], "training.bach", "8")


@pytest.mark.parametrize(
    ("name", "suggested"), [("batch", "training.batch"), ("report.exc", "report.excerpt_seconds"), ("SCORER", "scorer")]
)
def test_of_a_setting_that_is_named_in_part_the_whole_name_is_suggested(name: str, suggested: str) -> None:
    with pytest.raises(UserError, match=rf"did you mean '{suggested}'\?"):
        override(PROFILES["demo"], name, "8")


def test_where_no_name_is_near_only_those_known_are_said() -> None:
    for name in ("zzzz", ""):
        with pytest.raises(UserError, match=rf"There is no profile '{name}'\. Known: demo, "):
            raise unknown_name("profile", name, PROFILES)


def test_what_only_affects_speed_is_no_part_of_the_result() -> None:
    demo = PROFILES["demo"]
    quicker = override(override(demo, "separation.batch", "8"), "device", "cuda")
    assert quicker != demo
    assert result_settings(quicker) == result_settings(demo)
    assert result_settings(override(demo, "training.batch", "8")) != result_settings(demo)


def test_a_mapping_file_in_the_dataset_s_folder_is_part_of_the_settings(tmp_path: Path) -> None:
    (tmp_path / "stems.toml").write_text('vocals = ["vox"]')
    environment = {"SEPBENCH_PROFILE": "folder", "SEPBENCH_DATASET": str(tmp_path)}
    assert chosen_profile(environment).dataset.mapping == "stems.toml"
    assert chosen_profile({**environment, "SEPBENCH_PROFILE": "karaoke"}).dataset.mapping is None
    (tmp_path / "stems.toml").unlink()
    assert chosen_profile(environment).dataset.mapping is None

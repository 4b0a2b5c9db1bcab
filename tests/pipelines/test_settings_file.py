"""The file with what a person has changed of a profile."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.profiles import PROFILES, kept_profile
from pipelines.setting_values import changes, meaning_of, override, setting_names
from pipelines.settings_file import change_settings, read_settings
from sepmodels.errors import UserError

DEMO = PROFILES["demo"]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "demo" / "settings.toml"


def in_file(file: Path) -> dict[str, str]:
    return changes(read_settings(file, DEMO), DEMO)


def test_without_a_file_the_profile_is_as_it_is(file: Path) -> None:
    assert read_settings(file, DEMO) == DEMO


def test_a_new_file_has_every_setting_with_its_meaning_and_changes_only_what_was_asked(file: Path) -> None:
    change_settings(file, DEMO, {"training.steps": "20"})
    text = file.read_text()
    for name in setting_names():
        first_words = " ".join(meaning_of(name).split()[1:6])
        assert first_words in " ".join(text.replace("\n# ", " ").split())
    assert in_file(file) == {"training.steps": "20"}
    assert "\n# The most steps of a training; none: no limit.\nsteps = 20\n" in text
    assert "\n# batch = 4\n" in text


VALUES = {
    "seeds": ["42", "1,2,3"],
    "device": ["cpu", "cuda:1"],
    "dataset.folder": ["/music", "none", '/a "b"/# c'],
    "dataset.vocals": ["lead *,choir", 'odd "name" \\ # of one', ""],
    "training.steps": ["20", "none"],
    "training.minutes": ["1.5"],
    "training.remix": ["false"],
    "training.weight_decay": ["1e-07"],
    "report.tracks": ["0"],
}
CHANGE = st.sampled_from(sorted(VALUES)).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from([None, *VALUES[name]]))
)


@given(steps=st.lists(CHANGE, max_size=8))
def test_whatever_is_set_and_unset_in_whatever_order_the_file_says_it(steps, tmp_path_factory) -> None:
    file = tmp_path_factory.mktemp("settings") / "settings.toml"
    wanted = DEMO
    for name, text in steps:
        change_settings(file, DEMO, {name: text})
        wanted = override(wanted, name, text or "default" if text != "" else "", DEMO)
        assert read_settings(file, DEMO) == wanted


def test_a_meaning_has_no_links_of_docstrings() -> None:
    assert not [name for name in setting_names() if "`" in meaning_of(name)]


def test_what_a_person_wrote_stays_whatever_form_of_toml_it_has(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(
        "# mine\ntraining.steps = 20 # short\nseeds = [1,  # first\n  2]\n\n[report]\ntracks = 1  # enough\n"
    )
    change_settings(file, DEMO, {"training.batch": "8", "training.steps": "30", "report.tracks": None, "seeds": None})
    assert in_file(file) == {"training.steps": "30", "training.batch": "8"}
    text = file.read_text()
    assert all(words in text for words in ("# mine", "# short", "# enough"))


def test_a_relative_folder_is_meant_from_the_file_on(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("[dataset]\nfolder = '../songs'\n")
    assert read_settings(file, DEMO).dataset.folder == str(file.parents[1] / "songs")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seeds = [1\nx", r"settings\.toml is no TOML: .*line 2"),
        ("\n[training]\nsteps = 'many'", r"line 3: The setting training\.steps cannot be 'many': expected a whole"),
        ("[training]\nbach = 1", r"line 2: There is no setting 'training\.bach': did you mean 'training\.batch'"),
        ("training = 3", "line 1: There is no setting 'training'"),
        ("[report.tracks]\na = 1", r"The setting report\.tracks cannot be .*: expected a whole number"),
        ("[training]\nbatch = 0", r"line 2: The setting training\.batch cannot be 0: expected a number from 1 on"),
        ("[separation]\noverlap_seconds = 30", r"settings\.toml: The setting separation\.overlap_seconds cannot be 30"),
        ("device = 'gpu'", r"line 1: The setting device cannot be 'gpu': expected auto, cpu, cuda or cuda:N, such as"),
        ("extra_variants = ['time_domain_22']", r"settings\.toml: .*did you mean 'time_domain_22khz'"),
        ("seeds = [42] # \udcff", "cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_with_file_line_and_what_to_do(file: Path, text: str, said: str) -> None:
    file.parent.mkdir()
    file.write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=said) as raised:
        kept_profile("demo", file.parents[1])
    assert str(raised.value).endswith("Mend it, or delete the file, which takes all settings of the profile back.")

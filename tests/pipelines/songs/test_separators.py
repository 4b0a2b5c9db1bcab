"""``sepbench separate --system`` with systems that are not trained here; and the commands that add and remove these."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner, Result

from assets.paths import Paths
from pipelines.cli import app
from sepmodels.errors import UserError
from sepmodels.systems import read_systems
from tests.scored_folder import rising_tone

THEIRS = "import numpy as np\n\ndef separate(mixture, sample_rate_hz):\n    return 0.25 * mixture\n"


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Run a command with its data in ``tmp_path``; a file of Python and a song lie there."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEPBENCH_PROFILE", "SEPBENCH_DATASET", "SEPBENCH_OVERRIDES"):
        monkeypatch.setenv(name, "")
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))
    (tmp_path / "empty").mkdir()
    (tmp_path / "theirs.py").write_text(THEIRS)
    soundfile.write(tmp_path / "song.wav", 0.5 * rising_tone().T, 32_000, subtype="FLOAT")

    def run(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), env={"COLUMNS": "300"})

    return run


def test_a_function_that_was_added_separates_a_song_in_the_song_s_own_rate(command, tmp_path: Path) -> None:
    added = command("add", "theirs", "--python", "theirs.py:separate", "--title", "Theirs")
    assert added.exit_code == 0, added.output
    assert "Next: sepbench run -p demo --only theirs" in added.output
    done = command("separate", "song.wav", "--system", "theirs")
    assert done.exit_code == 0, done.output
    vocals, rate_hz = soundfile.read(tmp_path / "separated" / "song" / "vocals.wav")
    assert rate_hz == 32_000
    middle = slice(2_000, -2_000)
    assert np.abs(vocals - 0.125 * rising_tone().T)[middle].max() < 0.01


def test_what_cannot_separate_a_song_or_is_unknown_is_named_with_what_can(command) -> None:
    with pytest.raises(UserError, match=r"oracle_mask \(reference\) cannot separate a song"):
        raise command("separate", "song.wav", "--system", "oracle_mask").exception
    with pytest.raises(UserError, match="did you mean 'repet_sim'"):
        raise command("separate", "song.wav", "--system", "repet_sin").exception
    with pytest.raises(UserError, match="is no trained variant: leave out --variant"):
        raise command("separate", "song.wav", "--system", "repet_sim", "--seed", "42").exception


def test_a_system_is_listed_and_removed_again_and_what_was_given_stays(command, tmp_path: Path) -> None:
    command("add", "theirs", "--python", "theirs.py:separate", "--trained-on", "other songs")
    listed = command("systems").output
    (line,) = [line for line in listed.splitlines() if line.startswith("theirs")]
    assert line.split()[:5] == ["theirs", "Python", "not", "made", "yet"]
    assert "other songs" in line
    assert command("remove", "theirs").exit_code == 0
    assert read_systems(Paths(tmp_path / "data", "demo").systems) == {}
    assert (tmp_path / "theirs.py").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("open_unmix", "--python", "theirs.py:separate"), "The name 'open_unmix' is taken"),
        (("results", "--python", "theirs.py:separate"), "The name 'results' is taken"),
        (("My System", "--python", "theirs.py:separate"), "use small letters, digits and _ only"),
        (("theirs",), "Say what theirs is by one of .*: none was given"),
        (("theirs", "--python", "theirs.py:separate", "--estimates", "."), "--estimates and --python were given"),
        (("theirs", "--python", "theirs.py:separate", "--vocals", "x"), "--vocals does not go with --python"),
        (("theirs", "--estimates", "empty"), "has no vocals: expected TRACK/vocals.wav"),
        (("theirs", "--scores", "none"), "There is no .*none"),
        (("theirs", "--mean", "open_unmix,nothing"), "no system with estimates 'nothing'"),
        (("theirs", "--augmented", "mixture"), "no trained variant 'mixture'. Known: open_unmix"),
        (("theirs", "--python", "theirs.py"), "--python theirs.py names no function .*: write theirs.py:FUNCTION"),
        (("theirs", "--architecture", "open_unmix", "--checkpoint", "theirs.py"), "theirs.py is no checkpoint"),
        (("theirs", "--augmented", "open_unmix", "--shifts", "-1"), "--shifts -1 cannot be"),
        (("theirs", "--mean", "open_unmix", "--weights", "1,2"), "2 weights do not go with 1 systems"),
        (("theirs", "--command", "prog {mixture} {out}"), "lacks --vocals"),
    ],
)
def test_what_cannot_be_added_is_told_in_a_sentence_and_nothing_is_written(
    command, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UserError, match=said):
        raise command("add", *words).exception
    assert not (tmp_path / "data" / "demo" / "systems").exists()


def test_where_nothing_was_added_that_is_said(command) -> None:
    with pytest.raises(UserError, match="no added system 'theirs': none is added to demo"):
        raise command("remove", "theirs").exception


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind = 'given audio", r"broken\.toml is no TOML"),
        ("kind = 'magic'", "kind = 'magic': expected one of 'given audio'"),
        ("kind = 'given audio'", "lacks estimates"),
        ("kind = 'given audio'\nestimates = 3", "estimates = 3 cannot be: expected a path"),
        (
            "kind = 'given audio'\nestimates = '.'\ncolour = 'red'",
            "has colour, which a system of kind 'given audio' has not",
        ),
        ("kind = 'ensemble'\nmean = ['broken']", "made from each other"),
        ("kind = 'ensemble'\nmean = ['absent']", "There is no system 'absent'"),
    ],
)
def test_a_file_that_is_none_of_a_system_is_named_with_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "broken.toml").write_text(text)
    with pytest.raises(UserError, match=said):
        read_systems(tmp_path)

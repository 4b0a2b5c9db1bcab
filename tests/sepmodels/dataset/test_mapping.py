"""A mapping file says which files are which stems: MedleyDB's and MoisesDB's folders, a flat one, and faults."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import read_track
from sepmodels.dataset.file_sentences import file_sentences
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.mapping import with_mapping
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings

RATE_HZ = 44_100
NAMES = ("One", "Two", "Three")


def write(folder: Path, files: Iterable[str], rules: str) -> Path:
    """Short files of noise, another in each, and the mapping file."""
    for seed, file in enumerate(files):
        (folder / file).parent.mkdir(parents=True, exist_ok=True)
        noise = np.random.default_rng(seed).uniform(-0.1, 0.1, (RATE_HZ // 10, 2))
        soundfile.write(folder / file, noise, RATE_HZ, subtype="PCM_16")
    (folder / "stems.toml").write_text(rules, encoding="utf-8")
    return folder


def found(folder: Path) -> dict[str, Track]:
    tracks = find_tracks(folder, with_mapping(DatasetSettings("folder"), folder))
    return {track.name: track for track in tracks}


def roles(track: Track) -> dict[str, str]:
    return {source.name: role for source, role in zip(track.sources, track.roles, strict=True)}


def fault(folder: Path) -> str:
    with pytest.raises(UserError) as error:
        found(folder)
    return str(error.value)


def stored(folder: Path, file: str) -> np.ndarray:
    return soundfile.read(folder / file, dtype="int16")[0].T.astype(int)


MOISESDB = """
vocals = ["vocals/*"]
drums = ["drums/*", "percussion/*"]
bass = ["bass/*"]
rest = "other"
"""


def test_moisesdb_has_a_folder_for_each_kind_of_stem_and_files_of_one_kind_are_summed(tmp_path: Path) -> None:
    files = ("vocals/a1.wav", "vocals/a2.wav", "drums/kick.wav", "percussion/kick.wav", "bass/b.wav", "guitar/g.wav")
    folder = write(tmp_path, [f"{name}/{file}" for name in NAMES for file in files], MOISESDB)
    (folder / "One" / "data.json").write_text("{}")
    track = found(folder)["One"]
    stems = dict(zip(STREAMS, read_track(track).stems.astype(int), strict=True))
    np.testing.assert_array_equal(stems["vocals"], sum(stored(folder / "One", file) for file in files[:2]))
    np.testing.assert_array_equal(stems["drums"], sum(stored(folder / "One", file) for file in files[2:4]))
    np.testing.assert_array_equal(stems["bass"], stored(folder / "One", "bass/b.wav"))
    np.testing.assert_array_equal(stems["other"], stored(folder / "One", "guitar/g.wav"))
    np.testing.assert_array_equal(stems["mixture"], sum(stems[name] for name in STREAMS[1:]))


def test_files_of_one_name_in_folders_of_one_name_are_all_heard(tmp_path: Path) -> None:
    files = ("vocals/take/a.wav", "drums/take/a.wav", "guitar/take/a.wav")
    folder = write(tmp_path, [f"{name}/{file}" for name in NAMES for file in files], MOISESDB)
    stems = read_track(found(folder)["Two"]).stems
    np.testing.assert_array_equal(stems[0], sum(stored(folder / "Two", file) for file in files))


MEDLEYDB = """
vocals = ["*singer*", "vocalists"]
drums = ["*drum*"]
bass = ["*bass*"]
mixture = ["*_MIX"]
left_out = ["*_RAW/*"]
rest = "other"
instruments = "*_METADATA.yaml"
"""
INSTRUMENTS = {"01": "electric bass", "02": "drum set", "03": "[clean electric guitar, piano]", "04": "male singer"}


def test_medleydb_says_in_its_metadata_which_instrument_each_stem_is(tmp_path: Path) -> None:
    for name in NAMES:
        song = f"Artist{name}_Song"
        stems = [f"{song}/{song}_STEMS/{song}_STEM_{number}.wav" for number in INSTRUMENTS]
        write(tmp_path, [*stems, f"{song}/{song}_MIX.wav", f"{song}/{song}_RAW/{song}_RAW_01_01.wav"], MEDLEYDB)
        lines = [f"  S{n}: {{filename: {song}_STEM_{n}.wav, instrument: {what}}}" for n, what in INSTRUMENTS.items()]
        (tmp_path / song / f"{song}_METADATA.yaml").write_text("\n".join(["stems:", *lines]))
    track = found(tmp_path)["ArtistOne_Song"]
    assert roles(track) == {
        "ArtistOne_Song_MIX.wav": "mixture",
        "ArtistOne_Song_STEM_01.wav": "bass",
        "ArtistOne_Song_STEM_02.wav": "drums",
        "ArtistOne_Song_STEM_03.wav": "other",
        "ArtistOne_Song_STEM_04.wav": "vocals",
    }
    assert [file.name for file in track.left_out] == ["ArtistOne_Song_RAW_01_01.wav"]
    said = file_sentences(tmp_path, list(found(tmp_path).values()))
    expected = "the files of 3 tracks are: 3 mixture, 3 bass, 3 drums, 3 other, 3 vocals, 3 left out."
    assert said["stems"] == f"By stems.toml, {expected}"


def test_metadata_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    write(tmp_path, ["One/a.wav"], MEDLEYDB)
    (tmp_path / "One" / "One_METADATA.yaml").write_text("stems: [1, 2]")
    assert "One_METADATA.yaml cannot be read as MedleyDB's metadata" in fault(tmp_path)


FLAT = """
file_names = "{track} - {stem}"
vocals = ["vocals"]
mixture = ["mix"]
"""


def test_of_one_flat_folder_with_vocals_and_mixtures_the_accompaniment_is_the_difference(tmp_path: Path) -> None:
    songs = [f"Band - Song {number}" for number in range(3)]
    folder = write(tmp_path, [f"{song} - {stem}.wav" for song in songs for stem in ("vocals", "mix")], FLAT)
    tracks = found(folder)
    assert sorted(tracks) == songs
    assert {track.split for track in tracks.values()} == {"train", "valid", "test"}
    stems = dict(zip(STREAMS, read_track(tracks[songs[0]]).stems.astype(int), strict=True))
    mixture, vocals = (stored(folder, f"{songs[0]} - {stem}.wav") for stem in ("mix", "vocals"))
    np.testing.assert_array_equal(stems["other"], mixture - vocals)
    assert sorted(roles(tracks[songs[0]]).values()) == ["mixture", "vocals"]


def test_folders_of_splits_decide(tmp_path: Path) -> None:
    files = [f"{split}/{split} {n}/{stem}.wav" for split in ("train", "test") for n in (1, 2) for stem in ("vox", "b")]
    tracks = found(write(tmp_path, files, 'vocals = ["vox"]\nrest = "other"'))
    assert {tracks[name].split for name in ("test 1", "test 2")} == {"test"}


def test_a_folder_without_a_mapping_file_is_read_by_names(tmp_path: Path) -> None:
    assert with_mapping(DatasetSettings("folder"), tmp_path) == DatasetSettings("folder")


def test_all_that_a_mapping_file_leaves_open_is_listed_at_once(tmp_path: Path) -> None:
    files = [
        f"{file}.wav" for file in ("One/vox", "One/b", "Two/vox", "Two/kazoo", "Three/b", "Four/vox b", "Five/vox")
    ]
    folder = write(tmp_path, files, 'vocals = ["vox*"]\nother = ["*b"]')
    message = fault(folder)
    assert message.count("\n  - ") == 4
    for part in (
        "No rule of stems.toml takes Two/kazoo.wav: name them in a rule",
        "Four/vox b.wav is taken by the rules vocals and other of stems.toml: narrow one of them",
        "The track 'Three' has no vocals by stems.toml",
        "The track 'Five' has nothing but vocals by stems.toml",
    ):
        assert part in message


def test_a_name_that_file_names_does_not_read_is_told(tmp_path: Path) -> None:
    folder = write(tmp_path, ["A - vocals.wav", "A - mix.wav", "B.wav"], FLAT)
    assert "B.wav cannot be read as '{track} - {stem}', the file_names of stems.toml" in fault(folder)


def test_two_mixtures_of_one_track_are_told(tmp_path: Path) -> None:
    folder = write(tmp_path, ["A/vox.wav", "A/mix 1.wav", "A/mix 2.wav"], 'vocals = ["vox"]\nmixture = ["mix*"]')
    assert "The track 'A' has 2 mixtures (A/mix 1.wav, A/mix 2.wav): keep one" in fault(folder)


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("vocals = [", "is no TOML"),
        ('voice = ["a"]', "cannot have 'voice': expected vocals, drums"),
        ('vocals = "a"', "cannot have 'a' as vocals: expected a list of names"),
        ('vocals = ["a"]\nrest = "keys"', "cannot have 'keys' as rest: expected vocals or drums"),
        ('vocals = ["a"]\nfile_names = "{stem}"', "as file_names: expected {track} and {stem} once each"),
        ('other = ["a"]', "has no rule for vocals"),
    ],
)
def test_a_mapping_file_that_says_what_cannot_be_is_one_sentence(tmp_path: Path, rules: str, said: str) -> None:
    assert said in fault(write(tmp_path, ["A/vox.wav"], rules))


def test_a_folder_of_which_nothing_counts_is_no_track(tmp_path: Path) -> None:
    files = [f"{name}/{stem}.wav" for name in NAMES for stem in ("vocals", "bass")]
    rules = 'vocals = ["vocals"]\nbass = ["bass"]\nleft_out = ["preview"]\n'
    assert set(found(write(tmp_path, [*files, "Extras/preview.wav"], rules))) == set(NAMES)


def test_only_a_star_stands_for_anything_in_a_rule(tmp_path: Path) -> None:
    files = [f"{name}/{stem}.wav" for name in NAMES for stem in ("[live] lead", "bass", "l")]
    rules = 'vocals = ["[live] *"]\nbass = ["ba*s"]\nrest = "other"\n'
    one = found(write(tmp_path, files, rules))["One"]
    assert roles(one) == {"[live] lead.wav": "vocals", "bass.wav": "bass", "l.wav": "other"}

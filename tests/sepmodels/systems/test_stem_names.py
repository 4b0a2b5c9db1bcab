"""File names that hold a track's name and a stem's: which part is which, with titles that end in such words."""

from pathlib import Path

import pytest

from sepmodels.errors import UserError
from sepmodels.scoring.folders import pair_tracks
from sepmodels.scoring.stems import find_stems
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.given_files import matched_files

# Some of MUSDB18's, and some that are as hard.
TRACKS = (
    "The Sunshine Garcia Band - Just Say No",
    "PR - Oh No",
    "The Backing Band - Song",
    "Karaoke Kings - Night",
    "A Voice Within - Dream",
    "Casino",
    "Someone - My Inner Voice",
    "No Drums",
)


def folder_of(folder: Path, names: list[str]) -> Path:
    for name in names:
        file = folder / f"{name}.wav"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    return folder


def found_for(folder: Path, tracks: tuple[str, ...] = TRACKS, target: str = "vocals") -> dict[str, str]:
    GivenAudio("theirs", "Theirs", "", estimates=folder, target=target).check()
    return {track: file.stem for track, file in matched_files(folder, tracks, target)[0].items()}


@pytest.mark.parametrize("form", ["{}_vocals", "{} (Vocals)", "{} - vocals", "{}", "{}_vocals_htdemucs"])
def test_given_estimates_are_found_whatever_words_a_title_has(tmp_path: Path, form: str) -> None:
    names = {track: form.format(track) for track in TRACKS}
    rest = [f"{track}_no_vocals" for track in TRACKS] + [f"{track}_drums" for track in TRACKS]
    assert found_for(folder_of(tmp_path / "alone", list(names.values()))) == names
    assert found_for(folder_of(tmp_path / "beside", [*names.values(), *(rest if form != "{}" else [])])) == names


def test_scores_are_of_the_stem_that_a_file_has_whatever_words_a_title_has(tmp_path: Path) -> None:
    true = folder_of(tmp_path / "true", [f"{track}/{stem}" for track in TRACKS for stem in ("mixture", "vocals")])
    vocals = folder_of(tmp_path / "vocals", [f"{track}_vocals" for track in TRACKS])
    both = folder_of(tmp_path / "both", [f"{track}_{stem}" for track in TRACKS for stem in ("vocals", "no_vocals")])
    for made, stems in ((vocals, {"vocals"}), (both, {"vocals", "accompaniment"})):
        said: list[str] = []
        pairs = pair_tracks(true, made, say=said.append)
        assert said == []
        assert {pair.track for pair in pairs} == set(TRACKS)
        assert all(set(pair.estimate.files) == stems for pair in pairs)
        assert all(
            file.stem == f"{pair.track}_{stem}".replace("accompaniment", "no_vocals")
            for pair in pairs
            for stem, file in pair.estimate.files.items()
        )


def test_what_is_left_without_drums_is_not_scored_as_the_drums(tmp_path: Path) -> None:
    made = folder_of(
        tmp_path, ["A longer name of a song_no_drums", "A longer name of a song_drums", "x_without_vocals"]
    )
    assert {name: one.names for name, one in find_stems(made, ["A longer name of a song", "x"]).items()} == {
        "A longer name of a song": ("drums",),
        "x": ("accompaniment",),
    }


def test_the_other_files_of_a_folder_of_true_stems_say_how_a_track_is_called(tmp_path: Path) -> None:
    true = folder_of(tmp_path, [f"PR - Oh No_{stem}" for stem in ("vocals", "drums", "bass", "other")])
    assert find_stems(true)["PR - Oh No"].names == ("drums", "bass", "other", "vocals")


def test_a_misspelt_title_is_read_as_the_other_files_show(tmp_path: Path) -> None:
    names = [f"Sunshine Garcia Band - Just Say No_{stem}" for stem in ("vocals", "no_vocals", "drums")]
    assert found_for(folder_of(tmp_path, names)) == {TRACKS[0]: names[0]}


def test_a_file_that_may_be_of_two_tracks_is_refused(tmp_path: Path) -> None:
    made = folder_of(tmp_path / "made", ["Oh No_vocals"])
    said = (
        r"'Oh No_vocals' may be vocals of 'Oh No' or accompaniment of 'Oh': put it into a folder with its track's name"
    )
    with pytest.raises(UserError, match=said):
        found_for(made, ("Oh", "Oh No"))
    with pytest.raises(UserError, match=said):
        find_stems(made, ["Oh", "Oh No"])
    with pytest.raises(UserError, match=said):
        find_stems(made)
    assert found_for(made, ("Oh No", "Other")) == {"Oh No": "Oh No_vocals"}


def test_files_that_say_vocals_of_no_track_beside_files_that_say_nothing_are_refused(tmp_path: Path) -> None:
    made = folder_of(tmp_path, ["0001_vocals", "Casino"])
    with pytest.raises(UserError, match=r"has '0001_vocals\.wav', which says that it is vocals, and 'Casino\.wav'"):
        found_for(made)

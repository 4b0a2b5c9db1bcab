from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import read_track
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.stem_cache import build_cache, load_stems
from sepmodels.dataset.target import change_places
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings, Profile, result_settings
from tests.karaoke_clips import write_clips

FOLDER = DatasetSettings("folder")
LEVELS = {"drums": 0.3, "bass": 0.2, "vocals": 0.1}


def write(folder: Path, **levels: float) -> Path:
    """Two training tracks and a test track with these stems, each noise of its level."""
    for split, name in (("train", "a"), ("train", "b"), ("test", "c")):
        (folder / split / name).mkdir(parents=True)
        for stem, level in levels.items():
            rng = np.random.default_rng([ord(name), len(stem)])
            noise = rng.uniform(-level, level, (66_150, 2))
            soundfile.write(folder / split / name / f"{stem}.wav", noise, 44_100, subtype="PCM_16")
    return folder


@pytest.mark.parametrize("target", ["drums", "bass", "other"])
def test_the_target_and_the_vocals_change_places_and_back(target: str) -> None:
    stems = np.arange(10, dtype=np.int16).reshape(5, 2, 1)
    moved = stems.copy()
    change_places(moved, target)
    assert (moved[4] == stems[STREAMS.index(target)]).all()
    assert (moved[STREAMS.index(target)] == stems[4]).all()
    change_places(moved, target)
    np.testing.assert_array_equal(moved, stems)


def test_the_cache_has_the_target_last_and_the_table_calls_streams_by_their_names(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", **LEVELS)
    own, drums = (find_tracks(folder, settings) for settings in (FOLDER, replace(FOLDER, target="drums")))
    tables = [describe_tracks(tracks, FOLDER) for tracks in (own, drums)]
    measured = [name for name in tables[0] if name not in ("fingerprint", "scorable_windows")]
    assert tables[0][measured].equals(tables[1][measured])
    build_cache(drums, tables[1], tmp_path / "cache", FOLDER)
    streams = read_track(own[0]).stems
    np.testing.assert_array_equal(load_stems(tmp_path / "cache", own[0].name), streams[[0, 4, 2, 3, 1]])


def test_a_second_counts_where_the_target_sounds(tmp_path: Path) -> None:
    folder = write(tmp_path, drums=0.3, vocals=0.1, bass=0.0)
    windows = {
        target: list(describe_tracks(find_tracks(folder, replace(FOLDER, target=target)), FOLDER).scorable_windows)
        for target in ("vocals", "drums")
    }
    assert windows == {"vocals": [1, 1, 1], "drums": [1, 1, 1]}
    with pytest.raises(UserError, match="No test track can be scored"):
        describe_tracks(find_tracks(folder, replace(FOLDER, target="bass")), FOLDER)


def test_a_dataset_without_the_target_is_refused_by_its_name_and_what_it_has(tmp_path: Path) -> None:
    folder = write(tmp_path / "data", vocals=0.1, piano=0.1)
    with pytest.raises(
        UserError, match=rf"{folder} has no drums in 3 of 3 tracks, such as 'a', which has other, vocals"
    ):
        find_tracks(folder, replace(FOLDER, target="drums"))
    assert find_tracks(folder, replace(FOLDER, target="other"))
    clips = write_clips(tmp_path / "clips")
    karaoke = replace(FOLDER, voice_channel="right", target="bass")
    with pytest.raises(UserError, match=r"has no bass in 6 of 6 tracks, such as .* vocals right, accompaniment left"):
        find_tracks(clips, karaoke)


def test_the_dataset_s_target_is_the_profile_s_and_vocals_count_as_no_setting() -> None:
    profile = Profile("p", "", FOLDER, target="bass")
    assert profile.dataset.target == "bass"
    assert replace(profile, dataset=FOLDER).dataset.target == "bass"
    assert replace(profile, target="vocals").dataset == FOLDER
    assert "target" not in result_settings(FOLDER)

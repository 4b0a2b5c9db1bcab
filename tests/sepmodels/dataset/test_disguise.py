"""A test set that is the training data in disguise is found out by its samples."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from sepmodels.dataset.disguise import recordings_in_both, require_unseen, seen_before
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.other_test_sets import dataset_settings, read_test_set, require_tracks
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings
from tests.karaoke_clips import RATE_HZ, clip, write_clips

OWN = DatasetSettings("folder", voice_channel="right")


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """The table of six clips, of which the last two are tested."""
    folder = write_clips(tmp_path_factory.mktemp("own"))
    table = describe_tracks(find_tracks(folder, OWN), OWN).sort_values("name", ignore_index=True)
    return table.assign(split=["train", "train", "valid", "train", "test", "test"])


def other(folder: Path, **clips: np.ndarray) -> pd.DataFrame:
    folder.mkdir()
    for name, samples in clips.items():
        soundfile.write(folder / f"{name}.aiff", samples, RATE_HZ, subtype="PCM_16")
    one = read_test_set(f"songs={folder}:voice=right")
    return describe_tracks(require_tracks(one), dataset_settings(one))


def test_the_same_samples_under_another_name_in_another_format_are_refused(own: pd.DataFrame, tmp_path: Path) -> None:
    table = other(tmp_path / "songs", new_song=clip(99), renamed=clip(0), validated=clip(2))
    with pytest.raises(UserError, match="2 of 3 tracks are among those that the models of demo learn from") as fault:
        require_unseen(table, own, "demo")
    assert "'renamed' is 'ann_1_01' (train)" in str(fault.value)
    assert "'validated' is 'bob_1_01' (valid)" in str(fault.value)


def test_other_music_and_tracks_of_the_own_test_split_may_be_there(own: pd.DataFrame, tmp_path: Path) -> None:
    table = other(tmp_path / "songs", new_song=clip(99), tested=clip(4))
    require_unseen(table, own, "demo")
    found = dict(zip(table.name, recordings_in_both(table, own), strict=True))
    assert found == {"new_song": "", "tested": "cyd_1_01 (test; the same samples)"}
    assert not seen_before(found["tested"])


def test_a_near_copy_of_a_training_track_is_named(own: pd.DataFrame, tmp_path: Path) -> None:
    table = other(tmp_path / "songs", louder=1.5 * clip(1))
    require_unseen(table, own, "demo")
    (said,) = recordings_in_both(table, own)
    assert said.startswith("ann_1_02 (train; alike, ")
    assert seen_before(said)


def test_a_profile_s_own_tracks_are_found_as_ever(own: pd.DataFrame) -> None:
    assert replace(OWN, use="splits") == OWN
    assert set(own.split) == {"train", "valid", "test"}

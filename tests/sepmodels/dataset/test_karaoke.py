"""Two-channel karaoke: each file is a track, with the voice on one channel and the accompaniment on the other."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import hash_sources, read_track
from sepmodels.dataset.file_sentences import file_sentences
from sepmodels.dataset.karaoke import singer
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.track import Track
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings
from tests.karaoke_clips import NAMES, clip, write_clips

RIGHT = DatasetSettings("folder", voice_channel="right")
LEFT = DatasetSettings("folder", voice_channel="left")
VOCALS, OTHER = STREAMS.index("vocals"), STREAMS.index("other")


def one(path: Path, settings: DatasetSettings = RIGHT) -> Track:
    return Track(path.stem, "train", (path,), ("",), voice_channel=settings.voice_channel)


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    return write_clips(tmp_path / "clips")


def test_each_file_is_a_track_and_all_clips_of_a_singer_are_in_one_split(clips: Path) -> None:
    tracks = find_tracks(clips, RIGHT)
    assert tuple(track.name for track in tracks) == NAMES
    by_singer = {who: {track.split for track in tracks if singer(track.name) == who} for who in ("ann", "bob", "cyd")}
    assert sorted(split for splits in by_singer.values() for split in splits) == ["test", "train", "valid"]


def test_folders_of_splits_decide(clips: Path) -> None:
    for number, file in enumerate(sorted(clips.iterdir())):
        (split := clips / ("train", "valid", "test")[number % 3]).mkdir(exist_ok=True)
        file.rename(split / file.name)
    assert [track.split for track in find_tracks(clips, RIGHT)] == ["train", "valid", "test"] * 2


def test_each_channel_fills_both_of_its_stem_and_their_sum_is_the_mixture(tmp_path: Path) -> None:
    sound = clip(0, rate_hz=44_100)
    soundfile.write(tmp_path / "a.wav", sound, 44_100, subtype="PCM_16")
    left, right = soundfile.read(tmp_path / "a.wav", dtype="int16")[0].T
    stems = read_track(one(tmp_path / "a.wav")).stems
    np.testing.assert_array_equal(stems[VOCALS], [right, right])
    np.testing.assert_array_equal(stems[OTHER], [left, left])
    np.testing.assert_array_equal(stems[0], stems[VOCALS].astype(int) + stems[OTHER])
    assert not stems[1:3].any()
    swapped = read_track(one(tmp_path / "a.wav", LEFT)).stems
    np.testing.assert_array_equal(swapped[[VOCALS, OTHER]], stems[[OTHER, VOCALS]])


def test_which_channel_is_the_voice_is_part_of_what_a_track_is_made_from(clips: Path) -> None:
    right, left = (hash_sources(find_tracks(clips, settings)[0]) for settings in (RIGHT, LEFT))
    assert right != left


def test_a_sum_beyond_full_scale_turns_both_down(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", 4 * clip(0), 16_000, subtype="PCM_16")
    decoded = read_track(one(tmp_path / "a.wav"))
    assert decoded.gain < 1
    assert np.abs(decoded.stems[0].astype(int) - decoded.stems[1:].sum(axis=0, dtype=int)).max() <= 2


@pytest.mark.parametrize(("channels", "said"), [(1, "has one channel"), (2, "has the same sound on both channels")])
def test_a_file_without_two_different_channels_is_named(tmp_path: Path, channels: int, said: str) -> None:
    soundfile.write(tmp_path / "a.wav", clip(0)[:, [1] * channels], 16_000)
    with pytest.raises(UserError, match=rf"a\.wav {said}, where karaoke has the voice on one"):
        read_track(one(tmp_path / "a.wav"))


def test_of_several_folders_of_sounds_none_is_taken_and_all_are_named(clips: Path) -> None:
    write_clips(clips.parent / "undivided", ("ann_1",))
    with pytest.raises(UserError, match=r"has 2 folders of sounds \(clips, undivided\): name the one with"):
        find_tracks(clips.parent, RIGHT)


def test_an_empty_folder_is_told_what_belongs_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sound files with the voice on one channel and the accompaniment on the other"):
        find_tracks(tmp_path, RIGHT)


def test_a_folder_of_files_points_at_the_profile_that_reads_them(clips: Path) -> None:
    with pytest.raises(UserError, match="the profile karaoke reads"):
        find_tracks(clips, DatasetSettings("folder"))


def test_the_real_clips_are_57_tracks_of_five_singers_whose_channels_sum_to_the_mixture(mir_1k: Path) -> None:
    tracks = find_tracks(mir_1k, RIGHT)
    assert len(tracks) == 57
    assert {singer(track.name) for track in tracks} == {"abjones", "annar", "bobon", "heycat", "stool"}
    said = file_sentences(mir_1k, tracks)
    assert said.keys() == {"channels", "passed_over"}
    assert said["channels"] == "Each file is a track: the voice is its right channel, the accompaniment its left one."
    some = [next(track for track in tracks if track.split == split) for split in ("train", "valid", "test")]
    table = describe_tracks(some, RIGHT)
    assert set(table.source_sample_rate_hz) == {16_000}
    assert (table.mixture_deviation_db > 60).all()
    assert (table.scorable_windows > 0).all()
    assert set(table.silent_stems) == {"drums, bass"}


def test_the_singing_of_the_real_clips_is_where_their_pitch_labels_are(mir_1k: Path) -> None:
    """The labels have a pitch every 20 ms, and 0 where nobody sings."""
    track = find_tracks(mir_1k, RIGHT)[0]
    pitch = np.loadtxt(mir_1k / "PitchLabel" / f"{track.name}.pv")
    vocals = read_track(track).stems[VOCALS, 0].astype(float)
    power = np.square(np.lib.stride_tricks.sliding_window_view(vocals, 1764)[::882][: len(pitch)]).mean(axis=1)
    assert np.median(power[pitch[: len(power)] > 0]) > 10 * np.median(power[pitch[: len(power)] == 0])

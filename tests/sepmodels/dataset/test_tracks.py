import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sepmodels.audio import STREAMS
from sepmodels.dataset import tracks as tracks_module
from sepmodels.dataset.decoding import TrackAudio
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.track import Track
from sepmodels.dataset.tracks import describe_tracks, measure
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings
from tests.conftest import synthetic_stems, write_stem_file

SETTINGS = DatasetSettings("stems")


@pytest.fixture(scope="module")
def found(stem_dataset: Path) -> tuple[Track, ...]:
    return find_tracks(stem_dataset, SETTINGS)


@pytest.fixture(scope="module")
def table(found: tuple[Track, ...]) -> pd.DataFrame:
    return describe_tracks(found, SETTINGS)


@pytest.fixture
def copied(stem_dataset: Path, tmp_path: Path) -> Path:
    """The small dataset, to be damaged."""
    return Path(shutil.copytree(stem_dataset, tmp_path / "dataset"))


def measured(**levels: np.ndarray | float) -> dict[str, object]:
    """Measures of a track whose streams have the given values, 0 where none is given; two blocks of 8192 samples."""
    stems = np.zeros((5, 2, 8192), np.int16)
    for name, level in levels.items():
        stems[STREAMS.index(name)] = np.round(np.asarray(level) * 32_768).clip(-32_768, 32_767)
    return measure(TrackAudio(stems, mono=(), sample_rate_hz=44_100, gain=1.0))


# The table


def test_the_table_has_a_row_for_every_track_in_order(found: tuple[Track, ...], table: pd.DataFrame) -> None:
    assert list(table.name) == [track.name for track in found]
    assert list(table.split) == [track.split for track in found]
    assert set(table.split) == {"train", "valid", "test"}
    assert (table.sample_rate_hz == 44_100).all()
    np.testing.assert_allclose(table.duration_seconds, table.samples / 44_100)
    assert table.source_hash.str.fullmatch("[0-9a-f]{64}").all()
    assert (table.mixture_deviation_db > 15).all()
    assert table.vocal_activity.between(0.5, 0.9).all()  # a quarter of each is a rest
    assert not table.isna().any(axis=None)


def test_the_table_survives_parquet_and_its_rows_are_not_measured_again(
    found: tuple[Track, ...], table: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table.to_parquet(tmp_path / "tracks.parquet")
    monkeypatch.setattr(tracks_module, "read_track", lambda track: pytest.fail(f"{track.name} was decoded"))
    again = describe_tracks(found, SETTINGS, previous=pd.read_parquet(tmp_path / "tracks.parquet"))
    pd.testing.assert_frame_equal(again, table)


def test_only_changed_and_new_tracks_are_measured_again(
    copied: Path, table: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = copied / "train" / f"{table.name[1]}.stem.mp4"
    write_stem_file(changed, synthetic_stems(seed=99, seconds=2.0))
    changed.with_name("moved.stem.mp4").hardlink_to(copied / "test" / "Artist 4 - Song 4.stem.mp4")
    (copied / "test" / "Artist 4 - Song 4.stem.mp4").unlink()
    decoded, read = [], tracks_module.read_track
    monkeypatch.setattr(tracks_module, "read_track", lambda track: decoded.append(track.name) or read(track))
    again = describe_tracks(find_tracks(copied, SETTINGS), SETTINGS, previous=table)
    assert decoded == [table.name[1]]
    assert again.set_index("name").samples[table.name[1]] < 2.1 * 44_100
    assert again.set_index("name").split["moved"] in ("train", "valid")


def test_rows_that_other_code_measured_are_not_kept(found: tuple[Track, ...], table: pd.DataFrame) -> None:
    previous = table.assign(peak=-1.0)
    assert (describe_tracks(found[:1], SETTINGS, previous=previous, code_version="").peak < 0).all()
    assert (describe_tracks(found[:1], SETTINGS, previous=previous, code_version="2").peak > 0).all()


def test_the_number_of_workers_changes_nothing(found: tuple[Track, ...], table: pd.DataFrame) -> None:
    alone = describe_tracks(found[:3], DatasetSettings("stems", workers=1))
    pd.testing.assert_frame_equal(alone, table.head(3))


def test_progress_counts_every_track(found: tuple[Track, ...], table: pd.DataFrame) -> None:
    seen = []
    describe_tracks(found, SETTINGS, previous=table, progress=lambda *state: seen.append(state))
    assert seen == [(done, 6, "track") for done in range(1, 7)]


# Measures known in closed form


def test_levels_are_rms_against_full_scale_and_silence_is_minus_infinity() -> None:
    measures = measured(mixture=0.1, vocals=np.tile([0.5, -0.5], 4096))
    assert measures["rms_mixture_db"] == pytest.approx(-20, abs=0.01)
    assert measures["rms_vocals_db"] == pytest.approx(-6.02, abs=0.01)
    assert measures["rms_drums_db"] == -np.inf
    assert measures["silent_stems"] == "drums, bass, other"


def test_vocal_activity_is_the_share_of_blocks_above_minus_60_db() -> None:
    assert measured(vocals=np.repeat([0.1, 0.0, 0.002, 0.0005], 2048))["vocal_activity"] == 0.5
    assert measured()["vocal_activity"] == 0


def test_the_deviation_is_the_mixtures_energy_over_the_residuals() -> None:
    assert measured(mixture=0.5, drums=0.25, vocals=0.25)["mixture_deviation_db"] == np.inf
    assert measured(mixture=0.5, drums=0.25, vocals=0.2)["mixture_deviation_db"] == pytest.approx(20, abs=0.01)


def test_clipping_is_the_share_of_the_mixtures_samples_at_full_scale() -> None:
    measures = measured(mixture=np.repeat([1.0, -1.0, 0.5, 0.5], 2048))
    assert (measures["peak"], measures["clipped_share"]) == (1.0, 0.5)


def test_long_tracks_are_measured_in_blocks_with_the_same_result(monkeypatch: pytest.MonkeyPatch) -> None:
    stems = np.random.default_rng(0).integers(-9000, 9000, (5, 2, 50_000), np.int16)
    whole = measure(TrackAudio(stems, (), 44_100, 1.0))
    monkeypatch.setattr(tracks_module, "_BLOCK_SAMPLES", 4096)
    blocks = measure(TrackAudio(stems, (), 44_100, 1.0))
    assert blocks == pytest.approx(whole)


# Bad input


def test_all_tracks_that_cannot_be_used_are_listed_at_once_and_the_others_are_read(
    copied: Path, table: pd.DataFrame
) -> None:
    names = [f"Artist {n} - Song {n}" for n in range(6)]
    damaged, short, silent = (copied / "train" / f"{name}.stem.mp4" for name in names[:3])
    damaged.write_bytes(damaged.read_bytes()[:50_000])
    write_stem_file(short, synthetic_stems(seed=0, seconds=0.5))
    write_stem_file(silent, np.zeros((5, 88_200, 2), np.float32))
    read: list[int] = []
    tracks = find_tracks(copied, SETTINGS)
    with pytest.raises(UserError) as error:
        describe_tracks(tracks, SETTINGS, previous=table, progress=lambda done, *_: read.append(done))
    message = str(error.value)
    assert message.count("\n  - ") == 3
    assert f"{damaged} cannot be decoded" in message
    assert f"{short} lasts 0.5" in message
    assert f"{silent} has a mixture that is silent all through" in message
    assert read == [1, 2, 3, 4, 5, 6]


def test_the_same_song_in_training_and_test_is_an_error(copied: Path, table: pd.DataFrame) -> None:
    shutil.copy(copied / "train" / "Artist 0 - Song 0.stem.mp4", copied / "test" / "copy.stem.mp4")
    with pytest.raises(UserError, match=r"'copy' \(test\) is the same as 'Artist 0 - Song 0' \((train|valid)\)"):
        describe_tracks(find_tracks(copied, SETTINGS), SETTINGS, previous=table)

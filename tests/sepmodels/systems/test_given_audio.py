"""Audio that somebody else's program made: how it is matched with our tracks, and what is said of it."""

from pathlib import Path

import numpy as np
import pytest

from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
from sepmodels.audio.io import write_audio
from sepmodels.errors import UserError
from sepmodels.systems.estimate_faults import faults_of, summed_up
from sepmodels.systems.given_audio import fitted
from sepmodels.systems.given_files import matched_files
from tests.conftest import synthetic_stems

TRACKS = ("Al James - Schoolboy Facination", "Bobby Nobody - Stitch Up")


@pytest.fixture(scope="module")
def stems() -> np.ndarray:
    """int16 (5, 2, sample)."""
    return np.round(0.5 * FULL_SCALE * synthetic_stems(seed=1, seconds=3.0)).astype(np.int16).transpose(0, 2, 1)


@pytest.fixture(scope="module")
def vocals(stems: np.ndarray) -> np.ndarray:
    return stems[4].astype(np.float32) / FULL_SCALE


@pytest.mark.parametrize(
    "names",
    [
        ("{0}/vocals.wav", "{1}/vocals.wav"),
        ("test/{0}/vocals.wav", "test/{1}/vocals.wav"),
        ("{0}_vocals.wav", "{1}_vocals.wav"),
        ("{0} (Vocals).wav", "{1} (Vocals).wav"),
        ("{0}.wav", "{1}.wav"),
        ("al_james_schoolboy_facination/vocals.wav", "Bobby Nobody - Stitch Up (Vocals)_htdemucs.wav"),
        ("Al James – Schoolboy Fascination/vocals.wav", "bobby nobody - stitch up/voice.wav"),
        ("{0}/vocals.wav", "{1}/vocals.wav", "{1}/no_vocals.wav", "{0}/drums.wav", "{0}/accompaniment.wav"),
    ],
)
def test_the_vocals_of_each_track_are_found_however_files_are_named(tmp_path: Path, names: tuple[str, ...]) -> None:
    for name in names:
        write_audio(tmp_path / name.format(*TRACKS), np.zeros((2, 100), np.float32), SAMPLE_RATE_HZ)
    found, _ = matched_files(tmp_path, TRACKS)
    assert {track: file.relative_to(tmp_path).as_posix() for track, file in found.items()} == {
        track: name.format(*TRACKS) for track, name in zip(TRACKS, names, strict=False)
    }


def test_the_drums_are_found_where_they_are_the_target(tmp_path: Path) -> None:
    for name in ("{0}/drums.wav", "{0}/vocals.wav", "{0}/no_drums.wav", "{1}_drums.wav", "{1}_bass.wav"):
        write_audio(tmp_path / name.format(*TRACKS), np.zeros((2, 100), np.float32), SAMPLE_RATE_HZ)
    found, _ = matched_files(tmp_path, TRACKS, "drums")
    assert [found[track].name for track in TRACKS] == ["drums.wav", f"{TRACKS[1]}_drums.wav"]


def test_names_that_are_not_the_same_are_shown(tmp_path: Path) -> None:
    write_audio(tmp_path / "al_james_schoolboy_facination" / "vocals.wav", np.zeros((2, 9), np.float32), 44_100)
    _, said = matched_files(tmp_path, TRACKS)
    assert said == [f"Names were matched: 'al_james_schoolboy_facination' as '{TRACKS[0]}'."]


def test_a_folder_without_vocals_or_without_our_tracks_or_with_two_files_of_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no folder"):
        matched_files(tmp_path / "none", TRACKS)
    with pytest.raises(UserError, match=r"has no vocals: expected TRACK/vocals.wav"):
        matched_files(tmp_path, TRACKS)
    write_audio(tmp_path / "song" / "vocals.wav", np.zeros((2, 9), np.float32), SAMPLE_RATE_HZ)
    with pytest.raises(UserError, match="'song', which is none of the 2 test tracks"):
        matched_files(tmp_path, TRACKS)
    write_audio(tmp_path / "song" / "vocals.flac", np.zeros((2, 9), np.float32), SAMPLE_RATE_HZ)
    both = (
        f"two files of 'song', {tmp_path / 'song' / 'vocals.flac'} and {tmp_path / 'song' / 'vocals.wav'}: remove one"
    )
    with pytest.raises(UserError, match=both):
        matched_files(tmp_path, TRACKS)


def test_a_file_that_fits_as_it_is_is_taken_as_it_is(tmp_path: Path, vocals: np.ndarray) -> None:
    write_audio(tmp_path / "vocals.wav", vocals, SAMPLE_RATE_HZ)
    heard = fitted(tmp_path / "vocals.wav", vocals)
    assert heard.file == tmp_path / "vocals.wav"
    assert np.array_equal(heard.vocals, vocals)
    assert heard.said == ()


@pytest.mark.parametrize(
    ("change", "rate_hz", "said"),
    [
        (lambda sound: sound[:1], SAMPLE_RATE_HZ, "is mono, which fills both channels"),
        (lambda sound: sound, 48_000, "has 48000 Hz and was resampled to 44100"),
        (lambda sound: sound[:, :-1000], SAMPLE_RATE_HZ, "has 1000 samples too few, filled up with silence at the end"),
        (lambda sound: np.pad(sound, ((0, 0), (0, 77))), SAMPLE_RATE_HZ, "has 77 too many, cut at the end"),
    ],
)
def test_what_has_to_be_changed_to_be_scored_at_all_is_said(
    tmp_path: Path, vocals: np.ndarray, change, rate_hz: int, said: str
) -> None:
    mixture = np.zeros((2, round(vocals.shape[1] * 44_100 / rate_hz)), np.float32)
    write_audio(tmp_path / "vocals.wav", change(vocals), rate_hz)
    heard = fitted(tmp_path / "vocals.wav", mixture)
    assert heard.vocals.shape == mixture.shape
    assert heard.file is None
    assert heard.said[0].startswith(said)


def test_another_length_more_channels_and_samples_that_are_no_numbers_are_refused(
    tmp_path: Path, vocals: np.ndarray
) -> None:
    write_audio(tmp_path / "short.wav", vocals[:, :SAMPLE_RATE_HZ], SAMPLE_RATE_HZ)
    with pytest.raises(UserError, match=r"1\.00 s long where its track has 3\.00 s"):
        fitted(tmp_path / "short.wav", vocals)
    write_audio(tmp_path / "wide.wav", np.concatenate([vocals, vocals]), SAMPLE_RATE_HZ)
    with pytest.raises(UserError, match="4 channels"):
        fitted(tmp_path / "wide.wav", vocals)
    write_audio(tmp_path / "nan.wav", np.where(np.arange(vocals.shape[1]) == 9, np.nan, vocals), SAMPLE_RATE_HZ)
    with pytest.raises(UserError, match="not a number"):
        fitted(tmp_path / "nan.wav", vocals)


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda sound: sound, []),
        (lambda sound: 0 * sound, ["is silent"]),
        (lambda sound: sound + np.float32(0.01), ["has a constant offset of +0.010"]),
        (lambda sound: -sound, ["has the opposite polarity"]),
        (lambda sound: np.pad(sound, ((0, 0), (1105, 0)))[:, : sound.shape[1]], ["comes 1105 samples too late"]),
        (lambda sound: np.pad(sound, ((0, 0), (0, 64)))[:, 64:], ["comes 64 samples too early"]),
        (lambda sound: 0.25 * sound, ["is 12 dB too quiet"]),
    ],
)
def test_odd_estimates_are_named_by_what_is_odd(
    stems: np.ndarray, vocals: np.ndarray, change, faults: list[str]
) -> None:
    assert list(faults_of(change(vocals), stems)) == faults


def test_swapped_stems_are_named(stems: np.ndarray) -> None:
    accompaniment = stems[1:4].sum(axis=0).astype(np.float32) / FULL_SCALE
    assert list(faults_of(accompaniment, stems)) == ["is nearer to the accompaniment than to the vocals"]


def test_what_is_odd_of_many_tracks_is_one_sentence() -> None:
    assert summed_up([["is mono"]] * 50) == ["Of all 50 tracks the estimate is mono."]

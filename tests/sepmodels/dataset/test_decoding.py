import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sepmodels.audio import STREAMS
from sepmodels.dataset.decoding import _arrange, hash_sources, read_track
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError

RATE_HZ = 44_100


def write_track(folder: Path, rng_seed: int = 0, *, seconds: float = 1.5, **stems: float) -> Track:
    """A folder of 16-bit WAV files of noise, a level for each name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(rng_seed)
    for name, level in stems.items():
        noise = rng.uniform(-level, level, (round(seconds * RATE_HZ), 2))
        soundfile.write(folder / f"{name}.wav", noise, RATE_HZ, subtype="PCM_16")
    return as_track(folder)


def as_track(folder: Path) -> Track:
    return Track(folder.name, "train", tuple(sorted(folder.iterdir())))


def stored(folder: Path, name: str) -> np.ndarray:
    return soundfile.read(folder / f"{name}.wav", dtype="int16")[0].T.astype(np.int32)


def test_five_wav_files_become_the_five_streams_value_by_value(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    decoded = read_track(write_track(folder, mixture=0.9, drums=0.1, bass=0.1, other=0.1, vocals=0.2))
    np.testing.assert_array_equal(decoded.stems, [stored(folder, name) for name in STREAMS])
    assert (decoded.stems.dtype, decoded.mono, decoded.sample_rate_hz, decoded.gain) == (np.int16, (), RATE_HZ, 1.0)


def test_other_stems_are_summed_the_missing_are_silent_and_the_mixture_is_their_sum(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    mixture, drums, bass, other, vocals = read_track(
        write_track(folder, vocals=0.2, piano=0.1, guitar=0.1, other=0.1, bass=0.1)
    ).stems
    np.testing.assert_array_equal(other, sum(stored(folder, name) for name in ("piano", "guitar", "other")))
    np.testing.assert_array_equal(vocals, stored(folder, "vocals"))
    np.testing.assert_array_equal(mixture, vocals.astype(int) + other + bass)
    assert not drums.any()


def test_of_vocals_and_a_mixture_alone_the_rest_is_other(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    stems = read_track(write_track(folder, vocals=0.2, mixture=0.5)).stems
    np.testing.assert_array_equal(stems[STREAMS.index("other")], stored(folder, "mixture") - stored(folder, "vocals"))


def test_a_sum_beyond_full_scale_turns_all_stems_down_together(tmp_path: Path) -> None:
    decoded = read_track(write_track(tmp_path / "song", vocals=0.9, bass=0.9))
    stems = decoded.stems.astype(np.int32)
    assert 0.5 < decoded.gain < 0.6
    assert 32_766 <= np.abs(stems[0]).max() <= 32_768
    assert np.abs(stems[0] - stems[1:].sum(axis=0)).max() <= 2  # each is rounded


def test_files_of_other_formats_rates_and_channels_are_made_alike_and_noted(tmp_path: Path) -> None:
    folder = tmp_path / "song"
    write_track(folder, mixture=0.3, drums=0.3)
    soundfile.write(folder / "vocals.flac", 0.1 * np.ones(48_000 * 3 // 2), 48_000)
    command = ["ffmpeg", "-v", "error", "-i", folder / "drums.wav", "-ac", "1", folder / "Lead Guitar.ogg"]
    subprocess.run(list(map(str, command)), check=True)
    decoded = read_track(as_track(folder))
    assert decoded.stems.shape[2] == pytest.approx(1.5 * RATE_HZ, abs=50)
    assert sorted(decoded.mono) == ["lead guitar", "vocals"]
    assert decoded.sample_rate_hz == RATE_HZ
    inner = decoded.stems[STREAMS.index("vocals"), :, 5000:-5000]
    np.testing.assert_allclose(inner / 32_768, 0.1, atol=1e-3)
    other = decoded.stems[STREAMS.index("other")]
    np.testing.assert_array_equal(other[0], other[1])


@pytest.mark.parametrize(
    ("with_mixture", "fitted"), [(False, ("vocals +0.50 s",)), (True, ("bass -0.25 s", "vocals +0.25 s"))]
)
def test_stems_that_are_not_as_long_as_the_song_are_filled_up_or_cut_and_told(
    tmp_path: Path, with_mixture: bool, fitted: tuple[str, ...]
) -> None:
    folder = tmp_path / "song"
    write_track(folder, seconds=1.0, vocals=0.1)
    if with_mixture:
        write_track(folder, seconds=1.25, mixture=0.3)
    decoded = read_track(write_track(folder, bass=0.1))
    assert decoded.fitted == fitted
    assert decoded.stems.shape[2] == round((1.25 if with_mixture else 1.5) * RATE_HZ)
    vocals = decoded.stems[STREAMS.index("vocals")]
    np.testing.assert_array_equal(vocals[:, :RATE_HZ], stored(folder, "vocals"))
    assert not vocals[:, RATE_HZ:].any()


def test_what_codecs_add_at_the_end_is_cut_and_not_told(tmp_path: Path) -> None:
    write_track(tmp_path / "song", seconds=1.5, vocals=0.1)
    decoded = read_track(write_track(tmp_path / "song", seconds=1.55, bass=0.1))
    assert decoded.fitted == ()
    assert decoded.stems.shape[2] == round(1.5 * RATE_HZ)


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_a_tone_in_any_format_rate_and_number_of_channels_stays_that_tone(
    tmp_path: Path, suffix: str, rate_hz: int, channels: int
) -> None:
    folder = tmp_path / "song"
    write_track(folder, bass=0.1)
    time_seconds = np.arange(round(1.5 * rate_hz)) / rate_hz
    tone = 0.25 * np.sin(2 * np.pi * 1000 * time_seconds)[:, None].repeat(channels, axis=1)
    soundfile.write(tmp_path / "tone.wav", tone, rate_hz, subtype="PCM_16")
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "tone.wav", "-b:a", "128k", folder / f"vocals{suffix}"]
    subprocess.run(list(map(str, command)), check=True)
    decoded = read_track(as_track(folder))
    vocals = decoded.stems[STREAMS.index("vocals")][:, 5000:50_000] / 32_768
    spectrum = np.abs(np.fft.rfft(vocals * np.hanning(vocals.shape[1])))
    peak_hz = spectrum.argmax(axis=1) * RATE_HZ / vocals.shape[1]
    np.testing.assert_allclose(peak_hz, 1000, atol=2)
    level = np.sqrt(2 * np.square(vocals).mean(axis=1))
    np.testing.assert_allclose(level, 0.25, rtol=0.06)  # LAME turns music down by 5 % at this bit rate
    assert decoded.mono == (("vocals",) if channels == 1 else ())
    assert decoded.sample_rate_hz == min(rate_hz, RATE_HZ)


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_damaged_file_is_named(tmp_path: Path, damage: str) -> None:
    track = write_track(tmp_path / "song", vocals=0.1, bass=0.1)
    bass = tmp_path / "song" / "bass.wav"
    bass.write_bytes(b"not audio" * 99 if damage == "text" else bass.read_bytes()[:99_999])
    with pytest.raises(UserError, match=r"bass\.wav (cannot be decoded|is cut short)"):
        read_track(track)


def test_more_than_two_channels_are_an_error(tmp_path: Path) -> None:
    track = write_track(tmp_path / "song", bass=0.1)
    soundfile.write(tmp_path / "song" / "vocals.wav", np.zeros((70_000, 6)), RATE_HZ)
    with pytest.raises(UserError, match=r"vocals\.wav has a stream of 6 channels: mono or stereo was expected"):
        read_track(as_track(tmp_path / "song"))
    assert len(track.sources) == 1


waveforms = arrays(np.int16, (2, 5))


@given(
    st.dictionaries(st.sampled_from(["drums", "bass", "other", "piano", "guitar"]), waveforms, min_size=1), waveforms
)
def test_streams_without_a_given_mixture_sum_to_it_whatever_they_hold(
    stems: dict[str, np.ndarray], vocals: np.ndarray
) -> None:
    streams, gain = _arrange({**stems, "vocals": vocals})
    wide = streams.astype(np.int32)
    tolerance = 0 if gain == 1 else 3
    assert np.abs(wide[0] - wide[1:].sum(axis=0)).max() <= tolerance


def test_the_hash_is_of_content_and_roles_and_not_of_the_place(tmp_path: Path) -> None:
    levels = {"vocals": 0.1, "bass": 0.2}
    first, moved = write_track(tmp_path / "a", **levels), write_track(tmp_path / "b", **levels)
    expected = hash_sources(first)
    assert hash_sources(moved) == expected
    (tmp_path / "b" / "bass.wav").rename(tmp_path / "b" / "drums.wav")
    assert hash_sources(as_track(tmp_path / "b")) != expected
    assert hash_sources(write_track(tmp_path / "a", 1, **levels)) != expected


def test_a_file_that_went_missing_is_named(tmp_path: Path) -> None:
    track = write_track(tmp_path / "a", vocals=0.1, bass=0.2)
    (tmp_path / "a" / "bass.wav").unlink()
    with pytest.raises(UserError, match=r"bass\.wav cannot be read \(No such file"):
        hash_sources(track)

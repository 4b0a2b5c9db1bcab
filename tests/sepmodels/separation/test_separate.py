import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from sepmodels.audio.overlap_add import overlap_add
from sepmodels.audio.recordings import ArrayRecording
from sepmodels.audio.stft import Stft
from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.estimate import Estimate
from sepmodels.separation.separate import separate, separate_blocks, separate_song
from sepmodels.settings import SeparationSettings
from sepmodels.systems.variants import Variant

TINY = Variant("tiny", "", "", "open_unmix", "magnitude_mse", settings={"n_fft": 512, "hop": 128, "hidden": 16})
SHORT = SeparationSettings(segment_seconds=0.5, overlap_seconds=0.1, batch=2)


class Gain(nn.Module):
    """A model whose estimate is the mixture times a gain; it keeps the shapes that it was given."""

    def __init__(self, gain: float = 1.0, sample_rate_hz: int = 8_000) -> None:
        super().__init__()
        self.gain = gain
        self.sample_rate_hz = sample_rate_hz
        self.shapes: list[tuple[int, ...]] = []

    def forward(self, mixture: Tensor) -> Estimate:
        assert not self.training
        assert torch.is_inference_mode_enabled()
        self.shapes.append(tuple(mixture.shape))
        return Estimate.from_waveform(mixture * self.gain, Stft(64, 16))


def noise(channels: int, samples: int) -> np.ndarray:
    return np.random.default_rng(samples).standard_normal((channels, samples)).astype(np.float32) / 10


def music(rate_hz: int, seconds: float, channels: int = 2) -> np.ndarray:
    """Tones well below the Nyquist frequency, so that resampling there and back changes little."""
    time = np.arange(int(seconds * rate_hz)) / rate_hz
    wave = sum(np.sin(2 * np.pi * f * time + f) for f in (110, 331, 997))
    return np.stack([wave * (0.1 + 0.05 * i) for i in range(channels)]).astype(np.float32)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), length=st.integers(0, 300), segment=st.integers(1, 90), batch=st.integers(1, 5))
def test_what_changes_nothing_gives_the_recording_back(data: st.DataObject, length: int, segment: int, batch: int):
    overlap = data.draw(st.integers(0, segment // 2))
    recording = noise(2, length)

    blocks = overlap_add(
        lambda segments: segments,
        ArrayRecording(recording, 8_000),
        segment_samples=segment,
        overlap_samples=overlap,
        batch=batch,
    )

    joined = np.concatenate([np.empty((2, 0), np.float32), *blocks], axis=1)
    np.testing.assert_allclose(joined, recording, atol=1e-6)


@settings(max_examples=50, deadline=None)
@given(length=st.integers(1, 500), batch=st.integers(1, 4))
def test_all_segments_have_the_same_length_and_batches_do_not_change_the_result(length: int, batch: int) -> None:
    recording = noise(1, length)
    seen = []

    def by_place(segments: np.ndarray) -> np.ndarray:
        seen.extend(segment.shape[-1] for segment in segments)
        return segments * np.linspace(0, 1, segments.shape[-1])

    def joined(batch: int) -> np.ndarray:
        return np.concatenate(
            list(
                overlap_add(
                    by_place, ArrayRecording(recording, 8_000), segment_samples=60, overlap_samples=20, batch=batch
                )
            ),
            axis=1,
        )

    np.testing.assert_array_equal(joined(batch), joined(1))
    assert set(seen) == {min(length, 60)}


def test_neighbours_fade_into_each_other_in_a_straight_line() -> None:
    numbers = iter(range(2))

    def constant(segments: np.ndarray) -> np.ndarray:
        return np.full_like(segments, next(numbers))

    silence = ArrayRecording(np.zeros((1, 16)), 8_000)
    blocks = list(overlap_add(constant, silence, segment_samples=10, overlap_samples=4))

    expected = [0] * 6 + [0.125, 0.375, 0.625, 0.875] + [1] * 6
    np.testing.assert_allclose(np.concatenate(blocks, axis=1)[0], expected)


def test_a_track_shorter_than_a_segment_is_separated_in_one_pass() -> None:
    torch.manual_seed(0)
    model = build_model(TINY, sample_rate_hz=8_000).eval()
    mixture = noise(2, 3_900)

    with torch.inference_mode():
        expected = model(torch.from_numpy(mixture)[None]).waveform[0].numpy()

    np.testing.assert_array_equal(separate(model, mixture, SHORT), expected)


def test_segments_are_separated_nearly_as_the_whole_would_be() -> None:
    torch.manual_seed(0)
    model = build_model(TINY, sample_rate_hz=8_000)
    mixture = noise(2, 40_000)

    whole = separate(model, mixture, SeparationSettings(segment_seconds=10))
    in_segments = separate(model, mixture, SeparationSettings(segment_seconds=2, overlap_seconds=0.5))

    assert np.square(in_segments - whole).sum() < 1e-2 * np.square(whole).sum()


@pytest.mark.parametrize("samples", [1, 100, 511, 4_001])
def test_recordings_of_any_length_are_separated(samples: int) -> None:
    vocals = separate(build_model(TINY, sample_rate_hz=8_000), noise(2, samples), SHORT)

    assert vocals.shape == (2, samples)
    assert vocals.dtype == np.float32
    assert np.isfinite(vocals).all()


def test_a_recording_without_samples_has_vocals_without_samples() -> None:
    assert separate(Gain(), np.empty((2, 0), np.float32), SHORT).shape == (2, 0)


def test_silence_gives_silence() -> None:
    assert not separate(build_model(TINY, sample_rate_hz=8_000), np.zeros((2, 9_000)), SHORT).any()


def test_segments_go_through_the_model_in_batches() -> None:
    model = Gain()

    separate(model, noise(2, 20_000), SHORT)

    assert {shape[1:] for shape in model.shapes} == {(2, 4_000)}
    assert [shape[0] for shape in model.shapes] == [2, 2, 2]


def test_a_mono_song_is_heard_in_both_channels_and_comes_back_mono() -> None:
    model = Gain(0.5)
    song = noise(1, 9_000)

    vocals = separate_song(model, song, 8_000, SHORT)

    assert all(shape[1] == 2 for shape in model.shapes)
    np.testing.assert_allclose(vocals, song / 2, atol=1e-6)


@pytest.mark.parametrize("channels", [0, 3, 6])
def test_a_song_of_other_channels_is_refused_with_what_to_do(channels: int) -> None:
    with pytest.raises(UserError, match=f"{channels} channels.*ffmpeg -ac 2"):
        separate_song(Gain(), noise(channels, 100), 8_000, SHORT)


@pytest.mark.parametrize("rate_hz", [4_000, 7_999, 11_025, 48_000])
@pytest.mark.parametrize("seconds", [0.3, 1.7])
def test_a_song_of_another_rate_comes_back_in_its_own_rate_and_length(rate_hz: int, seconds: float) -> None:
    song = music(rate_hz, seconds)

    vocals = separate_song(Gain(0.5), song, rate_hz, SHORT)

    assert vocals.shape == song.shape
    inside = slice(rate_hz // 20, -rate_hz // 20)
    np.testing.assert_allclose(vocals[:, inside], song[:, inside] / 2, atol=2e-3)


@settings(max_examples=30, deadline=None)
@given(samples=st.integers(1, 20_000), rate_hz=st.sampled_from([6_000, 11_025, 44_100]))
def test_no_rate_and_length_lose_a_sample(samples: int, rate_hz: int) -> None:
    assert separate_song(Gain(), noise(1, samples), rate_hz, SHORT).shape == (1, samples)


def test_a_long_recording_is_read_and_given_back_in_pieces() -> None:
    class Tape:
        """Ten minutes that are never in memory as a whole."""

        channels = 2
        sample_rate_hz = 8_000
        expected_samples = 600 * 8_000
        left = expected_samples
        longest = 0

        def read(self, samples: int) -> np.ndarray:
            samples = min(samples, self.left)
            self.left -= samples
            self.longest = max(self.longest, samples)
            return np.full((2, samples), 0.25, np.float32)

    tape = Tape()

    samples = 0
    for block in separate_blocks(Gain(), tape, SHORT):
        assert block.shape[1] <= 4_000
        assert np.allclose(block, 0.25)
        samples += block.shape[1]

    assert samples == tape.expected_samples
    assert tape.longest == 4_000


def test_the_mixture_is_left_as_it_was() -> None:
    mixture = noise(2, 9_000)
    before = mixture.copy()

    separate(Gain(0.5), mixture, SHORT)

    np.testing.assert_array_equal(mixture, before)


def test_progress_is_told_in_segments() -> None:
    told = []

    separate(Gain(), noise(2, 20_000), SHORT, progress=lambda *args, **_: told.append(args))

    assert told == [(2, 6, "segment"), (4, 6, "segment"), (6, 6, "segment")]


def test_samples_that_are_not_numbers_are_refused() -> None:
    song = noise(2, 100)
    song[1, 50] = np.nan

    with pytest.raises(UserError, match="not numbers"):
        separate(Gain(), song, SHORT)


@pytest.mark.parametrize("gain", [math.nan, math.inf])
def test_a_model_that_makes_what_are_no_numbers_is_refused(gain: float) -> None:
    with pytest.raises(UserError, match="The model makes samples that are infinite or not numbers"):
        separate(Gain(gain), noise(2, 100), SHORT)


@pytest.mark.parametrize(
    "wrong",
    [
        SeparationSettings(segment_seconds=0),
        SeparationSettings(segment_seconds=1, overlap_seconds=0.6),
        SeparationSettings(overlap_seconds=-1),
        SeparationSettings(batch=-1),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(wrong: SeparationSettings) -> None:
    with pytest.raises(UserError, match="at most half a segment"):
        separate(Gain(), noise(2, 100), wrong)

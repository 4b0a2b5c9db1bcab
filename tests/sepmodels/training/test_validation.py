import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.numpy import load_file
from torch import nn

from sepmodels.audio.stft import Stft
from sepmodels.errors import UserError
from sepmodels.models.architectures.open_unmix import Model
from sepmodels.models.estimate import Estimate
from sepmodels.training import validation
from sepmodels.training.losses import waveform_mse
from sepmodels.training.processes import World
from sepmodels.training.validation import memory_notes, validate, window_sdr_db
from tests.training_parts import SETTINGS, train_tiny

RATE = 100


class Half(nn.Module):
    """Estimates half of the mixture; remembers what it saw. It has room for so many seconds at once."""

    def __init__(self, room_seconds: float = float("inf")) -> None:
        super().__init__()
        self.stft = Stft(128, 64)
        self.shapes = []
        self.room_seconds = room_seconds

    def forward(self, mixture):
        self.shapes.append(tuple(mixture.shape))
        if len(mixture) * mixture.shape[-1] > self.room_seconds * RATE:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return Estimate.from_waveform(0.5 * mixture, self.stft)


def a_track(seconds: float, seed: int = 0, share: float = 1.0) -> np.ndarray:
    """A track whose vocals are ``share`` of its mixture."""
    rng = np.random.default_rng(seed)
    mixture = rng.integers(-3000, 3000, (1, 2, round(seconds * RATE))) * 10
    rest = np.zeros((3, *mixture.shape[1:]))
    return np.concatenate([mixture, rest, share * mixture]).astype(np.int16)


def run(tracks, model=None, batch_seconds=96.0, **extra):
    return validate(
        model or Half(),
        waveform_mse,
        tracks,
        device=torch.device("cpu"),
        sample_rate_hz=RATE,
        batch_seconds=batch_seconds,
        **extra,
    )


def test_the_loss_is_the_mean_over_all_samples_of_all_tracks():
    tracks = [a_track(75, 1), a_track(8, 2), a_track(8, 3), a_track(2, 4)]
    errors = np.concatenate([(0.5 * track[0] / 32768).ravel() for track in tracks])
    assert run(tracks).loss == pytest.approx(np.mean(errors**2), rel=1e-5)


def test_the_sdr_is_the_median_over_tracks_of_the_median_over_windows():
    tracks = [a_track(10, 1, share=1.0), a_track(10, 2, share=1.0), a_track(10, 3, share=0.5)]
    assert run(tracks[:2]).sdr_db == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert run(tracks).sdr_db == pytest.approx(20 * np.log10(2), abs=1e-3)
    assert run([tracks[2], tracks[2], tracks[0]]).sdr_db > 60


def test_silent_windows_do_not_count_and_a_silent_track_has_no_sdr():
    track = a_track(10)
    track[4, :, 300:] = 0
    assert run([track]).sdr_db == pytest.approx(20 * np.log10(2), abs=1e-3)
    track[4] = 0
    assert np.isnan(run([track]).sdr_db)
    assert np.isfinite(run([track]).loss)


def test_long_tracks_go_through_in_segments_and_memory_is_bounded():
    model = Half()
    run([a_track(100), a_track(62)], model, batch_seconds=60)
    lengths = [samples / RATE for batch, _, samples in model.shapes for _ in range(batch)]
    assert sorted(lengths) == [10, 30, 30, 30, 30, 32]
    assert all(batch * samples / RATE <= 60 for batch, _, samples in model.shapes)


def test_equally_long_tracks_go_through_together():
    model = Half()
    run([a_track(7), a_track(7, 1), a_track(7, 2)], model)
    assert model.shapes == [(3, 2, 700)]


def test_a_track_shorter_than_a_window_is_one_window():
    assert run([a_track(0.4)]).sdr_db == pytest.approx(20 * np.log10(2), abs=1e-3)


def test_the_caller_may_interrupt_between_batches():
    calls = []
    run([a_track(7), a_track(8)], between=lambda: calls.append(1))
    assert len(calls) == 2


CLIPS = [a_track(7, seed, share=1 / (1 + seed)) for seed in range(6)]


def test_out_of_memory_halves_what_is_validated_at_once_and_the_figures_stay(caplog):
    whole, model = run(CLIPS), Half(room_seconds=14)
    found = run(CLIPS, model)
    assert found.loss == pytest.approx(whole.loss, rel=1e-6)
    assert found.sdr_db == pytest.approx(whole.sdr_db, rel=1e-6)
    assert [batch for batch, *_ in model.shapes] == [6, 3, *[1] * 6]
    said = [
        "Out of memory: from now on 3 of 6 segments go through the model at once.",
        "Out of memory: from now on 1 of 3 segments go through the model at once.",
    ]
    assert caplog.messages == memory_notes(model) == said


def test_a_models_later_validations_begin_with_what_fitted_and_nothing_is_said_again(caplog):
    model = Half(room_seconds=21)
    run(CLIPS, model)
    caplog.clear()
    model.shapes.clear()
    assert run(CLIPS, model) == run(CLIPS, model)
    assert [batch for batch, *_ in model.shapes] == [3, 3] * 2
    assert caplog.messages == []
    run(CLIPS, other := Half())
    assert [batch for batch, *_ in other.shapes] == [6]
    assert memory_notes(other) == []


def test_segments_of_other_lengths_than_the_largest_batchs_go_through_in_no_more_memory():
    tracks = [a_track(100), a_track(62), *CLIPS]
    model = Half(room_seconds=35)
    assert run(tracks, model, batch_seconds=60).loss == pytest.approx(run(tracks, batch_seconds=60).loss, rel=1e-6)
    assert {samples / RATE for _, _, samples in model.shapes} == {7, 10, 30, 32}


def test_out_of_memory_in_the_loss_is_the_same():
    model = Half()

    def loss(estimate, target):
        if len(target) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return waveform_mse(estimate, target)

    found = validate(model, loss, CLIPS, device=torch.device("cpu"), sample_rate_hz=RATE, batch_seconds=60.0)
    assert found.loss == pytest.approx(run(CLIPS).loss, rel=1e-6)


def test_one_segment_that_does_not_fit_ends_the_validation_with_what_to_do():
    model = Half(room_seconds=20)
    with pytest.raises(UserError, match=r"one segment of 30 s does not fit in the memory of cpu: end other programs"):
        run([a_track(60), a_track(7)], model)
    assert [(batch, samples / RATE) for batch, _, samples in model.shapes] == [(1, 7), (2, 30), (1, 7), (1, 30)]


def test_of_several_processes_each_halves_its_own_share():
    class Second(World):
        total = staticmethod(lambda value: value)

    model = Half(room_seconds=7)
    run(CLIPS, model, world=Second(rank=1, ranks=2))
    assert [batch for batch, *_ in model.shapes] == [3, 1, 1, 1]


def test_a_training_notes_what_its_validation_did_for_memory_and_its_weights_are_the_same(tmp_path, monkeypatch):
    train_tiny(tmp_path / "roomy", settings := dataclasses.replace(SETTINGS, steps=7))
    forward = Model.forward

    def short_of_memory(model, mixture):
        if not model.training and len(mixture) > 1:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return forward(model, mixture)

    monkeypatch.setattr(Model, "forward", short_of_memory)
    report = train_tiny(tmp_path / "short", settings)
    assert report.notes == ("Out of memory: from now on 1 of 2 segments go through the model at once.",)
    roomy, short = (pd.read_parquet(tmp_path / name / "history.parquet") for name in ("roomy", "short"))
    np.testing.assert_allclose(short.value, roomy.value, rtol=1e-5)
    wanted, found = (load_file(tmp_path / name / "model.safetensors") for name in ("roomy", "short"))
    assert all(np.array_equal(found[name], value) for name, value in wanted.items())


def test_the_window_sdr_is_musevals():
    from museval.metrics import bss_eval

    rng = np.random.default_rng(0)
    reference = rng.standard_normal((2, 44_100 * 3, 2)) * 0.1  # (source, sample, channel)
    estimate = reference + 0.03 * rng.standard_normal(reference.shape)
    expected = bss_eval(reference, estimate, window=44_100, hop=44_100)[0][0]
    found = window_sdr_db(torch.from_numpy(reference[:1]).mT, torch.from_numpy(estimate[:1]).mT, 44_100)
    np.testing.assert_allclose(found[0], expected, atol=1e-9)


def test_segments_cover_every_sample_once():
    for seconds in (0.5, 6, 29, 30, 35.9, 36, 36.1, 66, 90):
        track = a_track(seconds)
        segments = list(validation._segments([track], RATE))
        assert segments[0].begin == 0
        assert segments[-1].end == track.shape[-1]
        assert all(first.end == second.begin for first, second in itertools.pairwise(segments))

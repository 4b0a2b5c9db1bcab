"""The multichannel Wiener filter beside its peers."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from sepmodels.audio.stft import Stft
from sepmodels.models.architectures import build_model
from sepmodels.separation.separate import separate
from sepmodels.separation.wiener import wiener_filter
from sepmodels.settings import SeparationSettings
from sepmodels.systems.variants import VARIANTS
from tests.conftest import read_stem_file


def spectra(samples: int = 20_000) -> tuple[Tensor, Tensor]:
    """A first estimate and its mixture, complex (1, 2, bin, frame): a voice in the middle, noise to one side."""
    generator = torch.Generator().manual_seed(0)
    voice = torch.sin(2 * torch.pi * 300 / 8_000 * torch.arange(samples)).repeat(1, 2, 1)
    noise = torch.randn(1, 2, samples, generator=generator) * torch.tensor([1.0, 0.3])[None, :, None]
    stft = Stft(256, 64)
    mixture = stft(voice + noise)
    return 0.8 * stft(voice) + 0.1 * stft(noise), mixture


def in_real_numbers(spectrum: Tensor) -> Tensor:
    """(1, channel, bin, frame), complex -> openunmix's (frame, bin, channel, 2), in double precision."""
    return torch.view_as_real(spectrum[0].permute(2, 1, 0).to(torch.complex128)).contiguous()


@pytest.mark.parametrize("iterations", [1, 2, 5])
def test_it_is_what_openunmix_computes(iterations: int) -> None:
    filtering = pytest.importorskip("openunmix.filtering")
    mask = torch.rand(1, 2, 129, 313, generator=torch.Generator().manual_seed(1))
    _, mixture = spectra()
    estimate = mask * mixture
    magnitudes = estimate.abs()[0].permute(2, 1, 0)[..., None].double()

    theirs = filtering.wiener(magnitudes, in_real_numbers(mixture), iterations, residual=True)

    ours = wiener_filter(estimate, mixture, iterations, window_frames=313)
    expected = torch.view_as_complex(theirs[..., 0].contiguous()).permute(2, 1, 0)[None]
    assert float((expected - estimate).abs().max()) > 0.1
    torch.testing.assert_close(ours, expected.to(torch.complex64), atol=1e-4, rtol=1e-5)


def test_it_is_what_norbert_computes() -> None:
    import norbert

    estimate, mixture = spectra()
    x, y = (one[0].permute(2, 1, 0).numpy().astype(np.complex128) for one in (mixture, estimate))
    scale = max(1.0, np.abs(x).max() / 10)

    theirs, _, _ = norbert.expectation_maximization(np.stack([y, x - y], -1) / scale, x / scale, 3, eps=1e-10)

    ours = wiener_filter(estimate, mixture, 3, window_frames=10_000)
    np.testing.assert_allclose(ours[0].permute(2, 1, 0), theirs[..., 0] * scale, atol=1e-4, rtol=1e-4)


def test_windows_are_filtered_by_themselves_and_songs_of_a_batch_too() -> None:
    estimate, mixture = spectra()
    both = torch.cat([estimate, estimate / 50]), torch.cat([mixture, mixture / 50])

    filtered = wiener_filter(*both, 2, window_frames=100)

    torch.testing.assert_close(
        filtered[:1, ..., 100:200], wiener_filter(estimate[..., 100:200], mixture[..., 100:200], 2)
    )
    torch.testing.assert_close(filtered[1:], wiener_filter(both[0][1:], both[1][1:], 2, window_frames=100))


def test_silence_and_equal_channels_stay_finite() -> None:
    _, mixture = spectra()
    mono = mixture.mean(dim=1, keepdim=True).expand(-1, 2, -1, -1)

    assert not wiener_filter(torch.zeros_like(mixture), torch.zeros_like(mixture), 2).any()
    filtered = wiener_filter(0.5 * mono, mono, 2)
    assert bool(filtered.isfinite().all())
    assert float((filtered - 0.5 * mono).abs().max()) < 1e-3 * float(mono.abs().max())


@pytest.mark.real_data
def test_on_a_real_clip_it_is_openunmixs_separator_with_the_same_weights(musdb18_7s: Path) -> None:
    openunmix = pytest.importorskip("openunmix.model")
    torch.manual_seed(0)
    ours = build_model(VARIANTS["open_unmix"])
    core = openunmix.OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, max_bin=1487)
    core.load_state_dict(ours.state_dict())
    theirs = openunmix.Separator({"vocals": core}, niter=1, residual=True, n_fft=4096, n_hop=1024, nb_channels=2)
    mixture = read_stem_file(min(musdb18_7s.glob("test/*.stem.mp4")))[0].astype(np.float32) / 32_768

    with torch.inference_mode():
        expected = theirs.eval()(torch.from_numpy(mixture)[None])[0, 0].numpy()
    vocals = separate(ours, mixture, SeparationSettings(segment_seconds=10), wiener_iterations=1)

    unrefined = separate(ours, mixture, SeparationSettings(segment_seconds=10))
    assert np.abs(vocals - unrefined).max() > 1e-3
    np.testing.assert_allclose(vocals, expected, atol=2e-4)


def test_it_is_a_setting_of_the_variant_that_no_checkpoint_depends_on() -> None:
    from assets.graph import benchmark_steps
    from assets.staleness.step_version import step_settings
    from pipelines.profiles import PROFILES
    from sepmodels.systems.variants import configuration

    plain = VARIANTS["open_unmix"]
    refined = replace(plain, wiener_iterations=2)
    assert configuration(plain) == configuration(refined)
    before, after = (
        {step.path: step_settings(step) for step in benchmark_steps(PROFILES["demo"], [variant])}
        for variant in (plain, refined)
    )
    assert [path for path in before if before[path] != after[path]] == [("open_unmix", "estimates")]

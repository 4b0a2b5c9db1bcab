import dataclasses
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sepmodels.dataset.bin_statistics import BinStatistics
from sepmodels.errors import UserError
from sepmodels.models.architectures import architectures, build_model
from sepmodels.models.architectures.transformer import local_attention, rotate
from sepmodels.models.band_split import band_widths
from sepmodels.systems.outside_variants import OUTSIDE
from sepmodels.systems.variants import VARIANTS, Variant, by_name
from sepmodels.training.losses import LOSSES, build_loss
from tests.conftest import read_stem_file

PARAMETERS = {
    "open_unmix": 8_893_348,
    "time_domain": 8_797_794,
    "transformer": 8_888_228,
    "l1_loss": 8_893_348,
    "dual_loss": 8_893_348,
    "dual_loss_balanced": 8_893_348,
}
MODERN = {
    "complex_mask": 14_049_194,
    "band_split_rnn": 2_457_000,
    "band_split_roformer": 2_626_856,
    "tfc_tdf": 599_432,
    "wave_u_net": 10_263_390,
    "hybrid_demucs": 5_263_762,
    "conv_tasnet": 1_486_641,
}
SMALL = {
    "open_unmix": {"n_fft": 512, "hop": 128, "hidden": 32},
    "transformer": {"n_fft": 512, "hop": 128, "hidden": 32, "heads": 2, "feedforward": 32, "context_frames": 16},
    "time_domain": {"channels": 4, "hidden": 32},
    "complex_unmix": {"n_fft": 512, "hop": 128, "hidden": 32},
    "band_split_rnn": {
        "n_fft": 512,
        "hop": 128,
        "bands": 6,
        "features": 12,
        "layers": 1,
        "hidden": 12,
        "mask_hidden": 16,
    },
    "band_split_roformer": {
        "n_fft": 512,
        "hop": 128,
        "bands": 6,
        "features": 16,
        "layers": 1,
        "heads": 2,
        "feedforward": 16,
        "context_frames": 16,
        "mask_hidden": 16,
    },
    "tfc_tdf": {"n_fft": 512, "hop": 128, "subbands": 2, "channels": 8, "levels": 2},
    "wave_u_net": {"channels": 8, "levels": 4},
    "hybrid_demucs": {"channels": 4},
    "conv_tasnet": {"kernel": 40, "features": 32, "bottleneck": 16, "hidden": 16, "layers": 3, "stacks": 1},
}
ARCHITECTURES = list(SMALL)


def small(architecture: str, **settings: float) -> Variant:
    return Variant(
        "mine", "Mine", "A small one.", architecture, "waveform_mse", settings={**SMALL[architecture], **settings}
    )


def noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def with_random_state(model: nn.Module) -> nn.Module:
    """Every parameter and running statistic drawn anew, so that nothing is left at a value that hides a fault."""
    generator = torch.Generator().manual_seed(3)
    for name, value in model.state_dict().items():
        if name.endswith("running_var") or name == "input_scale":
            value.copy_(0.5 + torch.rand(value.shape, generator=generator))
        elif value.is_floating_point():
            spread = 0.05 if value.dim() > 1 else 0.2
            value.add_(spread * torch.randn(value.shape, generator=generator))
    return model.eval()


@pytest.mark.parametrize(
    ("name", "sentence"),
    [("l1_loss", "Two variants are called 'l1_loss'"), ("my model", "cannot be called 'my model'")],
)
def test_a_name_that_is_taken_or_none_is_refused_and_replaces_no_variant(name: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        by_name([*VARIANTS.values(), dataclasses.replace(VARIANTS["open_unmix"], name=name)])


@pytest.mark.parametrize(("name", "parameters"), (PARAMETERS | MODERN).items())
def test_variants_have_the_number_of_parameters_that_their_tables_were_made_with(name: str, parameters: int) -> None:
    assert sum(parameter.numel() for parameter in build_model(VARIANTS[name]).parameters()) == parameters


def test_each_architecture_has_a_variant_whose_parameters_are_pinned() -> None:
    assert {VARIANTS[name].architecture for name in PARAMETERS | MODERN} == set(ARCHITECTURES)


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=list(VARIANTS))
def test_every_variant_in_the_list_makes_a_model(variant: Variant) -> None:
    assert any(parameter.requires_grad for parameter in build_model(variant).parameters())


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"hidden": 511}, r"hidden \(511\) must be even"),
        ({"hidden": -3}, "has settings that make no model"),
        ({"layers": 0}, "has settings that make no model"),
        ({"dropout": 2}, "has settings that make no model"),
        ({"hidden": "x"}, "has settings that make no model"),
    ],
)
@pytest.mark.parametrize("architecture", ["open_unmix", "time_domain"])
def test_settings_that_make_no_model_are_one_sentence_with_the_variants_name(
    architecture: str, settings: dict[str, float], said: str
) -> None:
    with pytest.raises(UserError, match=f"Variant 'mine' .*{said}"):
        build_model(small(architecture, **settings))


def test_every_architecture_is_tested_here() -> None:
    assert architectures() == sorted({*ARCHITECTURES, OUTSIDE})  # which has tests of its own


class TestParityWithOpenUnmix:
    """The same weights in ``openunmix`` and here give the same vocals."""

    @staticmethod
    def difference(mixture: Tensor, **settings: bool) -> float:
        openunmix = pytest.importorskip("openunmix.model")
        ours = with_random_state(
            build_model(dataclasses.replace(VARIANTS["open_unmix"], settings=settings), sample_rate_hz=44_100)
        )
        core = openunmix.OpenUnmix(nb_bins=2049, nb_channels=2, hidden_size=512, max_bin=1487, **settings)
        core.load_state_dict(ours.state_dict())
        theirs = openunmix.Separator(
            {"vocals": core}, niter=0, residual=False, n_fft=4096, n_hop=1024, nb_channels=2
        ).eval()
        with torch.inference_mode():
            expected, estimate = theirs(mixture)[:, 0], ours(mixture).waveform
        assert float(expected.abs().max()) > 1e-2
        assert float((expected - mixture).abs().max()) > 1e-2
        return float((estimate - expected).abs().max())

    def test_on_noise(self) -> None:
        assert self.difference(noise(2, 2, 50_001)) < 1e-5

    def test_on_noise_when_it_only_looks_back(self) -> None:
        assert self.difference(noise(1, 2, 50_001), unidirectional=True) < 1e-5

    @pytest.mark.real_data
    def test_on_a_real_clip(self, musdb18_7s: Path) -> None:
        clip = min(musdb18_7s.glob("test/*.stem.mp4"))
        mixture = read_stem_file(clip)[0].astype(np.float32) / 32_768

        assert self.difference(torch.from_numpy(mixture)[None]) < 1e-5

    def test_the_statistics_enter_as_openunmix_enters_them(self) -> None:
        openunmix = pytest.importorskip("openunmix.model")
        statistics = BinStatistics(np.linspace(0.1, 2, 2049), np.linspace(0.2, 3, 2049))

        ours = build_model(VARIANTS["open_unmix"], statistics)
        theirs = openunmix.OpenUnmix(2049, 2, input_mean=statistics.mean, input_scale=statistics.scale, max_bin=1487)

        torch.testing.assert_close(ours.input_mean, theirs.input_mean)
        torch.testing.assert_close(ours.input_scale, theirs.input_scale)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("samples", [1, 5, 300, 1024, 4097, 10_000])
def test_an_estimate_is_as_long_as_its_mixture_and_finite(architecture: str, samples: int) -> None:
    estimate = build_model(small(architecture)).eval()(noise(2, 2, samples))

    assert estimate.waveform.shape == (2, 2, samples)
    assert bool(estimate.waveform.isfinite().all())
    assert estimate.magnitude.shape[:2] == (2, 2)


@pytest.mark.parametrize("loss", [name for name in LOSSES if name != "dual"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_loss_meets_every_architecture(architecture: str, loss: str) -> None:
    model = build_model(small(architecture))

    value = build_loss(dataclasses.replace(small(architecture), loss=loss))(model(noise(1, 2, 9000)), noise(1, 2, 9000))
    value.backward()

    assert bool(value.isfinite())
    assert any(p.grad is not None and bool(p.grad.any()) for p in model.parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_silence_stays_silent_and_its_gradients_finite(architecture: str) -> None:
    model = build_model(small(architecture))
    silence = torch.zeros(2, 2, 9000)

    estimate = model(silence)
    build_loss(small(architecture))(estimate, silence).backward()

    assert not estimate.waveform.any()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert gradients
    assert all(bool(gradient.isfinite().all()) for gradient in gradients)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_mixture_does_not_change_the_estimates_of_others_in_its_batch(architecture: str) -> None:
    model = with_random_state(build_model(small(architecture)))
    quiet, loud = noise(1, 2, 9000), 9 * noise(1, 2, 9000, seed=1)

    together = model(torch.cat([quiet, loud])).waveform

    torch.testing.assert_close(together[:1], model(quiet).waveform, atol=1e-5, rtol=0)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_parameter_learns(architecture: str) -> None:
    model = build_model(small(architecture))

    build_loss(small(architecture))(model(noise(2, 2, 12_000)), noise(2, 2, 12_000, seed=1)).backward()

    idle = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.any()]
    assert idle == []


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_few_steps_bring_the_loss_down(architecture: str) -> None:
    torch.manual_seed(0)
    model = build_model(small(architecture))
    loss = build_loss(small(architecture))
    time = torch.arange(12_000) / 44_100
    voice = (0.1 * torch.sin(2 * torch.pi * 440 * time)).expand(4, 2, -1)
    optimiser = torch.optim.Adam(
        model.parameters(), lr=3e-3 if architecture == "wave_u_net" else 1e-2
    )  # it has no norms

    losses = []
    for step in range(40):
        value = loss(model(voice + noise(4, 2, 12_000, seed=step)), voice)
        optimiser.zero_grad()
        value.backward()
        optimiser.step()
        losses.append(float(value.detach()))

    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_under_autocast_the_estimate_is_float32_and_nearly_the_same(architecture: str) -> None:
    model = build_model(small(architecture)).eval()
    mixture = noise(2, 2, 9000)

    with torch.inference_mode():
        plain = model(mixture).waveform
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = model(mixture)

    assert mixed.waveform.dtype == mixed.magnitude.dtype == torch.float32
    assert float((mixed.waveform - plain).norm() / plain.norm()) < 0.05


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_compiled_model_gives_the_same_estimate(architecture: str) -> None:
    torch.manual_seed(0)
    model = build_model(small(architecture)).eval()
    mixture = noise(1, 2, 9000)

    with torch.inference_mode():
        compiled = torch.compile(model, backend="aot_eager")(mixture).waveform

        torch.testing.assert_close(compiled, model(mixture).waveform, atol=1e-6, rtol=1e-4)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA GPU")
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_gpu_gives_the_same_estimate(architecture: str) -> None:
    model = build_model(small(architecture)).eval()
    mixture = noise(1, 2, 9000)

    with torch.inference_mode():
        expected = model(mixture).waveform
        estimate = model.cuda()(mixture.cuda()).waveform.cpu()

    torch.testing.assert_close(estimate, expected, atol=1e-4, rtol=0)


class TestTransformer:
    def test_a_rotated_product_depends_on_the_distance_only(self) -> None:
        query, key = noise(1, 8), noise(1, 8, seed=1)
        queries, keys = rotate(query.expand(50, 8)), rotate(key.expand(50, 8))

        products = queries @ keys.T

        for distance in (0, 7, 30):
            diagonal = products.diagonal(distance)
            torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal), atol=1e-6, rtol=0)
        assert float(products.std()) > 1e-4

    @pytest.mark.parametrize("frames", [1, 16, 17, 48, 49, 64, 131])
    def test_attention_in_blocks_is_attention_under_a_band(self, frames: int) -> None:
        q, k, v = noise(3, 2, 4, frames, 8)
        place = torch.arange(frames)
        band = (place[:, None] - place).abs() <= 16

        expected = torch.nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=band)

        torch.testing.assert_close(local_attention(q, k, v, 16), expected, atol=1e-6, rtol=1e-5)

    def test_a_frame_sees_as_far_as_its_layers_reach_and_no_further(self) -> None:
        model = with_random_state(build_model(small("transformer", layers=1)))
        frames = noise(100, 1, 32)
        changed = frames.clone()
        changed[50] = noise(1, 32, seed=1)

        moved = (model.sequence(changed) - model.sequence(frames)).abs().amax(dim=(1, 2)) > 1e-6

        assert moved.nonzero().flatten().tolist() == list(range(50 - 16, 50 + 16 + 1))

    def test_the_estimate_of_a_passage_is_the_same_in_a_longer_recording(self) -> None:
        model = with_random_state(build_model(small("transformer", layers=1)))
        frames = noise(160, 1, 32)

        alone = model.sequence(frames[:100])

        torch.testing.assert_close(model.sequence(frames)[:84], alone[:84], atol=1e-5, rtol=1e-4)

    def test_its_size_is_within_a_hundredth_of_the_baseline(self) -> None:
        assert abs(PARAMETERS["transformer"] / PARAMETERS["open_unmix"] - 1) < 0.01


class TestTimeDomain:
    def test_the_estimate_grows_with_the_mixture(self) -> None:
        model = with_random_state(build_model(small("time_domain")))
        mixture = noise(1, 2, 9000)

        louder = model(4 * mixture).waveform

        torch.testing.assert_close(louder, 4 * model(mixture).waveform, atol=1e-3, rtol=1e-3)

    def test_the_sequence_has_the_hop_of_open_unmix(self) -> None:
        model = build_model(VARIANTS["time_domain"])

        assert model.hop == 1024
        assert model.inner_rate_hz == 44_100

    @pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050])
    def test_at_a_lower_rate_it_takes_and_gives_the_datasets_rate(self, rate_hz: int) -> None:
        model = build_model(small("time_domain", sample_rate_hz=rate_hz)).eval()
        heard = []
        model.encoder[0].register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0].shape[-1]))

        with torch.inference_mode():
            estimate = model(noise(1, 2, 44_100 + 13))

        assert estimate.waveform.shape == (1, 2, 44_100 + 13)
        assert heard[0] - 1024 <= rate_hz < heard[0] + 1024
        spectrum = torch.fft.rfft(estimate.waveform).abs().square().mean(dim=(0, 1))
        limit = int(len(spectrum) * rate_hz / 44_100)
        assert float(spectrum[int(1.1 * limit) :].sum() / spectrum.sum()) < 1e-3


class TestBandSplit:
    @pytest.mark.parametrize(("bands", "n_fft"), [(1, 512), (6, 512), (28, 2048), (28, 4096), (32, 2048), (60, 2048)])
    def test_bands_cover_each_bin_once_and_grow_wider(self, bands: int, n_fft: int) -> None:
        widths = band_widths(bands, n_fft, 44_100)

        assert len(widths) == bands
        assert sum(widths) == n_fft // 2 + 1
        assert all(above >= below - 1 for below, above in pairwise(widths))

    def test_more_bands_than_bins_are_refused_in_a_sentence(self) -> None:
        with pytest.raises(UserError, match=r"settings that make no model: bands \(400\) must be from 1"):
            build_model(small("band_split_rnn", bands=400))

    def test_a_louder_mixture_has_a_louder_estimate_of_nearly_the_same_mask(self) -> None:
        model = build_model(small("band_split_rnn")).eval()
        mixture = noise(1, 2, 9000)

        with torch.inference_mode():
            louder, plain = model(2 * mixture).waveform, model(mixture).waveform

        assert float(louder.norm() / plain.norm()) == pytest.approx(2, rel=0.2)

    def test_its_mask_may_turn_the_phase_and_raise_a_bin(self) -> None:
        model = build_model(small("band_split_rnn")).eval()
        model.mask = lambda parts: torch.stack([torch.zeros_like(parts[:, :, 0]), 2 + 0 * parts[:, :, 1]], dim=2)
        mixture = noise(1, 2, 9000)

        estimate = model(mixture)

        torch.testing.assert_close(estimate.spectrogram, 2j * model.stft(mixture))
        torch.testing.assert_close(estimate.magnitude, 2 * model.stft(mixture).abs())


class TestBadSettings:
    def test_an_unknown_architecture_is_named_with_the_nearest(self) -> None:
        with pytest.raises(UserError, match=r"no architecture 'transfomer': did you mean 'transformer'\?"):
            build_model(Variant("mine", "", "", "transfomer", "magnitude_mse"))

    def test_an_unknown_setting_is_named_with_the_nearest(self) -> None:
        with pytest.raises(UserError, match=r"'hiden': did you mean 'hidden'\?"):
            build_model(Variant("mine", "", "", "open_unmix", "magnitude_mse", settings={"hiden": 3}))

    def test_settings_that_do_not_fit_together_are_explained(self) -> None:
        with pytest.raises(UserError, match=r"settings that make no model: hidden \(32\) must be a multiple"):
            build_model(small("transformer", heads=5))

    def test_statistics_of_another_transform_are_refused(self) -> None:
        with pytest.raises(UserError, match=r"257 bins.* 2049"):
            build_model(VARIANTS["open_unmix"], BinStatistics(np.zeros(257), np.ones(257)))

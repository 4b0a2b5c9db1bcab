"""Checkpoints of Music-Source-Separation-Training: each architecture is loaded, and its chunks make a whole track."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pymss_core
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Tracks
from sepmodels.systems.pretrained import Pretrained
from sepmodels.systems.published_msst import Chunks, demix

SAMPLES = 512 * 87  # which all five can hear at once
AUDIO = {"chunk_size": SAMPLES, "num_channels": 2, "sample_rate": SAMPLE_RATE_HZ}
ROFORMER = {"dim": 16, "depth": 1, "stereo": True, "time_transformer_depth": 1, "freq_transformer_depth": 1, "heads": 2}
BANDS = (2,) * 24 + (4,) * 12 + (12,) * 8 + (24,) * 8 + (48,) * 8 + (128, 129)
SUBBANDS = {"num_subbands": 4, "num_scales": 2, "scale": [2, 2], "num_blocks_per_scale": 1, "bottleneck_factor": 4}
MODELS: Mapping[str, dict[str, Any]] = {
    "bs_roformer": {"model": {**ROFORMER, "freqs_per_bands": BANDS}},
    "mel_band_roformer": {"model": {**ROFORMER, "num_bands": 60}},
    "mdx23c": {"model": {**SUBBANDS, "num_channels": 8, "growth": 8, "norm": "InstanceNorm", "act": "gelu"}},
    "scnet": {"model": {"dims": [4, 8, 16], "nfft": 2048, "hop_size": 512, "win_size": 2048, "num_dplayer": 2}},
    "htdemucs": {"model": "htdemucs", "htdemucs": {"channels": 8, "depth": 4, "bottom_channels": 0, "t_layers": 1}},
}
MIXTURE = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SAMPLES)).astype(np.float32)


def configuration(architecture: str, **changes: Any) -> dict[str, Any]:
    """One as it is published, of a small model."""
    told = {**MODELS[architecture], "audio": AUDIO, "inference": {"num_overlap": 1, "batch_size": 1}}
    if architecture == "mdx23c":
        told["audio"] = {**AUDIO, "n_fft": 2048, "hop_length": 512, "dim_f": 1024}
    sources, one = ["drums", "bass", "other", "vocals"], None
    if architecture in ("bs_roformer", "mel_band_roformer", "mdx23c"):
        sources, one = ["vocals", "other"], "vocals"
    segment = SAMPLES / SAMPLE_RATE_HZ
    training = {"instruments": sources, "target_instrument": one, "channels": 2, "segment": segment}
    return {**told, "training": {**training, "samplerate": SAMPLE_RATE_HZ, **changes}}


def written(folder: Path, architecture: str, **changes: Any) -> Pretrained:
    """A checkpoint as its training writes it, with random weights, and its configuration."""
    folder.mkdir(exist_ok=True)
    config, checkpoint = folder / "model.yaml", folder / "model.ckpt"
    config.write_text(yaml.dump(configuration(architecture, **changes)))
    torch.manual_seed(0)
    model, _ = pymss_core.get_model_from_config(architecture, config)
    torch.save({"epoch": 3, "model_state_dict": model.state_dict(), "best_metric": np.float64(7.1)}, checkpoint)
    return Pretrained("one", "One", "", architecture=architecture, checkpoint=(checkpoint,), config=config)


def heard(one: Pretrained) -> np.ndarray:
    with one.opened(Tracks()) as separate:
        return separate("song", MIXTURE).vocals


@pytest.mark.filterwarnings("ignore:A window was not provided:UserWarning")
@pytest.mark.parametrize("architecture", MODELS)
def test_each_architecture_is_loaded_with_its_weights_and_hears_the_vocals(architecture: str, tmp_path: Path) -> None:
    one = written(tmp_path, architecture)
    torch.manual_seed(0)
    model, _ = pymss_core.get_model_from_config(architecture, one.config)
    with torch.inference_mode():
        expected = model.eval()(torch.from_numpy(MIXTURE)[None]).reshape(-1, 2, SAMPLES)[-1]
    np.testing.assert_allclose(heard(one), expected, atol=1e-6)
    assert set(one.version()) == {"checkpoint.0", "config"}


def test_a_model_of_all_but_the_vocals_leaves_them(tmp_path: Path) -> None:
    vocals = heard(written(tmp_path / "a", "bs_roformer"))
    rest = heard(written(tmp_path / "b", "bs_roformer", target_instrument="other"))
    np.testing.assert_allclose(vocals + rest, MIXTURE, atol=1e-6)
    with pytest.raises(UserError, match="separates drums: expected one of vocals"):
        written(tmp_path / "c", "bs_roformer", target_instrument="drums").check()


@given(
    samples=st.integers(1, 700),
    length=st.integers(20, 200),
    overlap=st.integers(1, 8),
    faded=st.booleans(),
    sources=st.integers(1, 3),
)
def test_a_model_that_changes_nothing_gives_the_track_back(
    samples: int, length: int, overlap: int, faded: bool, sources: int
) -> None:
    wave = torch.rand(2, samples, generator=torch.Generator().manual_seed(samples))
    chunks = Chunks(length, length // overlap, length // 10 if faded and overlap > 1 else 0)
    found = demix(lambda chunk: chunk[:, None].expand(1, sources, -1, -1), wave, chunks, sources)
    torch.testing.assert_close(found, wave.expand(sources, -1, -1))


def test_a_loud_track_is_heard_as_a_soft_one_where_the_configuration_says_so(tmp_path: Path) -> None:
    one = written(tmp_path, "bs_roformer")
    told = configuration("bs_roformer")
    told["inference"]["normalize"] = True
    one.config.write_text(yaml.dump(told))
    with one.opened(Tracks()) as separate:
        soft, loud = (separate("song", MIXTURE * gain).vocals for gain in (0.1, 1))
    np.testing.assert_allclose(soft * 10, loud, atol=1e-5)


def test_what_does_not_fit_is_named(tmp_path: Path) -> None:
    one = written(tmp_path, "bs_roformer")
    told = configuration("bs_roformer")
    for changed, said in (
        ({**told, "model": {**told["model"], "dim": 24}}, r"model\.ckpt does not fit .*model\.yaml \(.*size mismatch"),
        ({**told, "model": {"depth": 1}}, r"model\.yaml makes no model of bs_roformer"),
        ({**told, "audio": {**AUDIO, "sample_rate": 48_000}}, "a model at 48000 Hz: expected one at 44100 Hz"),
        ({**told, "inference": {"num_overlap": "many"}}, r"model\.yaml is no configuration of bs_roformer \(invalid"),
        ({**told, "training": None}, r"model\.yaml is no configuration of bs_roformer \(.*None"),
        ({"model": told["model"]}, r"model\.yaml is no configuration of bs_roformer: it lacks 'training'"),
    ):
        one.config.write_text(yaml.dump(changed))
        with pytest.raises(UserError, match=said):
            one.check()
    one.config.write_text(yaml.dump({**told, "audio": {**AUDIO, "chunk_size": 1000}}))
    with pytest.raises(UserError, match="name the configuration that was published with the model"):
        heard(one)
    with pytest.raises(UserError, match="is a checkpoint and its configuration: name one of each"):
        Pretrained("one", "One", "", architecture="scnet", checkpoint=one.checkpoint).check()

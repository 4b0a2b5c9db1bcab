"""Models as files for other programs."""

import re
import resource
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import nn
from typer.testing import CliRunner

import sepmodels.models.export
from assets.paths import Paths
from pipelines.cli import app
from sepmodels.audio.stft import Stft
from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.export import NOT_WRITTEN, PlainStft, export_model
from sepmodels.models.model_file import save_model
from sepmodels.systems.variants import VARIANTS, find_variant
from tests.conftest import PROJECT, read_stem_file
from tests.sepmodels.models.test_architectures import ARCHITECTURES, small, with_random_state

FORMATS = ("torchscript", "onnx")


def read_back(file: Path, form: str):
    """The exported function, as another program has it."""
    if form == "torchscript":
        return lambda mixture: torch.jit.load(file)(torch.from_numpy(mixture)).numpy()
    import onnxruntime

    return lambda mixture: onnxruntime.InferenceSession(file).run(["vocals"], {"mixture": mixture})[0]


@pytest.mark.parametrize(("n_fft", "hop"), [(4096, 1024), (512, 128), (96, 32), (64, 64)])
def test_the_plain_transform_is_the_transform(n_fft: int, hop: int) -> None:
    waveform = torch.randn(2, 2, 5 * n_fft + 13, generator=torch.Generator().manual_seed(0))
    expected = Stft(n_fft, hop)(waveform)
    plain = PlainStft(n_fft, hop)

    real, imaginary = plain(waveform)

    torch.testing.assert_close(torch.complex(real, imaginary).transpose(-1, -2), expected, atol=2e-4, rtol=0)
    if hop < n_fft:
        again = plain.inverse(real, imaginary, waveform.shape[-1])
        torch.testing.assert_close(again, waveform, atol=1e-4, rtol=0)


def test_a_hop_that_does_not_divide_the_window_is_refused() -> None:
    with pytest.raises(UserError, match="use a divisor"):
        PlainStft(64, 24)


@pytest.mark.real_data
@pytest.mark.filterwarnings("ignore::FutureWarning")
@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_exported_model_does_the_same_on_a_real_clip_of_any_length(
    architecture: str, form: str, musdb18_7s: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sepmodels.models.export, "_TRACED_SECONDS", 2)
    monkeypatch.setattr(sepmodels.models.export, "_CHECKED_SECONDS", (0.3,))
    model = with_random_state(build_model(small(architecture)))
    if form in NOT_WRITTEN.get(architecture, ()):
        with pytest.raises(UserError, match=f"{architecture}' cannot be written as {form}: "):
            export_model(model, form, tmp_path / "model")
        return
    clip = read_stem_file(min(musdb18_7s.glob("test/*.stem.mp4")))[0].astype(np.float32)[None] / 32_768

    said = export_model(model, form, tmp_path / "model")

    run = read_back(tmp_path / "model", form)
    for samples in (3_000, clip.shape[-1] - 7):
        with torch.inference_mode():
            expected = model(torch.from_numpy(clip[..., :samples])).waveform.numpy()
        assert np.abs(expected).max() > 1e-3
        np.testing.assert_allclose(run(clip[..., :samples]), expected, atol=2e-5)
    assert said < 1e-5


def test_a_file_that_does_something_else_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sepmodels.models.export, "_write_torchscript", lambda *_: lambda mixture: 0 * mixture)
    with pytest.raises(UserError, match="differs from the model by"):
        export_model(build_model(small("open_unmix")), "torchscript", tmp_path / "model.pt")
    assert not list(tmp_path.iterdir())


def test_a_model_that_cannot_be_written_says_why(tmp_path: Path) -> None:
    class Odd(nn.Module):
        sample_rate_hz = 8_000

        def forward(self, _: torch.Tensor):
            raise RuntimeError("this one is for ears only")

    with pytest.raises(UserError, match=r"torchscript \(this one is for ears only\)"):
        export_model(Odd(), "torchscript", tmp_path / "model.pt")


def test_without_the_extra_the_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[export\]'"):
        export_model(build_model(small("open_unmix")), "onnx", tmp_path / "model.onnx")


def test_the_docs_name_every_architecture_that_a_format_cannot_hold() -> None:
    (page,) = re.findall(r"## In other programs(.*?)```python", (PROJECT / "docs" / "separating.md").read_text(), re.S)
    assert [name for name in NOT_WRITTEN if f"`{name}`" not in page] == []


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_the_command_writes_a_file_that_the_example_of_the_docs_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sepmodels.models.export, "_TRACED_SECONDS", 2)
    monkeypatch.setattr(sepmodels.models.export, "_CHECKED_SECONDS", (0.3,))
    monkeypatch.setitem(VARIANTS, "open_unmix", small("open_unmix"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))
    model = build_model(find_variant("open_unmix")).eval()
    save_model(Paths(tmp_path / "data", "demo").model("open_unmix", 42), model, VARIANTS["open_unmix"])
    song = np.random.default_rng(0).normal(0, 0.1, (30_000, 2)).astype(np.float32)
    soundfile.write("song.wav", song, 44_100, subtype="FLOAT")

    command = ["export", "open_unmix", "--to", "onnx", "--profile", "demo"]
    done = CliRunner().invoke(app, command)

    assert done.exit_code == 0, done.output
    assert "its vocals and the model's differ by at most" in done.output
    page = (PROJECT / "docs" / "separating.md").read_text().partition("## In other programs")[2]
    (example,) = re.findall(r"```python\n(.*?)```", page, flags=re.S)
    exec(example, {})
    with torch.inference_mode():
        expected = model(torch.from_numpy(song.T)[None]).waveform[0].numpy()
    np.testing.assert_allclose(soundfile.read("vocals.wav")[0].T, expected, atol=1e-5)
    again = CliRunner().invoke(app, command)
    assert "exists already" in str(again.exception)
    assert "did you mean 'onnx'" in str(CliRunner().invoke(app, [*command[:3], "onx"]).exception)
    blocked = CliRunner().invoke(app, [*command, "--out", "song.wav/model.onnx"])
    assert "song.wav is a file, where a folder is needed" in str(blocked.exception)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        full = CliRunner().invoke(app, [*command[:3], "torchscript", "--profile", "demo"])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "open_unmix.pt cannot be written" in str(full.exception)
    assert not Path("open_unmix.pt").exists()

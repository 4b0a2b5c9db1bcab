"""A trained model as one file for other programs: mixture waveform in, target waveform out, any length.

Both formats lack what a model here is made of: ONNX has no complex numbers, and neither can follow an
:class:`~sepmodels.models.estimate.Estimate`. So masks are applied in :class:`PlainStft`, which is matrix products of
real numbers, and every file is compared with the original model before it is kept.
"""

import copy
import logging
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.models import sample_rate_of
from sepmodels.models.architectures.masking import MaskingModel
from sepmodels.models.complex_mask import ComplexMaskModel, complex_product

SUFFIXES = {"torchscript": ".pt", "onnx": ".onnx"}
TOLERANCE = 1e-4  # of full scale: -80 dB
OPSET = 20
# Architectures whose paddings depend on the length in ways that neither tracing nor ONNX's exporter can follow.
NOT_WRITTEN = {
    "conv_tasnet": ("torchscript", "onnx"),
    "hybrid_demucs": ("torchscript", "onnx"),
    "wave_u_net": ("onnx",),
}
_TRACED_SECONDS = 10  # long enough for the branches that long songs take
_CHECKED_SECONDS = (10, 0.2, 12.3)


class PlainStft(nn.Module):
    """The transform of :class:`sepmodels.audio.stft.Stft` and its inverse, without complex numbers or an FFT.

    The discrete Fourier transform is two matrix products with a twist between them (Cooley and Tukey 1965): for
    4096 samples 64 x 64 matrices, 32 times less work than the whole matrix.

    Shape:
        waveform ``(batch, channel, sample)``, more than ``n_fft / 2`` samples -> real and imaginary part
        ``(batch, channel, frame, bin)``; and back.
    """

    window: Tensor
    halves: Tensor
    first_cos: Tensor
    first_sin: Tensor
    twist_cos: Tensor
    twist_sin: Tensor
    second_cos: Tensor
    second_sin: Tensor

    def __init__(self, n_fft: int, hop: int) -> None:
        super().__init__()
        if n_fft % hop:
            raise UserError(f"A transform of {n_fft} samples with a hop of {hop} cannot be exported: use a divisor.")
        self.n_fft, self.hop, self.bins = n_fft, hop, n_fft // 2 + 1
        rows = next(size for size in range(int(n_fft**0.5), 0, -1) if n_fft % size == 0)
        self.rows, self.columns, self.kept = rows, n_fft // rows, n_fft // rows // 2 + 1
        self._keep("window", torch.hann_window(n_fft, dtype=torch.float64))
        self._keep_angles("first", rows, rows, rows)
        self._keep_angles("twist", rows, self.columns, n_fft)
        self._keep_angles("second", self.columns, self.kept, self.columns)
        halves = torch.full((self.bins,), 2.0)  # of a real signal the bins of negative frequency are left out
        halves[0] = halves[-1] = 1.0
        self._keep("halves", halves / n_fft)

    def _keep(self, name: str, values: Tensor) -> None:
        self.register_buffer(name, values.float())

    def _keep_angles(self, name: str, rows: int, columns: int, period: int) -> None:
        turns = torch.arange(rows)[:, None] * torch.arange(columns) % period / period
        self._keep(f"{name}_cos", torch.cos(2 * torch.pi * turns.double()))
        self._keep(f"{name}_sin", torch.sin(2 * torch.pi * turns.double()))

    def forward(self, waveform: Tensor) -> tuple[Tensor, Tensor]:
        """``(batch, channel, sample)`` -> two of ``(batch, channel, frame, bin)``."""
        batch, channels, samples = waveform.shape
        frames, overlap = samples // self.hop + 1, self.n_fft // self.hop
        padded = F.pad(waveform, (self.n_fft // 2, self.n_fft // 2), mode="reflect")
        blocks = padded[..., : (frames + overlap - 1) * self.hop].reshape(batch, channels, -1, self.hop)
        shifted = [blocks[:, :, place : place + frames] for place in range(overlap)]
        x = torch.cat(shifted, dim=-1) * self.window
        x = x.reshape(batch, channels, frames, self.rows, self.columns)
        real, imaginary = self.first_cos @ x, -(self.first_sin @ x)
        real, imaginary = (
            real * self.twist_cos + imaginary * self.twist_sin,
            imaginary * self.twist_cos - real * self.twist_sin,
        )
        real, imaginary = (
            real @ self.second_cos + imaginary @ self.second_sin,
            imaginary @ self.second_cos - real @ self.second_sin,
        )
        return self._in_order(real), self._in_order(imaginary)

    def _in_order(self, part: Tensor) -> Tensor:
        return part.transpose(-1, -2).flatten(-2)[..., : self.bins]

    def inverse(self, real: Tensor, imaginary: Tensor, length: int) -> Tensor:
        """Two of ``(batch, channel, frame, bin)`` -> ``(batch, channel, sample)`` with ``length`` samples."""
        real, imaginary = self._in_rows(real), self._in_rows(imaginary)
        cos, sin = self.second_cos.T, self.second_sin.T
        real, imaginary = real @ cos - imaginary @ sin, imaginary @ cos + real @ sin
        real, imaginary = (
            real * self.twist_cos - imaginary * self.twist_sin,
            imaginary * self.twist_cos + real * self.twist_sin,
        )
        frames = (self.first_cos @ real - self.first_sin @ imaginary).flatten(-2) * self.window
        summed = self._overlap_added(frames)
        weight = self._overlap_added(torch.ones_like(frames[:1, :1]) * self.window.square())
        start = self.n_fft // 2
        return (summed / weight.clamp_min(1e-11))[..., start : start + length]

    def _in_rows(self, part: Tensor) -> Tensor:
        padded = F.pad(part * self.halves, (0, self.rows * self.kept - self.bins))
        return padded.reshape(*part.shape[:-1], self.kept, self.rows).transpose(-1, -2)

    def _overlap_added(self, frames: Tensor) -> Tensor:
        overlap = self.n_fft // self.hop
        pieces = frames.reshape(*frames.shape[:-1], overlap, self.hop).unbind(dim=-2)
        shifted = [F.pad(piece, (0, 0, place, overlap - 1 - place)) for place, piece in enumerate(pieces)]
        return torch.stack(shifted).sum(dim=0).flatten(-2)


class WaveformModel(nn.Module):
    """A model as a function of plain tensors: mixture ``(batch, 2, sample)`` -> what it separates, the same shape."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model
        self.stft = _plain_stft(model)

    def forward(self, mixture: Tensor) -> Tensor:
        """The target."""
        if self.stft is None:
            waveform: Tensor = self.model(mixture).waveform
            return waveform
        real, imaginary = self.stft(mixture)
        if isinstance(self.model, ComplexMaskModel):
            parts = torch.stack([real, imaginary], dim=2).transpose(-1, -2)
            real, imaginary = complex_product(self.model.mask(parts), parts).transpose(-1, -2).unbind(2)
            return self.stft.inverse(real, imaginary, mixture.shape[-1])
        assert isinstance(self.model, MaskingModel)
        magnitudes = (real.square() + imaginary.square()).sqrt().transpose(-1, -2)
        mask = self.model.mask(magnitudes).transpose(-1, -2)
        return self.stft.inverse(real * mask, imaginary * mask, mixture.shape[-1])


def _plain_stft(model: nn.Module) -> PlainStft | None:
    """The transform of a model of masks; None for one of waveforms."""
    if not isinstance(model, MaskingModel | ComplexMaskModel):
        return None
    return PlainStft(model.stft.n_fft, model.stft.hop)


class _OnnxLstm(nn.Module):
    """The LSTM operator of ONNX in place of torch's, which torch's exporter unrolls into a node per frame."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.layers, self.hidden, self.both_ways = lstm.num_layers, lstm.hidden_size, lstm.bidirectional
        endings = ("", "_reverse") if lstm.bidirectional else ("",)
        for layer in range(lstm.num_layers):
            for short, names in {"w": ("weight_ih",), "r": ("weight_hh",), "b": ("bias_ih", "bias_hh")}.items():
                ways = [
                    torch.cat([self._in_onnx_order(getattr(lstm, f"{name}_l{layer}{end}")) for name in names])
                    for end in endings
                ]
                self.register_buffer(f"{short}{layer}", torch.stack(ways).detach())

    def _in_onnx_order(self, weights: Tensor) -> Tensor:
        """Torch stacks the input, forget, cell and output gates; ONNX input, output, forget and cell."""
        enter, forget, cell, leave = weights.chunk(4)
        return torch.cat([enter, leave, forget, cell])

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        """``(frame, batch, feature)`` -> ``(frame, batch, hidden)``, both directions side by side."""
        ways = 2 if self.both_ways else 1
        for layer in range(self.layers):
            weights = (getattr(self, f"{short}{layer}") for short in "wrb")
            y: Tensor = torch.onnx.ops.symbolic(
                "LSTM",
                (x, *weights),
                {"hidden_size": self.hidden, "direction": "bidirectional" if self.both_ways else "forward"},
                dtype=x.dtype,
                shape=(x.shape[0], ways, x.shape[1], self.hidden),
            )
            x = y.transpose(1, 2).flatten(2)
        return x, None


def export_model(model: nn.Module, form: str, out: Path, output: str = "vocals") -> float:
    """Write ``model`` as one file, if it does what the original does; gives the largest difference seen.

    form: ``torchscript`` (``torch.jit.load``, no code of ours needed) or ``onnx``. Its input ``mixture`` and output
    (called ``vocals``, or as ``output`` says) are float32 ``(1, 2, sample)`` at the model's rate, of any length from
    2049 samples on (half a window of the STFT, and one).

    Raises :class:`UserError` for a package that is missing, a model that cannot be exported, and a file whose
    estimates differ from the original's by more than :data:`TOLERANCE`; then nothing is written.
    """
    _require_written(type(model).__module__.rpartition(".")[2], form)
    model = copy.deepcopy(model).cpu().eval().requires_grad_(False)  # the caller's stays as it is
    with replacing(out) as temporary, torch.inference_mode(False), torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of tracing: what it may get wrong is what the comparison is for
        write = partial(_write_onnx, output=output) if form == "onnx" else _write_torchscript
        try:
            run = write(WaveformModel(model).eval(), _noise(model, _TRACED_SECONDS), temporary)
        except ImportError as error:
            raise UserError(
                f"{form} needs the package {error.name}: install it with `pip install 'sepbench[export]'`."
            ) from error
        except OSError:  # of the disk, not of the model
            raise
        except Exception as error:
            reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
            raise UserError(f"This model cannot be written as {form} ({reason}): try another format.") from error
        difference = max(_difference(model, run, seconds) for seconds in _CHECKED_SECONDS)
        if not difference <= TOLERANCE:
            raise UserError(
                f"The {form} file differs from the model by {difference:.1e} of full scale, more than {TOLERANCE:g}, "
                "and was not kept: try another format."
            )
    return difference


def _require_written(architecture: str, form: str) -> None:
    without = NOT_WRITTEN.get(architecture, ())
    if form not in without:
        return
    others = [other for other in SUFFIXES if other not in without]
    advice = f"export it as {others[0]}" if others else "no format can; separate with `sepbench separate`"
    raise UserError(f"A model of the architecture {architecture!r} cannot be written as {form}: {advice}.")


def _write_torchscript(model: WaveformModel, example: Tensor, path: Path) -> Callable[[Tensor], Tensor]:
    traced = torch.jit.trace(model, example, check_trace=False)  # type: ignore[no-untyped-call]
    with path.open("wb") as file:  # by a name it takes only some
        torch.jit.save(traced, file)
    run: Callable[[Tensor], Tensor] = torch.jit.load(path)  # type: ignore[no-untyped-call]
    return run


def _write_onnx(model: WaveformModel, example: Tensor, path: Path, output: str) -> Callable[[Tensor], Tensor]:
    import onnxruntime
    import onnxscript  # noqa: F401 - torch needs it, and would say so less clearly

    model = copy.deepcopy(model)
    for module in list(model.modules()):
        for name, part in list(module.named_children()):
            if isinstance(part, nn.LSTM):
                setattr(module, name, _OnnxLstm(part))
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    torch.onnx.export(
        model,
        (example,),
        path,
        dynamo=True,
        dynamic_shapes={"mixture": {2: torch.export.Dim.DYNAMIC}},
        input_names=["mixture"],
        output_names=[output],
        opset_version=OPSET,
        external_data=False,
        verbose=False,
    )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda mixture: torch.from_numpy(session.run(None, {"mixture": mixture.numpy()})[0])


def _difference(model: nn.Module, run: Callable[[Tensor], Tensor], seconds: float) -> float:
    mixture = _noise(model, seconds)
    expected: Tensor = model(mixture).waveform
    found = run(mixture)
    return float((found - expected).abs().max()) if found.shape == expected.shape else float("inf")


def _noise(model: nn.Module, seconds: float) -> Tensor:
    """Noise that comes and goes, a little louder on one side: ``(1, 2, sample)``."""
    rng = np.random.default_rng(0)
    samples = round(seconds * sample_rate_of(model))
    loudness = 0.1 + 0.1 * np.sin(np.arange(samples) / 5_000)
    noise = rng.standard_normal((1, 2, samples)) * loudness * np.array([1.0, 0.7])[:, None]
    return torch.from_numpy(noise.astype(np.float32))

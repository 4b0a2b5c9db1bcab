"""Models: from a mixture's waveform to an estimate of its vocals; how they are written to files and exported."""

from torch import nn


def sample_rate_of(model: nn.Module) -> int:
    """The sample rate in Hz of the waveforms that a model takes."""
    rate_hz = model.sample_rate_hz
    assert isinstance(rate_hz, int)
    return rate_hz

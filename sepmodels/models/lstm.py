"""Layers that see to float32 themselves, whatever the precision of the model around them."""

import torch
from torch import Tensor, nn


def run_lstm(lstm: nn.LSTM, frames: Tensor) -> Tensor:
    """The output of an LSTM for ``(frame, batch, feature)``, made in float32 even under autocast.

    On CUDA autocast runs cuDNN's LSTM in float16 even where bfloat16 is asked for (torch's ``AutocastRNN.cpp``). With
    bfloat16 no loss is scaled, and the gradient of a mean over millions of bins, 1e-7 and less, is zero in float16.
    In float32 cuDNN uses TF32 where a GPU has it.
    """
    with torch.autocast(frames.device.type, enabled=False):
        output: Tensor = lstm(frames.float())[0]
    return output

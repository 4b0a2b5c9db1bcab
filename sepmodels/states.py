"""The files of a training under way: states to go on from, checked when they are read, and its history."""

import hashlib
import io
import logging
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sepmodels.files import replacing
from sepmodels.fingerprints import Fingerprint

LOG = logging.getLogger(__name__)
STATES_KEPT = 2
_DIGEST_BYTES = hashlib.sha256().digest_size


class TrainingStates:
    """The last two states of a training, in files that are checked when they are read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob("state-*.pt"), reverse=True)

    def save(self, state: dict[str, Any], step: int) -> None:
        """Write ``state`` (tensors, numbers, strings, lists, dicts) after ``step`` steps; remove older ones."""
        buffer = io.BytesIO()
        torch.save(state, buffer)
        content = buffer.getbuffer()
        with replacing(self.folder / f"state-{step:09d}.pt") as temporary, temporary.open("wb") as file:
            file.write(hashlib.sha256(content).digest())
            file.write(content)
        for old in self._paths()[STATES_KEPT:]:
            old.unlink()

    def latest(self) -> dict[str, Any] | None:
        """The newest state that is whole; a damaged one is passed over, with a warning. None if there is none."""
        for path in self._paths():
            content = path.read_bytes()
            if hashlib.sha256(content[_DIGEST_BYTES:]).digest() == content[:_DIGEST_BYTES]:
                state: dict[str, Any] = torch.load(io.BytesIO(content[_DIGEST_BYTES:]), weights_only=True)
                return state
            LOG.warning("%s is damaged: training goes on from the state before it.", path)
        return None

    def clear(self) -> None:
        """Remove all states."""
        for path in self._paths():
            path.unlink()


class TrainingFiles:
    """What a training leaves in its folder."""

    def __init__(self, folder: Path, identity: Fingerprint) -> None:
        self.model = folder / "model.safetensors"
        self.history = folder / "history.parquet"
        self.states = TrainingStates(folder / "states")
        self.identity = identity

    def state_to_resume(self, *, clear: bool) -> tuple[dict[str, Any] | None, str]:
        """The state to go on from, or none, and a sentence for the log (empty when there was nothing).

        clear: remove states that cannot be gone on from.
        """
        state = self.states.latest()
        if state is None:
            return None, ""
        if difference := self.identity.difference(state["fingerprint"]):
            note = f"The saved training state is of another {difference}: training starts anew."
        elif state["finished"]:
            note = "The saved training state is of a finished training: training starts anew."
        else:
            return state, f"Training goes on after step {state['position']['step']}."
        if clear:
            self.states.clear()
        return None, note

    def write_history(self, history: list[tuple[int, str, float]]) -> None:
        table = pd.DataFrame(history, columns=["step", "name", "value"])
        with replacing(self.history) as temporary:
            table.to_parquet(temporary, index=False)

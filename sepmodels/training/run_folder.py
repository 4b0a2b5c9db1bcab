"""The files of a training: states to go on from, checked when they are read, its history, and what came of it."""

import hashlib
import io
import itertools
import json
import logging
import shutil
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sepmodels.files import hash_file, hash_texts, replacing
from sepmodels.marks import no_part_of_a_result, words_only
from sepmodels.training.fingerprint import Fingerprint
from sepmodels.training.first_steps import Record

LOG = logging.getLogger(__name__)
STATES_KEPT = 2
History = list[tuple[int, str, float]]
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
                state: dict[str, Any] = torch.load(
                    io.BytesIO(content[_DIGEST_BYTES:]), weights_only=True, map_location="cpu"
                )  # its device may be another process's, or not be here any more
                return state
            LOG.warning("%s is damaged: training goes on from the state before it.", path)
        return None

    def clear(self) -> None:
        """Remove all states, and their folder."""
        if self.folder.exists():
            shutil.rmtree(self.folder)


def by_step(history: History) -> Iterator[tuple[int, dict[str, float]]]:
    """The figures of each step, as a log was told them.

    >>> list(by_step([(1, "loss", 0.5), (2, "loss", 0.4), (2, "learning_rate", 0.1)]))
    [(1, {'loss': 0.5}), (2, {'loss': 0.4, 'learning_rate': 0.1})]
    """
    for step, rows in itertools.groupby(history, key=lambda row: row[0]):
        yield step, {name: value for _, name, value in rows}


def outcome_file(folder: Path) -> Path:
    """Where a training that has ended keeps what came of it; without the file it is done again."""
    return folder / "training.json"


@no_part_of_a_result("what is recorded of a training's first steps")
def beginning(folder: Path) -> Record | None:
    """The record of the first steps of a training that has ended; None where there is none."""
    return (_read_outcome(folder) or {}).get("beginning")


def trained_by(folder: Path) -> str:
    """The version of the code that a training that has ended was done by."""
    return str((_read_outcome(folder) or {}).get("made_from", {}).get("code", ""))


def _read_outcome(folder: Path) -> dict[str, Any] | None:
    """What came of a training; None where that is not known, or somebody has changed what is noted."""
    try:
        outcome = json.loads(outcome_file(folder).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(outcome, dict) or outcome.pop("seal", None) != _seal(outcome):
        return None
    return outcome


def _seal(outcome: Mapping[str, Any]) -> str:
    return hash_texts([json.dumps(outcome, sort_keys=True)])


def forget(folder: Path) -> None:
    """Leave nothing in a training's folder that the next one could go on from, or be taken for."""
    outcome_file(folder).unlink(missing_ok=True)
    TrainingStates(folder / "states").clear()


class TrainingFiles:
    """What a training leaves in its folder; while it is under way, also states to go on from."""

    def __init__(self, folder: Path, identity: Fingerprint, accepted_versions: Collection[str] = ()) -> None:
        """accepted_versions: of code that is taken to train as that of ``identity`` does."""
        self.folder = folder
        self.model = folder / "model.safetensors"
        self.history = folder / "history.parquet"
        self.outcome = outcome_file(folder)
        self.states = TrainingStates(folder / "states")
        self.identity = identity
        self.accepted_versions = accepted_versions

    def begin(self) -> tuple[str, ...]:
        """Remove what cannot be gone on from; gives a sentence on what there was, if there was anything.

        To be called once, before any process of the training looks for a state.
        """
        self.outcome.unlink(missing_ok=True)
        state = self.states.latest()
        if state is None:
            self.states.clear()
            return ()
        if difference := self.identity.difference(state["fingerprint"]):
            self.states.clear()
            return (words_only(f"The saved training state is of another {difference}: training starts anew."),)
        return (words_only(f"Training goes on after step {state['position']['step']}."),)

    def finish(self, report: dict[str, Any], beginning: Record | None = None) -> None:
        """Keep what came of the training (of JSON's types); its states are of no more use.

        beginning: the record of its first steps.
        """
        files = {path.name: hash_file(path) for path in (self.model, self.history)}
        outcome = {"made_from": asdict(self.identity), "files": files, "report": report, "beginning": beginning}
        outcome = json.loads(json.dumps(outcome))  # as it will be read: a seal is over that
        with replacing(self.outcome) as temporary:
            sealed = {**outcome, "seal": _seal(outcome)}
            temporary.write_text(json.dumps(sealed, indent=1) + "\n", encoding="utf-8")
        self.states.clear()

    def finished(self) -> dict[str, Any] | None:
        """The report that was kept, if it is of this very training, and its files are as it left them."""
        outcome = _read_outcome(self.folder)
        if outcome is None:
            return None
        try:
            made_from = dict(outcome["made_from"])
            if made_from["code"] in self.accepted_versions:
                made_from["code"] = self.identity.code
            if self.identity.difference(made_from):
                return None
            for path in (self.model, self.history):
                if hash_file(path) != outcome["files"][path.name]:
                    return None
            report: dict[str, Any] = outcome["report"]
        except (OSError, KeyError):
            return None
        return report

    def read_history(self) -> History:
        """The (step, name, value) that were written last."""
        return list(pd.read_parquet(self.history).itertuples(index=False, name=None))

    def write_history(self, history: History) -> None:
        """Keep these as a table."""
        table = pd.DataFrame(history, columns=["step", "name", "value"])
        with replacing(self.history) as temporary:
            table.to_parquet(temporary, index=False)

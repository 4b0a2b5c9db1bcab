"""Training of one variant: sample, learn, validate, keep the best, and be ready to be killed at any step.

The recipe is Open-Unmix's (``scripts/train.py``, 1.3.0): Adam with weight decay, the learning rate reduced on
plateaus of the validation loss, early stopping, validation on whole true mixtures after every epoch.
"""

import functools
import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from sepmodels.checkpoints import TrainingStates, save_model
from sepmodels.devices import choose_device, peak_memory_gib, prepare_device
from sepmodels.errors import UserError
from sepmodels.files import replacing
from sepmodels.fingerprints import Fingerprint, fingerprint
from sepmodels.interruptions import Interruptions, held_signals
from sepmodels.learner import Learner, own_randomness, random_state, set_random_state
from sepmodels.losses import build_loss
from sepmodels.models import build_model
from sepmodels.progress import Progress, silent
from sepmodels.sampling import ChunkSampler, Track
from sepmodels.settings import TrainingSettings
from sepmodels.statistics import BinStatistics
from sepmodels.validation import Validation, validate
from sepmodels.variants import Variant

Log = Callable[[Mapping[str, float], int], None]

SAVE_EVERY_SECONDS = 30.0
SHOW_EVERY_SECONDS = 0.5
POINTS_OF_A_CURVE = 200  # training losses are logged about so often in a whole training...
MOST_STEPS_BETWEEN_POINTS = 100  # ...but at least this often
EXPLODED = 1000.0  # times the first losses: far beyond what batches differ by
PLATEAU_COOLDOWN_EPOCHS = 10  # Open-Unmix's


@dataclass(frozen=True)
class TrainingReport:
    """What came of a training.

    best_step, best_validation_loss, best_validation_sdr_db: of the model that was kept.
    seconds: in all, over interruptions. chunks_per_second, data_share: while stepping: the rate, and the share of
        time spent waiting for batches. peak_memory_gib: of the GPU, or of the process on a CPU.
    stopped_by: "epochs", "steps", "minutes" or "patience".
    notes: what was done for memory or not resumed, in sentences.
    """

    variant: str
    seed: int
    steps: int
    epochs: int
    parameters: int
    best_step: int
    best_validation_loss: float
    best_validation_sdr_db: float
    seconds: float
    chunks_per_second: float
    data_share: float
    peak_memory_gib: float
    device: str
    precision: str
    feeding: str
    stopped_by: str
    notes: tuple[str, ...]


@dataclass
class Position:
    """Where a training stands; part of the saved state. first_loss: the mean up to the curve's first point."""

    step: int = 0
    epoch: int = 0
    validated_step: int = 0
    best_step: int = 0
    best_loss: float = math.inf
    best_sdr_db: float = math.nan
    epochs_without_improvement: int = 0
    first_loss: float = math.nan
    seconds: float = 0.0
    stepping_seconds: float = 0.0
    waiting_seconds: float = 0.0


def train(
    variant: Variant,
    settings: TrainingSettings,
    *,
    train_tracks: Sequence[Track],
    valid_tracks: Sequence[Track],
    statistics: BinStatistics,
    folder: Path,
    seed: int,
    device: str = "auto",
    sample_rate_hz: int = 44_100,
    code_version: str = "",
    log: Log,
    progress: Progress = silent,
) -> TrainingReport:
    """Train ``variant`` and leave the best model, by validation loss, as ``folder/model.safetensors``.

    Beside it are ``history.parquet`` (step, name, value) and the last two training states. Killed at any time
    and called again with the same arguments, training goes on from the last state, and its losses and weights
    are bit for bit those of a training that was never interrupted (same machine and versions). A state of a
    finished training, or one of another variant, settings, seed, data or ``code_version``, is not used:
    training starts anew.

    train_tracks, valid_tracks: int16 (stream, channel, sample), streams as in :data:`sepmodels.audio.STREAMS`.
    log: called with figures and the step they belong to. progress: in steps.

    Raises UserError where nothing can be learned (no tracks, silent vocals), or when the loss is not a number
    or explodes; the best model so far and the states from before stay.
    """
    _check_tracks(train_tracks, valid_tracks)
    chosen = choose_device(device)
    prepare_device(chosen, settings.memory_budget_gb)
    identity = fingerprint(
        variant,
        settings,
        seed=seed,
        sample_rate_hz=sample_rate_hz,
        tracks=(train_tracks, valid_tracks),
        statistics=statistics,
        code_version=code_version,
    )
    sampler = ChunkSampler(train_tracks, settings, seed=seed, device=chosen, sample_rate_hz=sample_rate_hz)
    with closing(sampler), own_randomness(seed, chosen), held_signals() as interruptions:
        model = build_model(variant, statistics, sample_rate_hz=sample_rate_hz)
        learner = Learner(model, build_loss(variant), settings, learning_rate=variant.learning_rate, device=chosen)
        training = _Training(
            variant,
            seed,
            learner,
            sampler,
            functools.partial(_validated, learner, valid_tracks, sample_rate_hz),
            _Files(folder, identity),
            steps_per_epoch=max(1, len(train_tracks) * settings.chunks_per_track // settings.batch),
        )
        training.run(interruptions, log, progress)
        return training.report()


def _check_tracks(train_tracks: Sequence[Track], valid_tracks: Sequence[Track]) -> None:
    if not train_tracks:
        raise UserError("There is no track to train on: the training split is empty.")
    if not valid_tracks:
        raise UserError(
            "There is no track to validate on: the validation split is empty. Add training tracks, or raise the "
            "dataset's validation_share, so that at least one is held out."
        )
    for name, tracks in (("training", train_tracks), ("validation", valid_tracks)):
        if not any(track[-1].any() for track in tracks):
            raise UserError(f"The vocals are silent in all {len(tracks)} {name} tracks: check the dataset's stems.")


def _validated(
    learner: Learner, tracks: Sequence[Track], sample_rate_hz: int, between: Callable[[], None]
) -> Validation:
    with learner.autocast():
        return validate(
            learner.best,
            learner.loss,
            tracks,
            device=learner.device,
            sample_rate_hz=sample_rate_hz,
            batch_seconds=learner.settings.batch * learner.settings.chunk_seconds,
            between=between,
        )


class _Files:
    """What a training leaves in its folder."""

    def __init__(self, folder: Path, identity: Fingerprint) -> None:
        self.model = folder / "model.safetensors"
        self.history = folder / "history.parquet"
        self.states = TrainingStates(folder / "states")
        self.identity = identity

    def state_to_resume(self) -> tuple[dict[str, Any] | None, str]:
        """The state to go on from, or none, and a sentence for the log (empty when there was nothing)."""
        state = self.states.latest()
        if state is None:
            return None, ""
        if difference := self.identity.difference(state["fingerprint"]):
            note = f"The saved training state is of another {difference}: training starts anew."
        elif state["finished"]:
            note = "The saved training state is of a finished training: training starts anew."
        else:
            return state, f"Training goes on after step {state['position']['step']}."
        self.states.clear()
        return None, note

    def write_history(self, history: list[tuple[int, str, float]]) -> None:
        table = pd.DataFrame(history, columns=["step", "name", "value"])
        with replacing(self.history) as temporary:
            table.to_parquet(temporary, index=False)


class _Clock:
    """Time since the last look, and whether it is time for something."""

    def __init__(self) -> None:
        self.looked = time.perf_counter()
        self.last: dict[str, float] = {}

    def lap(self) -> float:
        """Seconds since the last lap."""
        now = time.perf_counter()
        passed, self.looked = now - self.looked, now
        return passed

    def due(self, what: str, every_seconds: float) -> bool:
        """Whether ``what`` was last due that long ago; the first time counts from the first question."""
        now = time.perf_counter()
        if now - self.last.setdefault(what, now) < every_seconds:
            return False
        self.last[what] = now
        return True


class _Training:
    """A training under way: its parts, and where it stands."""

    def __init__(
        self,
        variant: Variant,
        seed: int,
        learner: Learner,
        sampler: ChunkSampler,
        validation: Callable[[Callable[[], None]], Validation],
        files: _Files,
        steps_per_epoch: int,
    ) -> None:
        self.variant = variant
        self.seed = seed
        self.learner = learner
        self.settings = learner.settings
        self.sampler = sampler
        self.validation = validation
        self.files = files
        self.steps_per_epoch = steps_per_epoch
        self.steps = min(self.settings.steps or 10**12, self.settings.epochs * steps_per_epoch)
        self.steps_between_points = min(MOST_STEPS_BETWEEN_POINTS, max(1, self.steps // POINTS_OF_A_CURVE))
        self.plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(
            learner.optimizer,
            factor=self.settings.plateau_factor,
            patience=self.settings.plateau_patience,
            cooldown=PLATEAU_COOLDOWN_EPOCHS,
        )
        self.position = Position()
        self.history: list[tuple[int, str, float]] = []
        self.losses: list[torch.Tensor] = []  # of the steps since the curve's last point, left on the device
        self.paced = (0, 0.0, 0.0)  # step, stepping and waiting seconds at that point
        self.in_step = False
        self.clock = _Clock()
        self.notes: list[str] = []

    def run(self, interruptions: Interruptions, log: Log, progress: Progress) -> None:
        """Train to the end of the budget or of patience; when interrupted, save and let the exception pass."""
        self._resume()
        try:
            while True:
                if self._validation_due():
                    log(self._validate(interruptions.check), self.position.step)
                if self.stopped_by():
                    break
                self._step()
                if self.position.step % self.steps_between_points == 0:
                    log(self._point(), self.position.step)
                if self.clock.due("show", SHOW_EVERY_SECONDS):
                    progress(self.position.step, self.steps, "step", **self._shown())
                if self.clock.due("save", SAVE_EVERY_SECONDS):
                    self._save()
                interruptions.check()
        except UserError:
            raise  # the loss is not a number: the states from before are better than this one
        except BaseException:
            if not self.in_step:
                self._save()
            raise
        self._save(finished=True)
        progress(self.position.step, self.position.step, "step", **self._shown())

    def stopped_by(self) -> str:
        """Which limit has been reached; empty for none."""
        position, settings = self.position, self.settings
        if settings.steps is not None and position.step >= settings.steps:
            return "steps"
        if position.step >= settings.epochs * self.steps_per_epoch:
            return "epochs"
        if settings.minutes is not None and position.seconds >= 60 * settings.minutes:
            return "minutes"
        return "patience" if position.epochs_without_improvement >= settings.patience else ""

    def _step(self) -> None:
        self.in_step = True
        position = self.position
        if position.step < self.settings.warmup_steps:
            for group in self.learner.optimizer.param_groups:
                group["lr"] = self.variant.learning_rate * (position.step + 1) / self.settings.warmup_steps
        begun = time.perf_counter()
        mixture, target = self.sampler.next_batch()
        waited = time.perf_counter() - begun
        self.losses.append(self.learner.step(mixture, target))
        position.step += 1
        position.waiting_seconds += waited
        position.stepping_seconds += time.perf_counter() - begun
        position.seconds += self.clock.lap()
        self.in_step = False

    def _point(self) -> dict[str, float]:
        """A point of the training curve: the mean loss since the last one."""
        loss = self._mean_loss()
        self.losses.clear()
        if math.isnan(self.position.first_loss):
            self.position.first_loss = loss
        elif loss > EXPLODED * self.position.first_loss:
            raise UserError(self._diverged(f"rose from {self.position.first_loss:.3g} to {loss:.3g}"))
        figures = {"loss": loss, "learning_rate": self.learner.optimizer.param_groups[0]["lr"]}
        self._remember(figures)
        return figures | self._pace()

    def _mean_loss(self) -> float:
        """Of the steps since the last point; raises UserError when it is not a finite number."""
        loss = float(torch.stack(self.losses).mean())
        if not math.isfinite(loss):
            raise UserError(self._diverged(f"became {loss}"))
        return loss

    def _diverged(self, what: str) -> str:
        return (
            f"The training loss of {self.variant.name!r} {what} by step {self.position.step}, so training was stopped: "
            "lower the variant's learning_rate, set gradient_clip, or train in precision 32. "
            "The best model so far, if any, is kept."
        )

    def _pace(self) -> dict[str, float]:
        position = self.position
        steps, stepping, waiting = self.paced
        self.paced = (position.step, position.stepping_seconds, position.waiting_seconds)
        spent = max(position.stepping_seconds - stepping, 1e-9)
        figures = {
            "chunks_per_second": (position.step - steps) * self.settings.batch / spent,
            "data_share": (position.waiting_seconds - waiting) / spent,
        }
        if self.learner.device.type == "cuda":
            figures["gpu_memory_gib"] = peak_memory_gib(self.learner.device)
        return figures

    def _validation_due(self) -> bool:
        step = self.position.step
        ends = step % self.steps_per_epoch == 0 or bool(self.stopped_by())
        return step > self.position.validated_step and ends

    def _validate(self, between: Callable[[], None]) -> dict[str, float]:
        """Validate, keep the model if it is the best, and let the schedule know."""
        found = self.validation(between)
        position = self.position
        if not math.isfinite(found.loss):
            raise UserError(self._diverged(f"gave a validation loss of {found.loss}"))
        if found.loss < position.best_loss:
            position.best_loss, position.best_sdr_db, position.best_step = found.loss, found.sdr_db, position.step
            position.epochs_without_improvement = 0
            self._save_best()
        else:
            position.epochs_without_improvement += 1
        position.epoch += 1
        position.validated_step = position.step
        self.plateau.step(found.loss)
        position.seconds += self.clock.lap()
        figures = {"validation_loss": found.loss}
        if math.isfinite(found.sdr_db):
            figures["validation_sdr_db"] = found.sdr_db
        self._remember(figures)
        self.files.write_history(self.history)
        return figures

    def _save_best(self) -> None:
        position = self.position
        save_model(
            self.files.model,
            self.learner.best,
            self.variant,
            seed=self.seed,
            step=position.step,
            validation_loss=position.best_loss,
            validation_sdr_db=position.best_sdr_db if math.isfinite(position.best_sdr_db) else None,
        )

    def _remember(self, figures: Mapping[str, float]) -> None:
        self.history += [(self.position.step, name, value) for name, value in figures.items()]

    def _shown(self) -> dict[str, float]:
        position = self.position
        rate = position.step * self.settings.batch / max(position.stepping_seconds, 1e-9)
        latest = next((value for _, name, value in reversed(self.history) if name == "loss"), math.nan)
        return {"loss": latest, "chunks_per_second": rate}

    def _save(self, *, finished: bool = False) -> None:
        if self.losses:
            self._mean_loss()  # never save what has become NaN
        state = {
            "fingerprint": asdict(self.files.identity),
            "finished": finished,
            "position": asdict(self.position),
            "history": [list(row) for row in self.history],
            "losses": [loss.cpu() for loss in self.losses],
            "learner": self.learner.state_dict(),
            "plateau": self.plateau.state_dict(),
            "sampler": self.sampler.state_dict(),
            "random": random_state(self.learner.device),
        }
        self.files.states.save(state, self.position.step)
        self.files.write_history(self.history)

    def _resume(self) -> None:
        state, note = self.files.state_to_resume()
        if note:
            self.notes.append(note)
            logging.getLogger(__name__).info(note)
        if state is None:
            return
        self.position = Position(**state["position"])
        self.history = [(step, name, value) for step, name, value in state["history"]]
        self.losses = [loss.to(self.learner.device) for loss in state["losses"]]
        self.learner.load_state_dict(state["learner"])
        self.plateau.load_state_dict(state["plateau"])
        self.sampler.load_state_dict(state["sampler"])
        set_random_state(state["random"], self.learner.device)
        self.paced = (self.position.step, self.position.stepping_seconds, self.position.waiting_seconds)

    def report(self) -> TrainingReport:
        """What came of it."""
        position = self.position
        stepping = max(position.stepping_seconds, 1e-9)
        return TrainingReport(
            variant=self.variant.name,
            seed=self.seed,
            steps=position.step,
            epochs=position.epoch,
            parameters=sum(parameter.numel() for parameter in self.learner.model.parameters()),
            best_step=position.best_step,
            best_validation_loss=position.best_loss,
            best_validation_sdr_db=position.best_sdr_db,
            seconds=position.seconds,
            chunks_per_second=position.step * self.settings.batch / stepping,
            data_share=position.waiting_seconds / stepping,
            peak_memory_gib=peak_memory_gib(self.learner.device),
            device=str(self.learner.device),
            precision=self.learner.precision,
            feeding=self.sampler.feeding,
            stopped_by=self.stopped_by(),
            notes=(*self.notes, *self.learner.notes),
        )

"""The training loop: step, validate, keep the best, save, and stop in time."""

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict

import torch

from sepmodels.errors import UserError
from sepmodels.machine.devices import peak_memory_gib
from sepmodels.machine.signals import Interruptions
from sepmodels.marks import SpeedOnly, words_only
from sepmodels.models.model_file import save_model
from sepmodels.progress import Progress
from sepmodels.settings import changed
from sepmodels.systems.variants import Variant
from sepmodels.training.batches import ChunkSampler
from sepmodels.training.effects import with_effects
from sepmodels.training.first_steps import Beginning, Record
from sepmodels.training.loop_state import Clock, Position
from sepmodels.training.optimisation import follow_cosine, has_higher_sdr
from sepmodels.training.run_folder import History, TrainingFiles, by_step
from sepmodels.training.step import Learner, seed_step
from sepmodels.training.validation import Validation

LOG = logging.getLogger(__name__)
Log = Callable[[Mapping[str, float], int], None]

SAVE_EVERY_SECONDS: SpeedOnly[float] = 30.0
SHOW_EVERY_SECONDS: SpeedOnly[float] = 0.5
POINTS_OF_A_CURVE = 200  # training losses are logged about so often in a whole training...
MOST_STEPS_BETWEEN_POINTS = 100  # ...but at least this often
EXPLODED = 1000.0  # times the first losses: far beyond what batches differ by
PLATEAU_COOLDOWN_EPOCHS = 10  # Open-Unmix's


def unheard(figures: Mapping[str, float], step: int) -> None:
    """A log that nobody reads."""


class Diverged(UserError):
    """The loss is not a number, or far larger than it was."""


class Trainer:
    """A training under way: its parts, and where it stands."""

    def __init__(
        self,
        variant: Variant,
        seed: int,
        learner: Learner,
        sampler: ChunkSampler,
        validation: Callable[[Callable[[], None]], Validation],
        first_look: Callable[[], Record],
        files: TrainingFiles,
        steps_per_epoch: int,
    ) -> None:
        """first_look: what is to be seen of the model after its first steps, for their record."""
        self.variant = variant
        self.seed = seed
        self.learner = learner
        self.settings = learner.settings
        self.world = learner.world
        self.sampler = sampler
        self.validation = validation
        self.first_look = first_look
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
        self.beginning = Beginning(min(self.steps, steps_per_epoch))
        self.position = Position()
        self.history: History = []
        self.losses: list[torch.Tensor] = []  # of the steps since the curve's last point, left on the device
        self.paced = (0, 0.0, 0.0)  # step, stepping and waiting seconds at that point
        self.in_step = False
        self.out_of_time = False
        self.clock = Clock()

    def run(self, interruptions: Interruptions, log: Log, progress: Progress) -> None:
        """Train to the end of the budget or of patience; when interrupted, save and let the exception pass."""
        self._resume()
        for step, figures in by_step(self.history):
            log(figures, step)
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
        except Diverged:
            raise  # the states from before are better than this one
        except BaseException:
            self._save_if_whole()
            raise
        progress(self.position.step, self.position.step, "step", **self._shown())

    def rehearse(self, interruptions: Interruptions, progress: Progress) -> Record:
        """Do the first steps alone, and give their record; nothing is written."""
        while self.beginning.record is None:
            self._step()
            progress(self.position.step, self.beginning.steps, "step")
            interruptions.check()
        return self.beginning.record

    def stopped_by(self) -> str:
        """Which limit has been reached; empty for none."""
        position, settings = self.position, self.settings
        if settings.steps is not None and position.step >= settings.steps:
            return "steps"
        if position.step >= settings.epochs * self.steps_per_epoch:
            return "epochs"
        if self.out_of_time:
            return "minutes"
        return "patience" if position.epochs_without_improvement >= settings.patience else ""

    def _step(self) -> None:
        self.in_step = True
        position = self.position
        if position.step < self.settings.warmup_steps:
            for group in self.learner.optimizer.param_groups:
                group["lr"] = self.variant.learning_rate * (position.step + 1) / self.settings.warmup_steps
        if changed(self.settings, "schedule"):
            follow_cosine(self.learner.optimizer, self.settings, self.variant.learning_rate, position.step, self.steps)
        begun = time.perf_counter()
        mixture, target = self.sampler.next_batch()
        waited = time.perf_counter() - begun
        seed_step(self.seed, position.step, self.world.rank)
        if changed(self.settings, "effects"):
            mixture, target = with_effects(mixture, target, self.settings.effects)
        loss = self.world.total(self.learner.step(mixture, target)) / self.world.ranks
        self.losses.append(loss)
        position.step += 1
        self.beginning.follow(position.step, loss, self.first_look)
        position.waiting_seconds += waited
        position.stepping_seconds += time.perf_counter() - begun
        position.seconds += self.clock.lap()
        position.processor_seconds += self.clock.work()
        if self.settings.minutes is not None:
            self.out_of_time = self.world.told(position.seconds >= 60 * self.settings.minutes)
        self.in_step = False

    def _point(self) -> dict[str, float]:
        """A point of the training curve: the mean loss since the last one, of all processes."""
        loss = self._mean_loss()
        self.losses.clear()
        if math.isnan(self.position.first_loss):
            self.position.first_loss = loss
        elif loss > EXPLODED * self.position.first_loss:
            raise Diverged(self._diverged(f"rose from {self.position.first_loss:.3g} to {loss:.3g}"))
        figures = {"loss": loss, "learning_rate": self.learner.optimizer.param_groups[0]["lr"]}
        self._remember(figures)
        return figures | self._pace()

    def _mean_loss(self) -> float:
        """Of the steps since the last point; raises Diverged when it is not a finite number."""
        loss = float(torch.stack(self.losses).mean())
        if not math.isfinite(loss):
            raise Diverged(self._diverged(f"became {loss}"))
        return loss

    @words_only
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
            raise Diverged(self._diverged(f"gave a validation loss of {found.loss}"))
        if has_higher_sdr(found, position) if changed(self.settings, "chosen_by") else found.loss < position.best_loss:
            self._save_best(found)
            position.best_loss, position.best_sdr_db, position.best_step = found.loss, found.sdr_db, position.step
            position.epochs_without_improvement = 0
        else:
            position.epochs_without_improvement += 1
        position.epoch += 1
        position.validated_step = position.step
        self.plateau.step(found.loss)
        position.seconds += self.clock.lap()
        position.processor_seconds += self.clock.work()
        figures = {"validation_loss": found.loss}
        if math.isfinite(found.sdr_db):
            figures["validation_sdr_db"] = found.sdr_db
        self._remember(figures)
        if self.world.leads:
            self.files.write_history(self.history)
        return figures

    def _save_best(self, found: Validation) -> None:
        if not self.world.leads:
            return
        save_model(
            self.files.model,
            self.learner.best,
            self.variant,
            seed=self.seed,
            step=self.position.step,
            validation_loss=found.loss,
            validation_sdr_db=found.sdr_db if math.isfinite(found.sdr_db) else None,
        )

    def _remember(self, figures: Mapping[str, float]) -> None:
        self.history += [(self.position.step, name, value) for name, value in figures.items()]

    @words_only
    def _shown(self) -> dict[str, float]:
        position = self.position
        rate = position.step * self.settings.batch / max(position.stepping_seconds, 1e-9)
        latest = next(({name: value} for _, name, value in reversed(self.history) if name == "loss"), {})
        return {**latest, "chunks_per_second": rate}

    def _save(self) -> None:
        if not self.world.leads:
            return
        if self.losses:
            self._mean_loss()  # never save what has become NaN
        state = {
            "fingerprint": asdict(self.files.identity),
            "position": asdict(self.position),
            "history": [list(row) for row in self.history],
            "losses": [loss.cpu() for loss in self.losses],
            "learner": self.learner.state_dict(),
            "plateau": self.plateau.state_dict(),
            "sampler": self.sampler.state_dict(),
            "beginning": self.beginning.state_dict(),
        }
        self.files.states.save(state, self.position.step)
        self.files.write_history(self.history)

    def _save_if_whole(self) -> None:
        """Save when interrupted, unless half way through a step; a fault in saving does not hide the interruption."""
        if self.in_step:
            return
        try:
            self._save()
        except (OSError, Diverged):
            LOG.exception("The state at step %d could not be saved.", self.position.step)

    def _resume(self) -> None:
        state = self.files.states.latest()
        if state is None:
            return
        self.position = Position(**state["position"])
        self.history = [(step, name, value) for step, name, value in state["history"]]
        self.losses = [loss.to(self.learner.device) for loss in state["losses"]]
        self.learner.load_state_dict(state["learner"])
        self.plateau.load_state_dict(state["plateau"])
        self.sampler.load_state_dict(state["sampler"])
        self.beginning.load_state_dict(state["beginning"], self.learner.device)
        self.paced = (self.position.step, self.position.stepping_seconds, self.position.waiting_seconds)

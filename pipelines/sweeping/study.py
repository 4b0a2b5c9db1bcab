"""The trials of a sweep in Optuna: which values come next, which trial is stopped early, which was the best.

One process alone writes to Optuna's storage, a SQLite file: a transaction is there or not, whenever the process is
killed. (Optuna's journal file is spoilt for good by a line that was half written.)
"""

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.sweeping.ranges import Range
from sepmodels.errors import UserError
from sepmodels.limits import LIMITS

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial, Trial

FIRST_AT_RANDOM = 5  # trials, before what they came to guides the next ones
COMPARED_WITH = 4  # so many trials must have come to their end before one is stopped early
SPARED_SHARE = 0.5  # of a trial's steps, in which none is stopped: high learning rates are behind at first
SEEDS = LIMITS["seeds"][1] + 1  # that there are, from 0 on
OWN = "own"  # whether a trial is the entry as it is
WHY = "why"
STEPS = "steps"  # that a trial did


class Sweep:
    """The trials of one sweep; made by :func:`opened`."""

    def __init__(self, study: Any, ranges: Sequence[Range], seed: int, steps: float) -> None:
        """steps: of each trial; infinitely many where that is not known."""
        self._study = study
        self._ranges = ranges
        self._seed = seed
        self._steps = steps

    def begin(self, own: Mapping[str, Any], trials: int) -> int:
        """Line up what is known before: the entry as it is, or every combination, where there are no more than trials.

        own: the entry's values, by name. Gives the number of trials that there is to do.
        """
        first = {one.name: one.drawn(own[one.name]) for one in self._ranges}
        every = self._combinations(trials)
        lined_up = [first] if None not in first.values() else []
        lined_up += [one for one in every if one not in lined_up]
        for one in lined_up:
            self._study.enqueue_trial(one, user_attrs={OWN: one == first}, skip_if_exists=True)
        return len(every) or trials

    def _combinations(self, most: int) -> list[dict[str, Any]]:
        """All that can be drawn; none where that is more than so many."""
        if math.prod(one.size for one in self._ranges) > most:
            return []
        drawn = [[*one.choices] or [*range(one.low, one.high + 1)] for one in self._ranges]
        names = [one.name for one in self._ranges]
        return [dict(zip(names, values, strict=True)) for values in itertools.product(*drawn)]

    def left_running(self) -> list["Trial"]:
        """The trials that had begun when the sweep was broken off, as they were."""
        from optuna.trial import Trial, TrialState

        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return [Trial(self._study, one._trial_id) for one in running]

    def next(self) -> "Trial":
        """A new trial."""
        return self._study.ask()

    def values(self, trial: "Trial") -> dict[str, Any]:
        """The values that the trial has, by their settings' names.

        What it draws follows from the seed, its number and what has ended before, not from any pause.
        """
        self._study.sampler = _sampler((self._seed + trial.number) % SEEDS)
        own = trial.user_attrs.get(OWN, False)
        return {one.name: one.value(self._drawn(trial, one), own=own) for one in self._ranges}

    def _drawn(self, trial: "Trial", one: Range) -> Any:
        if one.choices:
            return trial.suggest_categorical(one.name, [*one.choices])
        draw = trial.suggest_int if isinstance(one.low, int) else trial.suggest_float
        return draw(one.name, one.low, one.high, log=one.log)

    def should_stop(self, trial: "Trial", step: int, sdr_db: float) -> bool:
        """Note a validation, and say whether the trial's best one so far is below the median of the whole trials'.

        A trial that goes on tells its validations from before again; of these only the last may stop it. One that has
        done all its steps has nothing left to spare.
        """
        known = self._study.get_trials(deepcopy=False)[trial.number].intermediate_values
        if step not in known:
            trial.report(sdr_db, step)
        return max(known, default=step) <= step < self._steps and trial.should_prune()

    def end(self, trial: "Trial", sdr_db: float | None, *, steps: int = 0, why: str = "", failed: bool = False) -> None:
        """Note how a trial ended.

        sdr_db: of the model that it left; None where it was stopped early, or failed. why: that, in words.
        """
        from optuna.trial import TrialState

        trial.set_user_attr(WHY, why)
        trial.set_user_attr(STEPS, steps)
        if sdr_db is not None:
            self._study.tell(trial, sdr_db)
        else:
            self._study.tell(trial, state=TrialState.FAIL if failed else TrialState.PRUNED)

    @property
    def ended(self) -> list["FrozenTrial"]:
        """The trials that have ended, in whatever way."""
        return [one for one in self._study.trials if one.state.is_finished()]

    @property
    def begun(self) -> int:
        """How many trials have begun."""
        from optuna.trial import TrialState

        return sum(one.state != TrialState.WAITING for one in self._study.get_trials(deepcopy=False))

    @property
    def whole(self) -> list["FrozenTrial"]:
        """Those of them that went to their end."""
        from optuna.trial import TrialState

        return [one for one in self._study.trials if one.state == TrialState.COMPLETE]

    @property
    def best(self) -> "FrozenTrial | None":
        """The trial with the highest validation SDR of those that went to their end; None before there is any."""
        return max(self.whole, key=lambda one: one.value, default=None)

    def values_of(self, ended: "FrozenTrial") -> dict[str, Any]:
        """The values that a trial had, by their settings' names."""
        own = ended.user_attrs.get(OWN, False)
        return {one.name: one.value(ended.params[one.name], own=own) for one in self._ranges}


def require_optuna() -> None:
    """Raise :class:`UserError` where Optuna is not installed."""
    try:
        import optuna  # noqa: F401
    except ModuleNotFoundError:
        raise UserError("A sweep needs the package optuna: install it with `pip install 'sepbench[sweep]'`.") from None


@contextmanager
def opened(file: Path, ranges: Sequence[Range], *, seed: int, steps: int | None) -> Iterator[Sweep]:
    """The sweep that the file keeps, which is made if it is not there.

    seed: of what is drawn. steps: of each trial; None where that is not known before, and so none is stopped early.
    Raises :class:`UserError` for a damaged file.
    """
    import optuna
    from sqlalchemy.exc import SQLAlchemyError

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    file.parent.mkdir(parents=True, exist_ok=True)
    storage = None
    try:
        storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
        study = optuna.create_study(
            storage=storage,
            sampler=_sampler(seed),
            pruner=_pruner(steps),
            study_name=file.parent.name,
            direction="maximize",
            load_if_exists=True,
        )
    except SQLAlchemyError as error:
        reason = str(error).partition("\n")[0]
        raise UserError(
            f"{file} cannot be read ({reason}): move {file.parent} away to begin the sweep anew."
        ) from error
    try:
        yield Sweep(study, ranges, seed, math.inf if steps is None else steps)
    finally:
        storage.engine.dispose()


def _sampler(seed: int) -> Any:
    import optuna

    return optuna.samplers.TPESampler(n_startup_trials=FIRST_AT_RANDOM, seed=seed)


def _pruner(steps: int | None) -> Any:
    import optuna

    if steps is None:  # the share that is spared is not known, and a first validation says too little
        return optuna.pruners.NopPruner()
    return optuna.pruners.MedianPruner(n_startup_trials=COMPARED_WITH, n_warmup_steps=math.ceil(SPARED_SHARE * steps))

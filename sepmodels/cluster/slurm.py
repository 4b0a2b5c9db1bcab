"""Workers as jobs of Slurm: an array for the parts that are begun together.

By ``sbatch``, ``squeue`` and ``scancel`` alone: clusters without an accounting database have no ``sacct``.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sepmodels.cluster.engine import Away, State, variables, without_private
from sepmodels.cluster.outputs import output_name
from sepmodels.cluster.part import Needs
from sepmodels.cluster.settings import SlurmSettings
from sepmodels.errors import UserError

JOB_NAME = "sepbench"
SAVE_SECONDS = 60  # before its time limit a job is told to save and end
ANSWER_SECONDS = 60.0
_WAITING = ("PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD", "SPECIAL_EXIT")
_OVER = ("BOOT_FAIL", "CANCELLED", "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL", "OUT_OF_MEMORY", "TIMEOUT")


class Slurm:
    """The engine of that name."""

    name = "slurm"
    follows = False

    def __init__(self, settings: SlurmSettings) -> None:
        self.settings = settings
        if missing := [one for one in ("sbatch", "squeue", "scancel") if shutil.which(one) is None]:
            raise UserError(
                f"The executor slurm needs Slurm's programs, and {', '.join(missing)} cannot be found: run this on a "
                "machine from which jobs are sent to Slurm."
            )

    def submit(self, words: Sequence[str], outputs: Path, needs: Needs, command: Sequence[str]) -> list[str]:
        options = self._options(len(words), needs, outputs)
        answer = _run(["sbatch", "--parsable", *options], script(words, needs, command))
        number = answer.strip().splitlines()[-1].partition(";")[0]
        return [f"{number}_{index}" for index in range(len(words))]

    def _options(self, count: int, needs: Needs, outputs: Path) -> list[str]:
        chosen = self.settings
        options = {
            "--job-name": JOB_NAME,
            "--array": f"0-{count - 1}",
            "--output": str(outputs / output_name(self.name, "%A_%a")),
            "--open-mode": "append",
            "--ntasks": "1",
            "--cpus-per-task": str(needs.processors),
            "--signal": f"B:TERM@{SAVE_SECONDS}",
            "--partition": chosen.partition,
            "--account": chosen.account,
            "--time": str(chosen.minutes) if chosen.minutes else "",
            "--mem": f"{needs.memory_gb * 1000:.0f}M" if needs.memory_gb else "",
        }
        gpus = [chosen.gpu_option.replace("{gpus}", str(needs.gpus))] if needs.gpus else []
        return [*(f"{name}={value}" for name, value in options.items() if value), "--requeue", *gpus, *chosen.options]

    def states(self, jobs: Collection[str]) -> Mapping[str, tuple[State, str]]:
        found: dict[str, tuple[State, str]] = {}
        for line in _run(["squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r"]).splitlines():
            job, state, reason = line.strip().split("|", 2)
            if job not in jobs or state in _OVER:
                continue
            found[job] = ("waiting", reason) if state in _WAITING else ("running", "")
        return found

    def cancel(self, jobs: Collection[str], *, at_once: bool = False) -> None:
        if at_once:
            _run(["scancel", "--quiet", *jobs])
            return
        _run(["scancel", "--quiet", "--state=PENDING", *jobs])
        # Without its own "at once", Slurm gives a job 30 seconds or less to save.
        _run(["scancel", "--quiet", "--batch", "--signal=TERM", *jobs])


def script(words: Sequence[str], needs: Needs, command: Sequence[str]) -> str:
    """What each job of the array runs. It becomes the worker, which so gets Slurm's signals.

    >>> script(["/data/a b"], Needs(), ["python", "-m", "worker"]).splitlines()[-2:]
    ["words=('/data/a b')", 'exec python -m worker "${words[$SLURM_ARRAY_TASK_ID]}"']
    """
    lines = ["#!/bin/bash"]
    lines += [f"export {name}={shlex.quote(value)}" for name, value in variables(needs).items()]
    lines += [f"words=({' '.join(map(shlex.quote, words))})"]
    lines += [f'exec {shlex.join(command)} "${{words[$SLURM_ARRAY_TASK_ID]}}"']
    return "\n".join(lines) + "\n"


def _run(words: list[str], given: str = "") -> str:
    """What a program of Slurm's says; it is left out of Ctrl-C. Raises :class:`Away` where it fails."""
    try:
        done = subprocess.run(
            words,
            input=given,
            capture_output=True,
            text=True,
            timeout=ANSWER_SECONDS,
            start_new_session=True,
            env=without_private(os.environ),
        )
    except subprocess.TimeoutExpired:
        raise Away(f"{words[0]} gave no answer for {ANSWER_SECONDS:.0f} seconds.") from None
    if done.returncode:
        raise Away(" ".join(done.stderr.split()) or f"{words[0]} ended with status {done.returncode}.")
    return done.stdout

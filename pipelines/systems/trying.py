"""What is added is tried before it is written down: a program is looked for, a Python function hears some noise."""

import os
import shlex
import shutil
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.systems.added import Added, Tracks
from sepmodels.systems.program import Program
from sepmodels.systems.python_function import PythonFunction

SECONDS = 2  # as a variant hears


def try_system(system: Added) -> None:
    """Raise :class:`UserError` for a program that is not here, and for a function that cannot separate noise."""
    if isinstance(system, Program):
        _require_program(shlex.split(system.command))
    elif isinstance(system, PythonFunction):
        _separate_noise(system)


def _require_program(words: list[str]) -> None:
    """The command runs in a folder of its own, so that places have to be whole."""
    for word in words:
        if (os.sep in word or word.endswith(".py")) and not Path(word).is_absolute() and Path(word).is_file():
            raise UserError(
                f"The command runs in a folder of its own, where {word} would not be found: write "
                f"{Path(word).resolve()}."
            )
    if shutil.which(words[0]) is None:
        raise UserError(
            f"There is no program {words[0]!r} here: install it, or write its whole path (no shell reads the command, "
            "so that ~ and $ stand for themselves)."
        )


def _separate_noise(system: PythonFunction) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal((2, SECONDS * SAMPLE_RATE_HZ), dtype=np.float32)
    try:
        with system.opened(Tracks()) as separate:
            separate("noise", noise)
    except UserError as fault:
        raise UserError(
            f"It was tried on {SECONDS} s of noise, and nothing was added. {str(fault).rstrip('.')}. Expected a "
            "function separate(mixture, sample_rate_hz) that gives the vocals, both float32 (2, sample)."
        ) from None

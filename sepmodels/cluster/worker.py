"""``python -m sepmodels.cluster.worker FOLDER``: makes the part of a folder, and writes there how it went.

It knows no engine, and imports what the part's function needs and nothing else.
"""

import argparse
import importlib
import logging
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from sepmodels.cluster.events import Told, ToldLog
from sepmodels.cluster.part import Part, PartFolder, Result
from sepmodels.cluster.same_code import PACKAGES, require_same
from sepmodels.errors import UserError
from sepmodels.machine.identity import machine_name

STOPPED = 128 + signal.SIGTERM  # the exit status
LOOK_SECONDS = 1.0


class Stop(BaseException):
    """It was told to end."""


def main() -> int:
    """Make the part; 0 when it is made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--digest", required=True, help="of the head's code")
    parser.add_argument("--libraries", nargs="*", default=[], help="NAME=VERSION that the head has")
    parser.add_argument("--follow", action="store_true", help="end when the process that started this one is gone")
    asked = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    if asked.follow:
        threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    folder = PartFolder(asked.folder)
    versions = dict(one.split("=", 1) for one in asked.libraries)
    try:
        if folder.part() is None:
            print(f"{folder.path} says no part: it is not wanted any more, or this machine does not see that disk.")
            return 1
        with folder.lock(machine_name()).acquire(met=lambda _: print("Another worker makes this part: waiting.")):
            if (part := folder.part()) is None:  # it was taken back meanwhile
                return 1
            result = _made(folder, part, asked.digest, versions)
            folder.keep_result(result)
    except Stop:  # before it had the lock
        return STOPPED
    return {"done": 0, "stopped": STOPPED}.get(result.outcome, 1)


def _made(folder: PartFolder, part: Part, digest: str, versions: dict[str, str]) -> Result:
    folder.forget_result()
    told = Told(folder.events)
    handler = ToldLog(told)
    logging.getLogger("sepmodels").addHandler(handler)
    logging.getLogger("sepmodels").setLevel(logging.INFO)
    try:
        told.begun(f"{machine_name()}, process {os.getpid()}")
        require_same(digest, versions)
        return Result("done", value=function_of(part)(told, **part.arguments))
    except UserError as fault:
        return Result("fault", str(fault))
    except (Stop, SystemExit, KeyboardInterrupt):
        return Result("stopped")
    except Exception as error:
        traceback.print_exc()
        return Result("error", f"{type(error).__name__}: {error}")


def function_of(part: Part) -> Callable[..., Any]:
    """The function of a part. Raises UserError for one that is not this project's."""
    module, _, name = part.function.partition(":")
    if module.partition(".")[0] not in PACKAGES:
        raise UserError(f"A part names the function {part.function}, which is not of {' or '.join(PACKAGES)}.")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Stop


def _follow(parent: int) -> None:
    """End as if told so when the process that started this one is gone: its engine counts on that."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())

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

from sepmodels.cluster.engine import Away
from sepmodels.cluster.events import Told, ToldLog
from sepmodels.cluster.node_cache import NodeCache
from sepmodels.cluster.part import Part, PartFolder, Result
from sepmodels.cluster.same_code import PACKAGES, require_same
from sepmodels.cluster.working_folder import WorkingFolder
from sepmodels.errors import UserError
from sepmodels.machine.identity import machine_name
from sepmodels.machine.signals import held_signals
from sepmodels.progress import Say

STOPPED = 128 + signal.SIGTERM  # the exit status
LOOK_SECONDS = 1.0


class Stop(BaseException):
    """It was told to end."""


def main() -> int:
    """Make the part; 0 when it is made."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("place", help="the part's folder; of a part in object storage, the name of its order")
    parser.add_argument("--storage", default="", help="where orders are, if not on a disk that this machine sees")
    parser.add_argument("--cache", type=Path, help="the folder on this machine for what is read from there")
    parser.add_argument("--cache-gb", type=float, help="which it may hold")
    parser.add_argument("--digest", required=True, help="of the head's code")
    parser.add_argument("--libraries", nargs="*", default=[], help="NAME=VERSION that the head has")
    parser.add_argument("--follow", action="store_true", help="end when the process that started this one is gone")
    asked = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)
    if asked.follow:
        threading.Thread(target=_follow, args=(os.getppid(),), daemon=True).start()
    versions = dict(one.split("=", 1) for one in asked.libraries)
    try:
        if asked.storage:
            cache = NodeCache(asked.cache, asked.cache_gb * 1e9)
            return _status(_sent(asked.place, asked.storage, cache, asked.digest, versions))
        return _status(_shared(PartFolder(Path(asked.place)), asked.digest, versions))
    except (UserError, Away) as fault:  # of a storage that cannot be told
        print(fault)
        return 1
    except Stop:  # before it had begun
        return STOPPED


def _status(result: Result | None) -> int:
    return {"done": 0, "stopped": STOPPED}.get(result.outcome, 1) if result else 1


def _shared(folder: PartFolder, digest: str, versions: dict[str, str]) -> Result | None:
    """Make the part of a folder that the head sees, too; None where none is wanted."""
    if folder.part() is None:
        print(f"{folder.path} says no part: it is not wanted any more, or this machine does not see that disk.")
        return None
    with folder.lock(machine_name()).acquire(met=lambda _: print("Another worker makes this part: waiting.")):
        if (part := folder.part()) is None:  # it was taken back meanwhile
            return None
        folder.forget_result()
        result = _made(folder, lambda _: part, digest, versions)
        folder.keep_result(result)
        return result


def _sent(name: str, url: str, cache: NodeCache, digest: str, versions: dict[str, str]) -> Result | None:
    """Make the part of an order in object storage; None where none is wanted."""
    working = WorkingFolder(url, cache, name)
    if not working.is_wanted():
        print(f"{url} has no order {name}: it is not wanted any more, or this machine reaches another storage.")
        return None
    with working.held(), working.sending():
        result = _made(working.folder, working.prepare, digest, versions)
        with held_signals():  # what was made is not lost while the last of it is uploaded
            working.end(result)
    return result


def _made(folder: PartFolder, prepared: Callable[[Say], Part], digest: str, versions: dict[str, str]) -> Result:
    """Make a part. prepared: gives it, after all that it reads is here."""
    told = Told(folder.events)
    handler = ToldLog(told)
    logging.getLogger("sepmodels").addHandler(handler)
    logging.getLogger("sepmodels").setLevel(logging.INFO)
    try:
        told.begun(f"{machine_name()}, process {os.getpid()}")
        require_same(digest, versions)
        part = prepared(told.say)
        return Result("done", value=function_of(part)(told, **part.arguments))
    except UserError as fault:
        return Result("fault", str(fault))
    except Away as fault:
        return Result("error", str(fault).rstrip("."))
    except (Stop, SystemExit, KeyboardInterrupt):
        return Result("stopped")
    except Exception as error:
        traceback.print_exc()
        return Result("error", f"{type(error).__name__}: {error}".rstrip("."))


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

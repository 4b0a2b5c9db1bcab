"""Runs assets in a child process and shows how far they are."""

import json
import os
import signal
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.markup import escape

from assets.paths import Paths
from assets.runtime.events import VARIABLE
from assets.tracking.provenance import git_refusal
from pipelines.graph.instance import use_instance
from pipelines.own_code import own_module
from pipelines.running.processes import end_trees, watched
from pipelines.running.progress_board import listening
from pipelines.temporary import require_temporary_room, use_short_folder
from sepmodels.errors import UserError
from sepmodels.machine.folder_lock import FolderLock, Taken
from sepmodels.machine.identity import this_host

INTERRUPTED = 130
LOGS_KEPT = 20


def run_assets(
    paths: Paths,
    job: str,
    keys: Sequence[str],
    console: Console,
    tags: Mapping[str, str] | None = None,
    config: Mapping[str, Any] | None = None,
    when_made: Callable[[str], None] = lambda _asset: None,
    when_failed: Callable[[str], None] = lambda _asset: None,
) -> int:
    """Run a job on the assets of those keys; gives the exit status.

    tags, config: of Dagster's run. when_made: is told of each product as soon as it is made. when_failed: is told in
    the end of each that could not be made, unless the run was interrupted.

    The child has a session of its own, so that Ctrl-C reaches it once, from here, and training can save.

    Raises :class:`UserError` while another command runs assets of the same profile and data folder.
    """
    use_short_folder()
    require_temporary_room()
    use_instance(paths.data)
    name = str(uuid.uuid4())
    log = _new_log(paths.data / "logs", name)
    if refusal := git_refusal():
        console.print(f"[yellow]{escape(refusal)}[/]", highlight=False, soft_wrap=True)
    command, folder = own_module("pipelines.running.execute")
    command += ["--job", job, "--command", name]
    command += ["--tags", json.dumps(dict(tags or {})), "--config", json.dumps(dict(config or {}))]
    command += ["--select", *keys]
    with (
        _alone(paths) as lock,
        listening(console, len(keys), when_made) as address,
        log.open("wb") as output,
        watched() as watch,
        _Interrupts(console) as interrupts,
    ):
        environment = {**os.environ, VARIABLE: address}
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            start_new_session=True,
        ) as child:
            watch(child.pid)
            interrupts.pass_to(child)
            lock.share(child.pid)  # held until the child has ended, too
            leader = psutil.Process(child.pid)
            status = child.wait()
            end_trees([leader])  # what it leaves behind when it is killed: ffmpeg, workers
    for asset in _say_why(name, log, status, console) if status else ():
        if not interrupts.came:
            when_failed(asset)
    if status and interrupts.came:
        return INTERRUPTED
    return 128 - status if status < 0 else status  # as a shell says it


@contextmanager
def _alone(paths: Paths) -> Iterator[FolderLock]:
    """Hold the lock that says that a command makes products of the profile."""
    lock = FolderLock(paths.command_lock, this_host())
    try:
        lock.acquire(wait=False)
    except Taken as taken:
        where = "" if str(taken) in ("", this_host()) else f", on the machine {taken}"
        raise UserError(
            f"Another command is making {paths.profile} in {paths.data}{where}, or has yet to end: wait for it."
        ) from None
    with lock:
        yield lock


def require_alone(paths: Paths) -> None:
    """Raise :class:`UserError` while another command makes products of the profile."""
    with _alone(paths):
        pass


def _new_log(folder: Path, name: str) -> Path:
    """The file for what a run prints; of earlier ones, only the last few are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in sorted(folder.glob("run-*.log"), key=lambda log: log.stat().st_mtime_ns)[: 1 - LOGS_KEPT]:
        old.unlink()
    return folder / f"run-{name[:8]}.log"


class _Interrupts:
    """Within the block Ctrl-C and SIGTERM interrupt the child, which saves and ends; a second one kills it.

    came: the signals so far. One that comes before there is a child waits for it: or it would go on by itself.
    """

    def __init__(self, console: Console) -> None:
        self.came: list[int] = []
        self._console = console
        self._child: subprocess.Popen | None = None

    def __enter__(self) -> "_Interrupts":
        self._before = {number: signal.signal(number, self._pass_on) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def pass_to(self, child: subprocess.Popen) -> None:
        """Pass on to this child what came and what will come."""
        self._child = child
        if self.came:
            child.send_signal(signal.SIGINT)

    def _pass_on(self, number: int, _frame: object) -> None:
        self.came.append(number)
        if len(self.came) == 1:
            if self._child:
                self._child.send_signal(signal.SIGINT)
            self._console.print("Stopping: what is made so far is saved. Once more to stop at once.")
        elif self._child:
            with suppress(ProcessLookupError):
                os.killpg(self._child.pid, signal.SIGKILL)  # its steps may be processes of their own


def _say_why(command: str, log: Path, status: int, console: Console) -> list[str]:
    """Print the reason in a sentence per failed step; where there is none, where to look. Gives which failed."""
    from pipelines.running.reasons import GOES_ON, failures

    reasons = list(failures(command))
    for asset, reason in reasons:
        named = "" if reason.startswith(asset) else f"[red]{asset}[/]: "
        console.print(f"{named}{escape(reason)}", highlight=False, soft_wrap=True)
    if status < 0:
        name = signal.Signals(-status).name
        console.print(f"The run's process was ended by {name}; {GOES_ON}", soft_wrap=True)
    elif all(asset == "run" for asset, _ in reasons):
        console.print(f"The run ended with status {status}; its log is {log}.", soft_wrap=True)
    return [asset for asset, _ in reasons]

"""Progress of steps in other processes, shown in the terminal."""

import json
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column, Table

PLAIN_EVERY_SECONDS = 10.0
NARROW = 76  # columns of a terminal that have no room for the longest name with a bar and figures
_PREFIX, _SOCKET = "sepbench-events-", "events"
MARKS = {
    "done": "[green]made[/]",
    "fresh": "[dim]fresh[/]",
    "accepted": "[green]accepted[/]",
    "failed": "[red]failed[/]",
    "stopped": "[yellow]stopped[/]",
}


@contextmanager
def listening(console: Console, steps: int, when_made: Callable[[str], None] = lambda _asset: None) -> Iterator[str]:
    """Show what steps say while the block runs; gives the address for ``SEPBENCH_EVENTS``.

    steps: how many there are, for the count of those done. when_made: is told of each product that was made, as soon as
        it is there.
    """
    _remove_abandoned()
    with tempfile.TemporaryDirectory(prefix=_PREFIX) as folder:
        address = str(Path(folder) / _SOCKET)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(address)
            receiver.settimeout(0.2)
            over = threading.Event()
            board = _Bars(console, steps) if console.is_terminal else _Lines(console, steps)
            board.when_made = when_made
            thread = threading.Thread(target=_receive, args=(receiver, over, board), daemon=True)
            thread.start()
            try:
                yield address
            finally:
                over.set()
                thread.join()
                board.close()


def _remove_abandoned() -> None:
    """Remove the sockets of commands that were killed: nobody listens there any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*/{_SOCKET}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as trial:
            try:
                trial.connect(str(path))
            except ConnectionRefusedError:
                shutil.rmtree(path.parent, ignore_errors=True)
            except OSError:  # another person's, or gone meanwhile
                continue


def _receive(receiver: socket.socket, over: threading.Event, board: "_Board") -> None:
    """Show what comes, to the end; where it can no longer be shown take it nevertheless, or the steps would wait."""
    lost = False
    while True:
        try:
            message = json.loads(receiver.recv(65536))
        except TimeoutError:
            if over.is_set():
                return
            continue
        try:
            if not lost:
                board.take(message)
        except (OSError, SystemExit):  # the disk is full, or a pipe closed, for which rich ends the program
            lost = True


class _Board:
    """Counts the steps that ended and says a line for each."""

    when_made: Callable[[str], None]

    def __init__(self, console: Console, steps: int) -> None:
        self.console, self.steps, self.ended = console, steps, 0
        self.started: dict[str, float] = {}

    def take(self, message: dict[str, Any]) -> None:
        state = message["state"]
        if state == "says":
            self.console.print(escape(message["sentence"]), highlight=False, soft_wrap=True)
            return
        asset = message["asset"]
        if state == "started":
            self.started[asset] = time.monotonic()
            self.begin(asset)
        elif state == "going":
            self.show(asset, message["done"], message["total"], message["unit"], message["figures"])
        else:
            self.ended += 1
            self.finish(asset)
            self._say_ended(asset, state)
            if state == "done":
                self.when_made(asset)

    def _say_ended(self, asset: str, state: str) -> None:
        mark = MARKS[state]
        seconds = time.monotonic() - self.started.get(asset, time.monotonic())
        self.console.print(f"[dim]{self.ended:>3}/{self.steps}[/] {mark} {asset} [dim]{seconds:.1f} s[/]")

    def begin(self, asset: str) -> None: ...
    def finish(self, asset: str) -> None: ...
    def show(self, asset: str, done: int, total: int, unit: str, figures: dict[str, float]) -> None: ...
    def close(self) -> None: ...


class Bars(Progress):
    """Bars that leave names, counts and times whole: the bar gives way first, in a narrow terminal figures go too."""

    def __init__(self, console: Console) -> None:
        self._terminal = console
        whole = Column(no_wrap=True)
        self._name = TextColumn("{task.description}", markup=False, table_column=whole)
        self._bar = BarColumn(bar_width=None, table_column=Column(max_width=30))
        self._count = MofNCompleteColumn(table_column=whole)
        self._figures = TextColumn("{task.fields[figures]}", markup=False, table_column=whole)
        self._left = TimeRemainingColumn(table_column=whole)
        super().__init__(console=console, transient=True)

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        if self._terminal.width < NARROW:
            self.columns = (self._name, self._count, self._left)
        else:
            self.columns = (self._name, self._bar, self._count, self._figures, self._left)
        return super().make_tasks_table(tasks)


class _Bars(_Board):
    """A bar for every step that is being made."""

    def __init__(self, console: Console, steps: int) -> None:
        super().__init__(console, steps)
        self.bars = Bars(console)
        self.tasks: dict[str, TaskID] = {}
        self.bars.start()

    def begin(self, asset: str) -> None:
        self.tasks[asset] = self.bars.add_task(asset, total=None, figures="")

    def show(self, asset: str, done: int, total: int, unit: str, figures: dict[str, float]) -> None:
        if asset in self.tasks:
            text = figure_text(figures) or plural(unit)
            self.bars.update(self.tasks[asset], completed=done, total=total, figures=text)

    def finish(self, asset: str) -> None:
        if asset in self.tasks:
            self.bars.remove_task(self.tasks.pop(asset))

    def close(self) -> None:
        self.bars.stop()


class _Lines(_Board):
    """A line now and then, where the output is no terminal (a file, a build server)."""

    def __init__(self, console: Console, steps: int) -> None:
        super().__init__(console, steps)
        self.said: dict[str, float] = {}
        self.first: dict[str, tuple[float, int]] = {}  # when what goes on was first heard of, and how much was done
        self.last: dict[str, int] = {}

    def show(self, asset: str, done: int, total: int, unit: str, figures: dict[str, float]) -> None:
        now = time.monotonic()
        if done < self.last.get(asset, done + 1):  # at first, and with the next seed
            self.first[asset] = (now, done)
        self.last[asset] = done
        begun, done_before = self.first[asset]
        if done == 0 or now - self.said.get(asset, self.started.get(asset, begun)) < PLAIN_EVERY_SECONDS:
            return
        self.said[asset] = now
        going = done - done_before  # a training may go on from anywhere
        left = f" {(now - begun) / going * (total - done):.0f} s left" if going else ""
        self.console.print(f"        {asset}: {done}/{total} {plural(unit)} {figure_text(figures)}{left}")


def figure_text(figures: dict[str, float]) -> str:
    """Figures for a line.

    >>> figure_text({"loss": 0.31234, "chunks_per_second": 19.87})
    'loss 0.312, 19.9 chunks/s'
    """
    return ", ".join(
        f"{value:.3g} {name.removesuffix('_per_second')}/s"
        if name.endswith("_per_second")
        else f"{name.replace('_', ' ')} {value:.3g}"
        for name, value in figures.items()
    )


def plural(unit: str) -> str:
    """
    >>> plural("step"), plural("MB")
    ('steps', 'MB')
    """
    return unit if unit.isupper() else f"{unit}s"

import os
import subprocess
import sys
import threading
import time

import psutil
import pytest

from sepmodels.errors import UserError
from sepmodels.machine import parallel
from sepmodels.machine.parallel import for_each, for_each_in_processes
from tests.conftest import PROJECT


def test_results_and_faults_come_in_the_order_of_the_items_whatever_ends_first() -> None:
    last_is_done = threading.Event()

    def work(number: int) -> int:
        if number == 5:
            last_is_done.set()
        if number == 0:
            last_is_done.wait(10)
        if number in (1, 3):
            raise UserError(f"{number} is odd.")
        return 10 * number

    results, faults = for_each(work, range(6), workers=3)
    assert results == [0, 20, 40, 50]
    assert [str(fault) for fault in faults] == ["1 is odd.", "3 is odd."]


@pytest.mark.parametrize(("gigabytes", "most"), [(0.001, 8), (0.6, 6), (3, 1), (100, 1)])
def test_as_many_work_at_once_as_memory_has_room_for(
    monkeypatch: pytest.MonkeyPatch, gigabytes: float, most: int
) -> None:
    monkeypatch.setattr(parallel, "usable_cores", lambda: 64)
    at_once, lock, seen = 0, threading.Lock(), []

    def work(_: int) -> None:
        nonlocal at_once
        with lock:
            at_once += 1
            seen.append(at_once)
        threading.Event().wait(0.02)
        with lock:
            at_once -= 1

    for_each(work, range(20), bytes_each=round(gigabytes * 1e9))
    assert 1 <= max(seen) <= most


def test_an_interrupt_drops_what_has_not_begun() -> None:
    begun = []

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    def work(number: int) -> None:
        begun.append(number)
        threading.Event().wait(0.05)

    with pytest.raises(KeyboardInterrupt):
        for_each(work, range(100), workers=1, progress=interrupt)
    assert len(begun) < 100


def test_another_error_than_a_users_ends_the_work_and_is_raised_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        for_each(lambda number: 1 // number, [1, 0, 2], workers=1)


def tens(number: int) -> tuple[int, int]:
    """Work that another process can find by its name."""
    if number % 2:
        raise UserError(f"{number} is odd.")
    return 10 * number, os.getpid()


@pytest.mark.parametrize("workers", [1, 2])
def test_processes_give_results_and_faults_in_the_order_of_the_items(workers: int) -> None:
    results, faults = for_each_in_processes(tens, range(5), workers=workers)
    assert [result for result, _ in results] == [0, 20, 40]
    assert [str(fault) for fault in faults] == ["1 is odd.", "3 is odd."]
    assert (os.getpid() in {process for _, process in results}) == (workers == 1)


def test_processes_end_when_the_one_that_started_them_is_killed() -> None:
    script = (
        "import time, os\n"
        "from sepmodels.machine.parallel import for_each_in_processes\n"
        "from tests.sepmodels.machine.test_parallel import say_and_sleep\n"
        "if __name__ == '__main__':\n"
        "    for_each_in_processes(say_and_sleep, range(2), workers=2)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], cwd=PROJECT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            children = [psutil.Process(int(parent.stdout.readline())) for _ in range(2)]
        finally:
            parent.kill()
    assert psutil.wait_procs(children, timeout=120)[1] == []


def say_and_sleep(_: int) -> None:
    """Work that says where it runs, and does not end by itself."""
    os.write(1, f"{os.getpid()}\n".encode())  # a line at once: print may write its end apart, after another's line
    time.sleep(600)

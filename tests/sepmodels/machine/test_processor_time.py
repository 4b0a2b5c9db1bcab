"""What processors work."""

import subprocess
import sys

from sepmodels.machine.processor_time import OthersWork, processor_seconds

BUSY = "import time; end = time.process_time() + 0.4\nwhile time.process_time() < end: pass"


def test_what_a_child_worked_counts_after_its_end_too() -> None:
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", BUSY], check=True)
    assert processor_seconds() - before > 0.35


def test_the_work_of_others_is_what_all_did_less_ones_own(monkeypatch) -> None:
    clock = {"busy": 10.0, "own": 1.0, "now": 100.0}
    monkeypatch.setattr("sepmodels.machine.processor_time._busy_seconds", lambda: clock["busy"])
    monkeypatch.setattr("sepmodels.machine.processor_time.processor_seconds", lambda: clock["own"])
    monkeypatch.setattr("sepmodels.machine.processor_time.time.monotonic", lambda: clock["now"])
    monkeypatch.setattr("sepmodels.machine.processor_time.psutil.cpu_count", lambda: 2)
    others = OthersWork()
    clock.update(busy=30.0, own=13.0, now=120.0)
    assert others.share() == (20 - 12) / (20 * 2)

"""Free memory is what the machine has left within the limits of every control group, asked in one place."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pipelines.graph.slots
from pipelines.profiles import PROFILES
from sepmodels.machine.memory import GIB, free_host_bytes
from sepmodels.scoring import threads
from tests.conftest import PROJECT

AVAILABLE = 16 * GIB
Free = Callable[[], int]


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """One with 16 GiB available."""
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=AVAILABLE))


class Groups:
    """Control groups in a folder, and a process in one of them."""

    def __init__(self, folder: Path) -> None:
        self.proc, self.root = folder / "proc", folder / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        self.root.mkdir()

    def enter(self, *lines: str) -> None:
        (self.proc / "self" / "cgroup").write_text("".join(f"{line}\n" for line in lines))

    def write(self, group: str, **files: object) -> None:
        folder = self.root / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (folder / f"memory.{name}").write_text(f"{content}\n")

    def free(self) -> int:
        return free_host_bytes(self.proc, self.root)


@pytest.fixture
def groups(tmp_path: Path) -> Groups:
    return Groups(tmp_path)


def test_without_control_groups_all_that_is_available_is_free(groups: Groups) -> None:
    assert groups.free() == AVAILABLE


def test_a_container_is_held_to_its_own_limit(groups: Groups) -> None:
    groups.enter("0::/")
    groups.write("", max=4 * GIB, current=GIB)
    assert groups.free() == 3 * GIB


def test_files_that_were_read_and_can_be_given_up_count_as_free(groups: Groups) -> None:
    groups.enter("0::/")
    groups.write("", max=4 * GIB, current=4 * GIB, stat=f"anon {GIB}\nfile {3 * GIB}\ninactive_file {2 * GIB}")
    assert groups.free() == 2 * GIB


def test_of_nested_groups_the_tightest_counts_wherever_it_is(groups: Groups) -> None:
    groups.enter("0::/slurm/job_7/step_0")
    groups.write("slurm", max="max", current=9 * GIB)
    groups.write("slurm/job_7", max=8 * GIB, current=7 * GIB)
    groups.write("slurm/job_7/step_0", max=4 * GIB, current=2 * GIB)
    assert groups.free() == GIB


def test_beyond_the_limit_from_which_a_group_is_slowed_nothing_is_free(groups: Groups) -> None:
    groups.enter("0::/user.slice")
    groups.write("user.slice", max="max", high=3 * GIB, current=GIB)
    assert groups.free() == 2 * GIB


def test_a_container_that_is_told_of_its_place_on_the_host_looks_at_its_own_tree(groups: Groups) -> None:
    groups.enter("0::/docker/8f2a")
    groups.write("", max=2 * GIB, current=GIB)
    assert groups.free() == GIB


def test_version_1_has_names_of_its_own(groups: Groups) -> None:
    groups.enter("12:cpuset:/", "9:memory:/docker/8f2a", "1:name=systemd:/docker/8f2a")
    stat = f"inactive_file 0\ntotal_inactive_file {GIB}"
    groups.write("memory/docker/8f2a", limit_in_bytes=4 * GIB, usage_in_bytes=3 * GIB, stat=stat)
    groups.write("memory", limit_in_bytes=9223372036854771712, usage_in_bytes=12 * GIB)
    assert groups.free() == 2 * GIB


def test_a_group_over_its_limit_leaves_nothing(groups: Groups) -> None:
    groups.enter("0::/")
    groups.write("", max=GIB, current=2 * GIB)
    assert groups.free() == 0


@given(limits=st.lists(st.integers(0, 2**40), max_size=4), used=st.integers(0, 2**40))
def test_free_memory_is_never_below_zero_nor_above_any_limit(
    tmp_path_factory: pytest.TempPathFactory, limits: list[int], used: int
) -> None:
    groups = Groups(tmp_path_factory.mktemp("groups"))
    place = "/".join(f"g{number}" for number in range(len(limits)))
    groups.enter(f"0::/{place}")
    for number, limit in enumerate(limits, start=1):
        groups.write("/".join(place.split("/")[:number]), max=limit, current=used)
    assert 0 <= groups.free() <= min([AVAILABLE, *limits])


def test_trainings_and_scorings_side_by_side_have_room_in_the_container_they_are_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    profile = PROFILES["demo"]
    monkeypatch.setattr(pipelines.graph.slots, "usable_cores", lambda: 64)
    monkeypatch.setattr(threads, "usable_cores", lambda: 64)
    for module in (pipelines.graph.slots, threads):
        monkeypatch.setattr(module, "free_host_bytes", lambda: 4 * GIB)
    assert pipelines.graph.slots.slots_here(profile) == 2
    assert threads.scoring_workers("museval", longest_seconds=60.0) == 2


def test_nothing_else_asks_how_much_memory_is_free() -> None:
    asking = ("virtual_memory", "MemAvailable", "SC_AVPHYS_PAGES")
    sources = [file for package in ("sepmodels", "assets", "pipelines") for file in (PROJECT / package).rglob("*.py")]
    found = {file.name for file in sources if any(word in file.read_text(encoding="utf-8") for word in asking)}
    assert found == {"memory.py"}

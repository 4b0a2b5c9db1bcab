"""What is asked of a sweep is checked before anything is trained."""

from pathlib import Path

import pytest
from rich.console import Console

from assets.paths import Paths
from pipelines.profiles import PROFILES
from pipelines.sweeping.preparing import Asked, read_request
from pipelines.sweeping.sweep import sweep
from sepmodels.errors import UserError
from sepmodels.machine import disk_kind
from sepmodels.machine.folder_lock import FolderLock

DEMO = PROFILES["demo"]


def request(data: Path, seed: int | None = None) -> Asked:
    return read_request(DEMO, Paths(data, DEMO.name), "transformer", (), trials=2, steps=None, seed=seed, jobs=1)


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_number_that_is_no_seed_is_refused(tmp_path: Path, seed: int) -> None:
    with pytest.raises(UserError, match=f"--seed cannot be {seed}: expected a number from 0 to 4294967295"):
        request(tmp_path, seed)
    assert request(tmp_path, 2**32 - 1).seed == 2**32 - 1


def test_on_a_network_disk_a_sweep_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    monkeypatch.setattr(disk_kind, "MOUNTS", mounts)
    with pytest.raises(UserError, match=r"sweeps is on a network disk \(nfs4\), .* name a data folder .* with --data"):
        request(tmp_path / "data")


def test_a_sweep_is_done_by_one_command_at_a_time_and_says_on_which_machine(tmp_path: Path) -> None:
    asked, paths = request(tmp_path), Paths(tmp_path, DEMO.name)
    with (
        FolderLock(asked.folder(paths) / ".held", "elsewhere").acquire(),
        pytest.raises(UserError, match=r"Another command does the sweep in .*, on the machine elsewhere, or has yet"),
    ):
        sweep(asked, paths, Console())

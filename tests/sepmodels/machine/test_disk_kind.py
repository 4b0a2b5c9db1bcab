"""The kind of the disk that a folder is on is known from the list of what is mounted."""

from pathlib import Path

import pytest

from pipelines.graph.instance import history, require_fit, use_instance
from sepmodels.errors import UserError
from sepmodels.machine import disk_kind as module
from sepmodels.machine.disk_kind import disk_kind

MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/fast tmpfs rw 0 0
server:/x /mnt/my\040disk lustre rw 0 0
"""


@pytest.fixture(autouse=True)
def mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    found = tmp_path / "mounts"
    found.write_text(MOUNTS)
    monkeypatch.setattr(module, "MOUNTS", found)
    return found


@pytest.mark.parametrize(
    ("folder", "kind"),
    [("/data", "ext4"), ("/home/me", "nfs4"), ("/home/me/fast/data", "tmpfs"), ("/mnt/my disk/data", "lustre")],
)
def test_the_mount_that_is_nearest_decides(mounts: Path, folder: str, kind: str) -> None:
    assert disk_kind(Path(folder)) == kind
    mounts.unlink()
    assert disk_kind(Path(folder)) == ""


def test_records_in_files_of_a_network_disk_can_still_be_looked_at(mounts: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    use_instance(data)
    mounts.write_text(f"server:/x {tmp_path} nfs4 rw 0 0\n")
    with history(data) as instance:
        assert instance.get_runs_count() == 0
        assert not Path(instance.root_directory).is_relative_to(data)


def test_records_in_files_are_refused_on_a_network_disk() -> None:
    require_fit(Path("/data"))
    with pytest.raises(UserError) as fault:
        require_fit(Path("/mnt/my disk/data"))
    assert str(fault.value).startswith("The data folder /mnt/my disk/data is on a network disk (lustre), where SQLite")
    assert "name a folder on a disk of this machine with --data, or a PostgreSQL database" in str(fault.value)

"""What kind of file system a folder is on."""

from pathlib import Path

MOUNTS = Path("/proc/mounts")
# As Linux names them there. Whoever relies on locks and the order of writes of theirs loses data.
NETWORK_DISKS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "lustre", "gpfs", "beegfs", "beegfs_nodev", "ceph", "glusterfs"}
    | {"orangefs", "pvfs2", "panfs", "wekafs"}
    | {"fuse.glusterfs", "fuse.sshfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone"}
)


def disk_kind(folder: Path) -> str:
    """The kind of the file system that a folder is on, or will be, as Linux names it; empty where that is not known."""
    try:
        lines = [line.split() for line in MOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()]
    except OSError:
        return ""
    kinds = {_unescaped(line[1]): line[2] for line in lines if len(line) > 2}  # what is mounted later lies over it
    whole = folder.resolve()
    on = [place for place in kinds if whole.is_relative_to(place)]
    return kinds[max(on, key=len)] if on else ""


def _unescaped(place: str) -> str:
    """A path as it is: Linux writes blanks as octal digits there.

    >>> _unescaped("/mnt/my\\\\040disk")
    '/mnt/my disk'
    """
    return place.replace("\\040", " ").replace("\\011", "\t").replace("\\134", "\\")

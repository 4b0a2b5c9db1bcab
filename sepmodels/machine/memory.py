"""How much memory is free: on the machine, and within the control groups that a container or a job is held in."""

from collections.abc import Iterator
from pathlib import Path

import psutil

from sepmodels.marks import speed_only

GIB = 2**30


@speed_only
def free_host_bytes(proc: Path = Path("/proc"), groups: Path = Path("/sys/fs/cgroup")) -> int:
    """Memory that this process may still take: what Linux calls available, within every limit above it.

    proc, groups: where the system tells of processes and of control groups.
    """
    return max(0, min([int(psutil.virtual_memory().available), *_rooms(proc, groups)]))


def _rooms(proc: Path, groups: Path) -> Iterator[int]:
    """What each control group that the process is in leaves of its limit.

    A page that a file was read into, and that nobody used again, counts as used by a group and is given up when
    memory is short (``inactive_file``), as available memory has it. Version 2 of control groups has one tree,
    version 1 one for memory (Linux, Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst).
    """
    for base, place in _places(proc, groups):
        for folder in (place, *place.parents):
            if not folder.is_relative_to(base):
                break
            if folder.is_dir():
                yield from _room(folder, ("memory.max", "memory.high"), "memory.current", "inactive_file")
                yield from _room(folder, ("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")


def _places(proc: Path, groups: Path) -> Iterator[tuple[Path, Path]]:
    """For each tree its root and the process's own group in it; in a container that sees only its own they are one."""
    for line in _read(proc / "self" / "cgroup").splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield groups, groups / path.lstrip("/")
        elif "memory" in controllers.split(","):
            yield groups / "memory", groups / "memory" / path.lstrip("/")


def _room(folder: Path, limits: tuple[str, ...], used: str, reclaimable: str) -> Iterator[int]:
    stat = dict(line.split(maxsplit=1) for line in _read(folder / "memory.stat").splitlines() if " " in line)
    for limit in limits:
        most, current = _read(folder / limit).strip(), _read(folder / used).strip()
        if most.isdigit() and current.isdigit():
            yield int(most) - max(0, int(current) - int(stat.get(reclaimable, "0")))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except OSError:  # no such file, or not for us to read
        return ""

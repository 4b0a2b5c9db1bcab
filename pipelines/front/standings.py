"""What is stale and why, looked for in a process of its own: it sees the code as it is now, whatever was imported."""

import asyncio
import json
import sys
import time
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from assets.paths import PROJECT, Paths

CODE = ("sepmodels", "assets", "pipelines")


class Standings:
    """The last look, and the one that is under way."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._seen: object = None
        self._looking: asyncio.Task | None = None
        self._said: dict[str, Any] = {"products": [], "looked_at": None, "fault": ""}

    def said(self) -> dict[str, Any]:
        """products: as ``sepbench stale --json`` gives them. looked_at: since 1970. fault: why there are none."""
        return {**self._said, "looking": self._looking is not None and not self._looking.done()}

    def look_if_changed(self, runs: Iterable[str]) -> None:
        """Look if the code, the settings or the runs that go on are no longer those of the last look."""
        now = (tuple(sorted(runs)), _fingerprint(self._paths))
        if now != self._seen and (self._looking is None or self._looking.done()):
            self._seen = now
            self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """End the look that is under way."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "pipelines.front.look"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, fault = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.communicate()
        if process.returncode == 0:
            self._said = {"products": json.loads(out), "looked_at": time.time(), "fault": ""}
        else:
            lines = fault.decode(errors="replace").strip().splitlines()
            self._said = {**self._said, "fault": lines[-1] if lines else "It ended without a word."}


def _fingerprint(paths: Paths) -> int:
    files = [path for folder in CODE for path in (PROJECT / folder).rglob("*.py")]
    files += paths.root.glob("*.toml")
    files += paths.root.glob("systems/*.toml")
    files += (path for folder in _folders_beside(paths) for path in folder.glob("*.py"))
    return hash(tuple(sorted((str(path), _changed(path)) for path in files)))


def _folders_beside(paths: Paths) -> set[Path]:
    """The folders of code outside the project that variants are made by, as far as their files can be read."""
    found = set()
    for file in paths.systems.glob("*.toml"):
        try:
            variants = tomllib.loads(file.read_text(encoding="utf-8")).get("variants")
        except (OSError, ValueError):
            continue
        if isinstance(variants, str):
            found.add((paths.systems / variants).parent)
    return found


def _changed(path: Path) -> tuple[int, int]:
    try:
        about = path.stat()
    except OSError:  # removed meanwhile
        return 0, 0
    return about.st_mtime_ns, about.st_size

"""What ``sepbench doctor`` asks of a cluster: to make one trivial part."""

import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from assets.chains import LEARNING
from assets.paths import Paths
from assets.runtime.cluster import cluster_settings
from pipelines.doctor.finding import Finding
from sepmodels.cluster import trivial
from sepmodels.cluster.engine import Away
from sepmodels.cluster.making import make_parts
from sepmodels.cluster.part import Files, Needs, Part
from sepmodels.cluster.same_code import versions_of
from sepmodels.cluster.settings import FILE, ClusterSettings
from sepmodels.cluster.storage import Storage
from sepmodels.errors import UserError
from sepmodels.files import mark_of
from sepmodels.machine.identity import this_process

WAIT_SECONDS = 120.0  # for a part of a second, in the cluster's queue most of all


def check_cluster(paths: Paths) -> Finding:
    """Whether the cluster of ``cluster.toml`` makes a part; nothing is asked of one where none is set."""
    try:
        settings = cluster_settings(paths.data)
        if settings.executor == "local":
            return Finding("cluster", "ok", f"none: {paths.data / FILE} names no executor, all is made on this machine")
        return _tried(settings, paths.data)
    except UserError as fault:
        return Finding("cluster", "fail", str(fault), f"Mend {paths.data / FILE}, or what is said here.")


def check_storage(paths: Paths) -> Finding:
    """Whether the object storage of ``cluster.toml`` takes something and gives it back."""
    try:
        settings = cluster_settings(paths.data)
        if settings.executor == "local" or not settings.storage.url:
            return Finding("storage", "ok", "none: workers of a cluster, if one is set, see the data folder")
        return _round_trip(settings.storage.url)
    except (UserError, Away) as fault:
        return Finding("storage", "fail", str(fault), f"Mend {paths.data / FILE}, or what is said here.")


def _round_trip(url: str) -> Finding:
    storage, name = Storage(url), f"check-{mark_of(this_process())}.json"
    began, content = time.monotonic(), {"said": this_process()}
    storage.write(name, content)
    found = storage.read(name)
    storage.remove(name)
    seconds = time.monotonic() - began
    if found != content or storage.read(name):
        said = f"{url} does not give back at once what was put there"
        return Finding("storage", "fail", said, "Use a storage that shows each object as soon as it was put there.")
    return Finding("storage", "ok", f"{url} took a small object, gave it back and removed it in {seconds:.1f} s")


def _tried(settings: ClusterSettings, data: Path) -> Finding:
    folder = data / f"cluster-check-{mark_of(this_process())}"
    needs = Needs(settings.gpus, settings.processors, settings.memory_gb)
    files = Files(makes=(str(folder / "seen"),), roots=(str(folder),))
    part = Part("look", f"{trivial.__name__}:{trivial.look.__name__}", {"folder": str(folder)}, needs, files)
    hears = _Hears()
    try:
        found = make_parts([part], folder, settings, versions_of(LEARNING), hears, patience_seconds=WAIT_SECONDS)[
            "look"
        ]
    except TimeoutError:
        why = f" ({hears.last})" if hears.last else ""
        return Finding(
            "cluster",
            "warn",
            f"{settings.executor} took a part, and has not made it in {WAIT_SECONDS:.0f} s{why}",
            "Its queue may be long. If that is not so, its own programs say why it waits.",
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if found.outcome != "done":
        return Finding("cluster", "fail", found.sentence, f"Mend {data / FILE}, or what is said here.")
    return _finding(settings, found.value)


class _Hears:
    """Keeps the last word of the engine."""

    last = ""

    def log(self, part: Part, figures: Mapping[str, float], step: int) -> None:
        pass

    def progress(self, done: int, total: int, unit: str, **figures: float) -> None:
        pass

    def say(self, sentence: str) -> None:
        pass

    def warn(self, sentence: str) -> None:
        self.last = sentence


def _finding(settings: ClusterSettings, seen: Mapping[str, int | str]) -> Finding:
    said = f"{settings.executor} made a part on {seen['machine']}: {seen['processors']} processors"
    said += f", {seen['gpus']} GPUs, Python {seen['python']}"
    if int(seen["gpus"]) < settings.gpus:
        remedy = "torch has to be one for CUDA there, and slurm.gpu_option what this cluster gives GPUs by."
        return Finding("cluster", "warn", f"{said}, where gpus = {settings.gpus} was asked for", remedy)
    return Finding("cluster", "ok", said)

"""How many trainings run side by side: one on each GPU; on a CPU as many as processors and memory have room for."""

from pathlib import Path
from typing import Any

import dagster as dg

from assets.factory import HEAD
from assets.paths import data_folder
from assets.runtime.cluster import cluster_settings, is_cluster_used
from assets.runtime.gpus import count_gpus, leaves_the_choice
from assets.runtime.hosts import pool_name
from pipelines.graph.executor import processes
from sepmodels.machine.memory import GIB, free_host_bytes
from sepmodels.machine.parallel import usable_cores
from sepmodels.settings import Profile, TrainingSettings

# Steps start from one process that has already paid for the imports.
FORKSERVER = {
    "forkserver": {"preload_modules": ["torch", "mlflow", "museval", "pandas", "pipelines.graph.definitions"]}
}

# Of a training on a CPU: Python with torch, and what grows with the audio in a batch (the thirstiest variant's).
BASE_GIB = 1.0
GIB_PER_SECOND_OF_AUDIO = 0.06


def training_slots(profile: Profile, *, gpus: int, processors: int, free_gib: float) -> int:
    """The number of trainings at once on such a machine; at least one.

    >>> from pipelines.profiles import PROFILES
    >>> training_slots(PROFILES["demo"], gpus=0, processors=8, free_gib=6.0)
    3
    >>> training_slots(PROFILES["musdb18"], gpus=0, processors=8, free_gib=64.0)
    1
    """
    threads = profile.training.threads * profile.training.processes
    on_gpu = gpus > 0 if profile.device == "auto" else profile.device.startswith("cuda")
    if on_gpu:
        alone = profile.training.processes == 1 and leaves_the_choice(profile.device)
        return max(1, gpus) if alone else 1
    if threads == 0:
        return 1
    return max(1, min(processors // threads, int(free_gib / needed_gib(profile.training))))


def needed_gib(settings: TrainingSettings) -> float:
    """About how much memory a training takes on a CPU."""
    return BASE_GIB * settings.processes + GIB_PER_SECOND_OF_AUDIO * settings.batch * settings.chunk_seconds


def slots_here(profile: Profile) -> int:
    """The number of trainings at once on this machine, now."""
    return training_slots(
        profile,
        gpus=count_gpus(),
        processors=usable_cores(),
        free_gib=free_host_bytes() / GIB,
    )


def steps_at_once(profile: Profile, data: Path) -> int:
    """How many trainings and separations run at once: as many as this machine has room for, or the cluster is given."""
    return cluster_settings(data).parallel if is_cluster_used(data) else slots_here(profile)


def executor_for(profile: Profile) -> dg.ExecutorDefinition:
    """An executor for as many trainings as there are slots, and one more step beside them."""
    return processes.configured(side_by_side(profile), name="side_by_side")


def side_by_side(profile: Profile) -> dict[str, Any]:
    """What the executor is told.

    With a cluster these are many, for they only wait; of what is left to this machine no more go at once than without.
    """
    config: dict[str, Any] = {"max_concurrent": steps_at_once(profile, data_folder()) + 1, "start_method": FORKSERVER}
    if is_cluster_used(data_folder()):
        ((key, value),) = HEAD.items()
        config["tag_concurrency_limits"] = [{"key": key, "value": value, "limit": slots_here(profile) + 1}]
    return config


def give_slots(instance: dg.DagsterInstance, profile: Profile) -> int:
    """Let so many steps of the pool run at once in this instance as there are slots; gives their number."""
    slots = steps_at_once(profile, data_folder())
    instance.event_log_storage.set_concurrency_slots(pool_name(), slots)
    return slots

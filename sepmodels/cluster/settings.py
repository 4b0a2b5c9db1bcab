"""``cluster.toml``: where the parts of a benchmark are made, and what each of them may use."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_type_hints

from sepmodels.errors import UserError, unknown_name

Executor = Literal["local", "ray", "slurm"]
EXECUTORS: tuple[Executor, ...] = get_args(Executor)
FILE = "cluster.toml"  # in the data folder
LEAST_MINUTES = 5
T = TypeVar("T")


@dataclass(frozen=True)
class SlurmSettings:
    """How jobs are asked of Slurm.

    partition, account: as of ``sbatch``; empty: the cluster's own choice.
    minutes: the time limit of a job; 0: the partition's. A training that needs longer goes on in a job after it.
    gpu_option: the option of ``sbatch`` by which this cluster gives GPUs; ``{gpus}`` stands for their number.
    options: any other options of ``sbatch``, such as "--qos=long".
    """

    partition: str = ""
    account: str = ""
    minutes: int = 0
    gpu_option: str = "--gres=gpu:{gpus}"
    options: tuple[str, ...] = ()


@dataclass(frozen=True)
class RaySettings:
    """How Ray is reached.

    address: HOST:PORT of its head; auto: the one that runs on this machine.
    """

    address: str = "auto"


@dataclass(frozen=True)
class StorageSettings:
    """Object storage, for workers that do not see the head's data folder.

    url: such as "s3://bucket/prefix", as fsspec reads it; empty: workers see the folder.
    cache: a folder on each node, for what its workers read and make. cache_gb: of what they read, at most.
    """

    url: str = ""
    cache: str = "/tmp/sepbench-cache"
    cache_gb: float = 50.0


@dataclass(frozen=True)
class ClusterSettings:
    """Where parts are made, and what each may use.

    executor: local (in the steps themselves, on this machine), ray or slurm.
    parallel: how many steps have parts made at once; their parts wait for the cluster's own turn.
    retries: how often a part that ended without a result is begun again from what it saved.
    silent_minutes: after which a part that tells nothing is ended, and begun again.
    gpus: of each training and separation, and of each process of a training of several.
    processors: of each part. Its threads are as many; where they differ, results differ by rounding.
    memory_gb: of each part, in GB; 0: none is asked for.
    command: words that start Python on the cluster's machines, such as a container's; none: this same Python.
    """

    executor: Executor = "local"
    parallel: int = 8
    retries: int = 2
    silent_minutes: float = 60.0
    gpus: int = 0
    processors: int = 2
    memory_gb: float = 0.0
    command: tuple[str, ...] = ()
    slurm: SlurmSettings = field(default_factory=SlurmSettings)
    ray: RaySettings = field(default_factory=RaySettings)
    storage: StorageSettings = field(default_factory=StorageSettings)


def read_cluster(file: Path, executor: str = "") -> ClusterSettings:
    """The settings of a file; the defaults where there is none. executor: in place of the file's, unless empty.

    Raises UserError for a file that is no TOML, and for keys and values that cannot be.
    """
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        found = {}
    except (OSError, ValueError) as error:
        raise UserError(f"{file} cannot be read as TOML ({error}): mend it.") from None
    settings = _filled(ClusterSettings(), found, file, "")
    settings = replace(settings, executor=as_executor(executor or settings.executor))
    _check(settings, file)
    return settings


def as_executor(name: str) -> Executor:
    """The executor of that name; raises UserError where there is none."""
    for one in EXECUTORS:
        if name == one:
            return one
    raise unknown_name("executor", name, EXECUTORS)


def _filled(plain: T, found: Mapping[str, Any], file: Path, table: str) -> T:
    """The dataclass with the values that were found."""
    kinds = get_type_hints(type(plain))
    known = [entry.name for entry in fields(plain)]  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for name, value in found.items():
        if name not in known:
            raise unknown_name(f"key of {file}", f"{table}{name}", [f"{table}{one}" for one in known])
        before = getattr(plain, name)
        if is_dataclass(before) and isinstance(value, dict):
            values[name] = _filled(before, value, file, f"{name}.")
        else:
            values[name] = _value(value, kinds[name], file, f"{table}{name}")
    return replace(plain, **values)  # type: ignore[type-var]


def _value(value: Any, kind: Any, file: Path, name: str) -> Any:
    if kind == tuple[str, ...] and isinstance(value, list) and all(isinstance(one, str) for one in value):
        return tuple(value)
    if kind is float and type(value) in (int, float):
        return float(value)
    if kind is int and type(value) is int:
        return value
    if (kind is str or kind == Executor) and isinstance(value, str):
        return value
    words = {int: "a whole number", float: "a number", tuple[str, ...]: 'a list of texts, such as ["a", "b"]'}
    wanted = "a table" if is_dataclass(kind) else words.get(kind, "a text in quotes")
    raise UserError(f"{file} has {value!r} for {name}, where {wanted} is expected.")


def _check(settings: ClusterSettings, file: Path) -> None:
    least = {"parallel": 1, "retries": 0, "gpus": 0, "processors": 1, "memory_gb": 0}
    for name, bound in least.items():
        if getattr(settings, name) < bound:
            raise UserError(f"{file} has {getattr(settings, name)} for {name}, where at least {bound} is expected.")
    if settings.silent_minutes <= 0:
        raise UserError(f"{file} has {settings.silent_minutes:g} for silent_minutes: give more than 0.")
    if settings.slurm.minutes and settings.slurm.minutes < LEAST_MINUTES:
        raise UserError(
            f"{file} has {settings.slurm.minutes} for slurm.minutes, of which the last is for saving: give at least "
            f"{LEAST_MINUTES}, or 0 for the partition's own limit."
        )
    if settings.gpus and "{gpus}" not in settings.slurm.gpu_option:
        raise UserError(f"{file} has no {{gpus}} in slurm.gpu_option: write it where their number stands.")
    storage = settings.storage
    if storage.url and "://" not in storage.url:
        raise UserError(f"{file} has {storage.url!r} for storage.url: give an address such as s3://bucket/prefix.")
    if "@" in storage.url:
        raise UserError(f"{file} has a name or password in storage.url: set them as variables, such as AWS_PROFILE.")
    if not Path(storage.cache).is_absolute():
        raise UserError(f"{file} has {storage.cache!r} for storage.cache: give a whole path, as it is on the nodes.")
    if storage.cache_gb <= 0:
        raise UserError(f"{file} has {storage.cache_gb:g} for storage.cache_gb: give more than 0.")

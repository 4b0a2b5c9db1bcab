"""What ``sepbench doctor`` asks of the machine: interpreter, packages, GPU, processors, memory, ffmpeg, ports."""

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, metadata, requires, version

from assets.paths import PROJECT, Paths, is_checkout
from assets.tracking.provenance import git_refusal, git_state
from pipelines.doctor.finding import GIB, Finding
from sepmodels.errors import UserError
from sepmodels.settings import Profile

INSTALL = "Run `make setup` in the project's folder." if is_checkout() else "Install with pip what is named here."
FFMPEG_REMEDY = "Install it: `sudo apt-get install ffmpeg` (Debian, Ubuntu) or `brew install ffmpeg` (macOS)."
MEMORY_GIB = 4


def check_python() -> Finding:
    wanted, _ = _wanted()
    found = f"{platform.python_version()} in {sys.prefix}"
    if _satisfies(platform.python_version(), wanted):
        return Finding("Python", "ok", found)
    return Finding("Python", "fail", f"{found}, where {wanted} is wanted", "Make .venv anew with a newer Python.")


def check_packages() -> Finding:
    """Every dependency of the project, in a version that it asks for; the ones that decide results by name."""
    from packaging.requirements import Requirement

    faults, found = [], {}
    for wanted in map(Requirement, _wanted()[1]):
        if wanted.marker and not wanted.marker.evaluate({"extra": ""}):
            continue  # of an extra, or of another system
        try:
            found[wanted.name] = version(wanted.name)
        except PackageNotFoundError:
            faults.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(found[wanted.name], prereleases=True):
            faults.append(f"{wanted.name} is {found[wanted.name]}, where {wanted.specifier} is wanted")
    if faults:
        return Finding("packages", "fail", "; ".join(faults), INSTALL)
    named = ", ".join(f"{name} {found[name]}" for name in ("torch", "dagster", "mlflow", "museval"))
    return Finding("packages", "ok", f"{len(found)} packages, all in versions that fit: {named}...")


def check_git() -> Finding:
    if refusal := git_refusal():
        return Finding("git", "warn", refusal)
    commit = git_state().get("mlflow.source.git.commit")
    return Finding(
        "git", "ok", f"commit {commit[:12]}" if commit else "this is no checkout of git: runs name no commit"
    )


def check_torch() -> Finding:
    """torch and torchaudio are built for each other, or the second does not even import."""
    try:
        import torch
        import torchaudio
    except (ImportError, OSError, RuntimeError) as error:
        detail = f"torch and torchaudio do not import together: {error}"
        return Finding("torch", "fail", detail, f"{INSTALL} It installs the two from the same index.")
    return Finding("torch", "ok", f"torch {torch.__version__} and torchaudio {torchaudio.__version__} import together")


def check_gpu(profile: Profile) -> Finding:
    import torch

    if torch.cuda.is_available():
        cards = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
        named = ", ".join(f"{card.name} with {card.total_memory / GIB:.0f} GiB" for card in cards)
        return Finding("GPU", "ok", f"{named}; {_driver() or 'driver not known'}")
    if driver := _driver():
        remedy = "Bring the driver up to date, or install a build of torch for it."
        return Finding("GPU", "warn", f"there is one ({driver}), but torch {torch.__version__} cannot use it", remedy)
    if profile.training.steps is None:
        remedy = "Use a machine with a CUDA GPU, or a profile with a smaller budget."
        return Finding("GPU", "warn", f"none; the budget of {profile.name} is made for one", remedy)
    return Finding("GPU", "ok", "none: the CPU does the work")


def check_device(profile: Profile, paths: Paths) -> Finding:
    """Whether the device that the settings name is here."""
    from assets.runtime.gpus import require_device

    try:
        require_device(profile, paths.data)
    except UserError as fault:
        return Finding("device", "fail", str(fault), "`--set device=auto` takes what is here.")
    return Finding("device", "ok", profile.device)


def _driver() -> str | None:
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    query = [tool, "--query-gpu=name,driver_version", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=30)
    first = done.stdout.strip().splitlines()[:1]
    return f"driver {first[0].rpartition(', ')[2]}" if done.returncode == 0 and first else None


def check_processors() -> Finding:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = os.environ.get("OMP_NUM_THREADS")
    if threads and threads.isdigit() and int(threads) < usable:
        detail = f"{usable} threads, of which OMP_NUM_THREADS leaves {threads}"
        return Finding("processors", "warn", detail, "Unset OMP_NUM_THREADS for training.")
    return Finding("processors", "ok", f"{usable} threads")


def check_memory() -> Finding:
    from sepmodels.machine.memory import free_host_bytes

    free_gib = free_host_bytes() / GIB
    if free_gib < MEMORY_GIB:
        remedy = f"Close other programs; training and scoring want about {MEMORY_GIB} GiB."
        return Finding("memory", "warn", f"{free_gib:.1f} GiB free", remedy)
    return Finding("memory", "ok", f"{free_gib:.1f} GiB free")


def check_ffmpeg() -> Finding:
    """ffmpeg and ffprobe, with the codec of MUSDB18's files both ways (the demo writes such files too)."""
    missing = [tool for tool in ("ffmpeg", "ffprobe") if shutil.which(tool) is None]
    if missing:
        return Finding("ffmpeg", "fail", f"{' and '.join(missing)} not found on the PATH", FFMPEG_REMEDY)
    found = re.match(r"ffmpeg version (\S+)", _ffmpeg("-version"))
    for listing, flags in (("-decoders", "A"), ("-encoders", "A")):
        if not re.search(rf"^ {flags}\S+ aac ", _ffmpeg(listing), re.MULTILINE):
            return Finding("ffmpeg", "fail", f"it has no AAC among its {listing[1:]}", FFMPEG_REMEDY)
    return Finding("ffmpeg", "ok", f"{found[1] if found else 'version not known'}, with AAC")


def _ffmpeg(option: str) -> str:
    command = ["ffmpeg", "-hide_banner", option]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout


def check_port(port: int = 3000) -> Finding:
    from pipelines.ports import free_port

    if free_port("127.0.0.1", port) != port:
        return Finding("port", "warn", f"{port} is taken", "`sepbench ui` takes the next free one, and says which.")
    return Finding("port", "ok", f"{port} is free for the pages")


def _wanted() -> tuple[str, list[str]]:
    """Which Python, and which packages: as the checkout says it now, or as the package that is installed does."""
    if is_checkout():
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        return project["requires-python"], project["dependencies"]
    return metadata("sepbench")["Requires-Python"], requires("sepbench") or []


def _satisfies(found: str, wanted: str) -> bool:
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(wanted).contains(found, prereleases=True)

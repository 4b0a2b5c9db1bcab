"""``sepbench doctor``: what the benchmark needs, what is there, and what to do about the rest."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from assets.paths import Paths
from pipelines.doctor import cluster_checks, data_checks, machine_checks
from pipelines.doctor.finding import Finding, guarded
from sepmodels.settings import Profile

STYLES = {"ok": "green", "warn": "yellow", "fail": "red"}


def checks(profile: Profile, paths: Paths) -> list[Finding]:
    """Everything that ``sepbench doctor`` looks at, in the order of its table. Raises nothing."""
    looks = {
        "Python": machine_checks.check_python,
        "packages": machine_checks.check_packages,
        "git": machine_checks.check_git,
        "torch": machine_checks.check_torch,
        "GPU": lambda: machine_checks.check_gpu(profile),
        "device": lambda: machine_checks.check_device(profile, paths),
        "processors": machine_checks.check_processors,
        "memory": machine_checks.check_memory,
        "ffmpeg": machine_checks.check_ffmpeg,
        "data folder": lambda: data_checks.check_data_folder(paths),
        "disk": lambda: data_checks.check_disk(profile, paths),
        "cluster": lambda: cluster_checks.check_cluster(paths),
        "storage": lambda: cluster_checks.check_storage(paths),
        "dataset": lambda: data_checks.check_dataset(profile, paths),
        "test sets": lambda: data_checks.check_test_sets(profile),
        "Dagster": lambda: data_checks.check_dagster(paths),
        "products": lambda: data_checks.check_products(profile, paths),
        "MLflow": lambda: data_checks.check_mlflow(paths),
        "port": machine_checks.check_port,
    }
    return [guarded(name, look) for name, look in looks.items()]


def examine(profile: Profile, paths: Paths, console: Console) -> bool:
    """Print all findings, with what to do; True unless something that the benchmark needs is missing."""
    found = checks(profile, paths)
    listing = Table(title=f"sepbench, profile {profile.name}", box=None, pad_edge=False, title_justify="left")
    for heading in ("", "what", "found"):
        listing.add_column(heading, no_wrap=heading != "found", overflow="fold")
    for check in found:
        remedy = f"\n[{STYLES[check.status]}]{escape(check.remedy)}[/]" if check.remedy else ""
        listing.add_row(f"[{STYLES[check.status]}]{check.status}[/]", check.name, escape(check.detail) + remedy)
    console.print(listing, highlight=False)
    failed = [check.name for check in found if check.status == "fail"]
    if failed:
        console.print(f"\n[red]Missing for a run of {profile.name}:[/] {', '.join(failed)}.", highlight=False)
    else:
        console.print(f"\nAll that a run of {profile.name} needs is there.", highlight=False)
    return not failed

"""What ``sepbench doctor`` asks of the data folder: room, dataset, the stores of Dagster and MLflow."""

import shutil
from collections import Counter
from pathlib import Path

from assets import database
from assets.making.public_dataset import archive_of, is_licence_accepted, is_to_be_fetched
from assets.paths import Paths
from pipelines.dataset_look import require_dataset
from pipelines.doctor.finding import GIB, Finding
from pipelines.graph.instance import require_fit, use_instance
from pipelines.graph.slots import slots_here
from pipelines.permissions import require_writable
from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.dataset.other_test_sets import other_test_sets, require_tracks
from sepmodels.dataset.public.archives import ARCHIVES
from sepmodels.errors import UserError
from sepmodels.files import bytes_below
from sepmodels.settings import Profile
from sepmodels.systems.variants import variants_of

# Hours of music, and of them in the test split, as long as no table of tracks says it exactly.
TYPICAL_HOURS = {"demo": (0.05, 0.02), "musdb18-7s": (0.28, 0.1), "musdb18": (10.0, 3.5), "musdb18hq": (10.0, 3.5)}
TRAINING_BYTES = 80 * 10**6  # of one that has ended: the best model, and its copy in MLflow
STATES_BYTES = 330 * 10**6  # of one under way: two states with the optimiser's, and the one that is being written


def check_data_folder(paths: Paths) -> Finding:
    folder = next(parent for parent in (paths.data, *paths.data.parents) if parent.exists())
    if not folder.is_dir():
        remedy = "Name another folder with --data."
        return Finding("data folder", "fail", f"{paths.data} cannot be written: {folder} is no folder", remedy)
    try:
        require_writable(paths)
        require_fit(paths.data)
    except UserError as fault:
        return Finding("data folder", "fail", str(fault), "Name another folder with --data.")
    return Finding("data folder", "ok", f"{paths.data}{'' if paths.data.exists() else ', made on the first run'}")


def check_disk(profile: Profile, paths: Paths) -> Finding:
    """Room for what the profile has yet to write."""
    folder = next(parent for parent in (paths.data, *paths.data.parents) if parent.is_dir())
    free = shutil.disk_usage(folder).free
    hours = _hours(profile, paths)
    if hours is None:
        return Finding(
            "disk", "ok", f"{free / GIB:.1f} GiB free; what {profile.name} needs is known once it has tracks"
        )
    needed = max(0, bytes_needed(profile, *hours) + bytes_to_fetch(profile, paths) - _bytes_made(paths))
    detail = f"{free / GIB:.1f} GiB free, about {needed / GIB:.1f} GiB more needed by {profile.name}"
    if free < needed:
        return Finding("disk", "fail", detail, "Make room, or name a folder on another disk with --data.")
    return Finding("disk", "ok", detail)


def bytes_needed(profile: Profile, hours: float, test_hours: float) -> int:
    """What a whole benchmark of a profile takes: the stem cache, every variant's estimates, trainings."""
    systems = len(variants_of(profile)) * len(profile.seeds)
    stems = hours * 3600 * SAMPLE_RATE_HZ * len(STREAMS) * 2 * 2  # int16 (stream, channel, sample)
    estimates = test_hours * 3600 * SAMPLE_RATE_HZ * 2 * 4 * systems  # float32 (channel, sample)
    return round(stems + estimates) + systems * TRAINING_BYTES + slots_here(profile) * STATES_BYTES


def bytes_to_fetch(profile: Profile, paths: Paths) -> int:
    """What a dataset that is yet to be fetched takes: its archive, and beside it what it unpacks to."""
    archive = archive_of(profile)
    return archive.size_bytes + archive.unpacked_bytes if archive and is_to_be_fetched(profile, paths) else 0


def _hours(profile: Profile, paths: Paths) -> tuple[float, float] | None:
    if not paths.tracks.exists():
        return TYPICAL_HOURS.get(profile.name)
    import pandas as pd

    table = pd.read_parquet(paths.tracks, columns=["split", "duration_seconds"])
    test = table[table.split == "test"]
    return table.duration_seconds.sum() / 3600, test.duration_seconds.sum() / 3600


def _bytes_made(paths: Paths) -> int:
    """What the profile has written so far, without its dataset."""
    return bytes_below(paths.root) - bytes_below(paths.dataset)


def check_dataset(profile: Profile, paths: Paths) -> Finding:
    """Where the dataset is, and whether its files are complete by name; none is decoded."""
    from sepmodels.dataset.file_sentences import file_sentences
    from sepmodels.dataset.layouts import find_tracks

    folder = Path(profile.dataset.folder) if profile.dataset.folder else paths.dataset
    if profile.dataset.layout == "demo":
        try:
            require_dataset(profile, paths)
        except UserError as fault:
            return Finding("dataset", "fail", str(fault), "Do what is said here; --dataset names another folder.")
    if profile.dataset.layout == "demo" and not folder.exists():
        return Finding("dataset", "ok", f"made in {folder} on the first run")
    if is_to_be_fetched(profile, paths):
        return _check_fetching(profile, paths)
    if not folder.is_dir():
        remedy = "Name its folder with --dataset: a folder per track with vocals and other stems."
        return Finding("dataset", "fail", f"none in {folder}", remedy)
    try:
        tracks = find_tracks(folder, profile.dataset)
    except UserError as fault:
        remedy = "`sepbench run` makes it whole." if profile.dataset.layout == "demo" else "Mend what is said here."
        return Finding("dataset", "warn" if profile.dataset.layout == "demo" else "fail", str(fault), remedy)
    splits = Counter(track.split for track in tracks)
    counts = ", ".join(f"{splits[split]} {split}" for split in ("train", "valid", "test"))
    told = {} if profile.dataset.layout == "demo" else file_sentences(folder, tracks)
    detail = "\n".join([f"{len(tracks)} tracks in {folder}: {counts}", *told.values()])
    return Finding("dataset", "ok", detail)


def check_test_sets(profile: Profile) -> Finding:
    """Whether the files of the other test sets are complete by name."""
    try:
        found = [f"{one.name}: {len(require_tracks(one))} tracks in {one.folder}" for one in other_test_sets(profile)]
    except UserError as fault:
        remedy = "Do what is said here, or take the set out: `sepbench settings unset test_sets` takes all out."
        return Finding("test sets", "fail", str(fault), remedy)
    return Finding("test sets", "ok", "\n".join(found) or f"{profile.name}'s own alone")


def _check_fetching(profile: Profile, paths: Paths) -> Finding:
    """A dataset that is not here, and can be fetched."""
    archive = ARCHIVES[profile.dataset.archive or ""]
    if is_licence_accepted(profile, paths):
        return Finding(
            "dataset", "ok", f"none in {paths.dataset}; {archive.title} ({archive.size}) is fetched on the first run"
        )
    remedy = (
        f"`sepbench download -p {profile.name}` shows its licence, and fetches it with --accept-licence; or name its "
        "folder with --dataset."
    )
    return Finding(
        "dataset", "fail", f"none in {paths.dataset}, and the licence of {archive.title} not accepted", remedy
    )


def check_dagster(paths: Paths) -> Finding:
    home = paths.data / "dagster"
    if not (home / "dagster.yaml").exists():
        return Finding("Dagster", "ok", f"its history is made in {home} on the first run")
    import dagster as dg

    try:
        require_fit(paths.data)
        if database.is_used():
            use_instance(paths.data)  # which says where
        with dg.DagsterInstance.from_config(str(home)) as instance:
            count = instance.get_runs_count()
    except UserError as fault:
        return Finding("Dagster", "fail", str(fault), "Do what is said here, and ask again.")
    except Exception as error:  # sqlite's, alembic's, yaml's and dagster's own have nothing else in common
        remedy = f"Move {home} away to start a new history; the products stay, but count as never made."
        return Finding("Dagster", "fail", f"the history in {home} cannot be read: {_first_line(error)}", remedy)
    return Finding("Dagster", "ok", f"{counted(count, 'run')} in {database.place_of(home)}")


def check_products(profile: Profile, paths: Paths) -> Finding:
    """How much of the benchmark is made already."""
    from pipelines.graph.selection import standing

    states = Counter(one.state for _, one in standing(profile, paths))
    behind = states["stale"] + states["waiting"]
    said = f"{states['fresh']} of {counted(states.total(), 'product')} up to date, {behind} stale"
    return Finding("products", "ok", f"{said}, {states['never']} not made yet")


def counted(number: int, thing: str) -> str:
    """
    >>> counted(1, "run"), counted(2, "run")
    ('1 run', '2 runs')
    """
    return f"{number} {thing}{'' if number == 1 else 's'}"


def check_mlflow(paths: Paths) -> Finding:
    folder = paths.data / "mlflow"
    if not database.is_used() and not (folder / "mlflow.db").exists():
        return Finding("MLflow", "ok", f"its store is made in {folder} on the first run")
    from assets.tracking.store import open_store

    try:
        client = open_store(folder)
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        runs = len(client.search_runs(experiments, max_results=10_000))
        going_on = len(client.search_runs(experiments, "attributes.status = 'RUNNING'"))
    except Exception as error:  # sqlalchemy's and mlflow's own, too
        if database.is_used():  # the folder has the files alone, which are to stay
            return Finding("MLflow", "fail", _first_line(error), "Do what is said here, and ask again.")
        remedy = f"Move {folder} away to start a new store, or do what is said here."
        return Finding("MLflow", "fail", f"the store in {folder} cannot be read: {_first_line(error)}", remedy)
    return Finding(
        "MLflow",
        "ok",
        f"{counted(runs, 'run')} in {database.place_of(folder)}"
        + (f", {going_on} of them going on" if going_on else ""),
    )


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)

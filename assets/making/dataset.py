"""The steps that all variants share: dataset, tracks, stems per split, statistics."""

import shutil
from pathlib import Path

import pandas as pd

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.files import hash_texts, replacing
from sepmodels.settings import Profile, changed

SPLITS = ("train", "valid", "test")


def dataset_folder(profile: Profile, paths: Paths) -> Path:
    """The root of the profile's dataset: the setting, or the profile's own folder."""
    return Path(profile.dataset.folder) if profile.dataset.folder else paths.dataset


def given_files(profile: Profile, paths: Paths) -> Path | None:
    """The dataset's folder where people put its tracks there; None where they are made or fetched here, and as such."""
    from assets.making.public_dataset import is_to_be_fetched
    from sepmodels.dataset.public.archives import is_as_fetched

    if profile.dataset.layout == "demo" or is_to_be_fetched(profile, paths):
        return None
    folder = dataset_folder(profile, paths)
    return None if is_as_fetched(folder) else folder


def make_demo_dataset(job: Job) -> Made:
    """Make the demo's songs, then find and verify them."""
    from sepmodels.dataset.demo import make_demo

    make_demo(dataset_folder(job.profile, job.paths), progress=job.progress)
    return make_dataset(job)


def make_dataset(job: Job) -> Made:
    """Find and verify the tracks, fetched before where there are none."""
    from assets.making.public_dataset import fetch_dataset, is_to_be_fetched
    from sepmodels.dataset.file_sentences import file_sentences
    from sepmodels.dataset.layouts import find_tracks

    if is_to_be_fetched(job.profile, job.paths):
        fetch_dataset(job.profile, job.paths, progress=job.progress, say=job.say)
    folder = dataset_folder(job.profile, job.paths)
    tracks = find_tracks(folder, job.profile.dataset)
    hashes = _source_hashes(job, [source for track in tracks for source in track.sources])
    listing = [f"{track.name}|{track.split}|{hashes[str(source)]}" for track in tracks for source in track.sources]
    if changed(job.profile.dataset, "mapping"):
        listing += [f"{track.name}|{role}" for track in tracks for role in track.roles]
    splits = {f"{split}_tracks": sum(track.split == split for track in tracks) for split in SPLITS}
    told = {} if job.profile.dataset.layout == "demo" else file_sentences(folder, tracks)
    for sentence in told.values():
        job.say(sentence)
    return Made(hash_texts(listing), {"folder": str(folder), **splits, **told})


def _source_hashes(job: Job, sources: list[Path]) -> dict[str, str]:
    """SHA-256 of each source, read again only where its size or time of change differs from the last look."""
    from sepmodels.files import hash_file

    known: dict[tuple[str, int, int], str] = {}
    if job.paths.manifest.exists() and not job.anew:
        before = pd.read_parquet(job.paths.manifest)
        known = {(r.source, r.bytes, r.changed_ns): r.hash for r in before.itertuples()}
    rows = []
    for done, source in enumerate(sources):
        job.progress(done, len(sources), "file")
        seen = source.stat()
        key = (str(source), seen.st_size, seen.st_mtime_ns)
        rows.append((*key, known.get(key) or hash_file(source)))
    job.progress(len(sources), len(sources), "file")
    with replacing(job.paths.manifest) as temporary:
        pd.DataFrame(rows, columns=["source", "bytes", "changed_ns", "hash"]).to_parquet(temporary, index=False)
    return {row[0]: row[3] for row in rows}


def make_tracks(job: Job) -> Made:
    """Describe every track in one table."""
    from sepmodels.dataset.layouts import find_tracks
    from sepmodels.dataset.tracks import describe_tracks

    previous = pd.read_parquet(job.paths.tracks) if job.paths.tracks.exists() and not job.anew else None
    tracks = find_tracks(dataset_folder(job.profile, job.paths), job.profile.dataset)
    table = describe_tracks(
        tracks, job.profile.dataset, previous=previous, code_version=job.code_version, progress=job.progress
    )
    with replacing(job.paths.tracks) as temporary:
        table.to_parquet(temporary, index=False)
    return Made(
        hash_texts([table.drop(columns="fingerprint").to_csv(index=False)]),
        {"tracks": len(table), "hours": round(float(table.duration_seconds.sum()) / 3600, 3)},
    )


def make_stems(job: Job, split: str) -> Made:
    """Decode the tracks of one split into the cache."""
    from sepmodels.dataset.layouts import find_tracks
    from sepmodels.dataset.stem_cache import build_cache
    from sepmodels.dataset.tracks import used_names

    table = pd.read_parquet(job.paths.tracks)
    names = set(used_names(table, split))
    tracks = [t for t in find_tracks(dataset_folder(job.profile, job.paths), job.profile.dataset) if t.name in names]
    table = table[table.name.isin(names)]
    folder = job.paths.stems(split)
    if job.anew:
        shutil.rmtree(folder, ignore_errors=True)
    report = build_cache(
        tracks, table, folder, job.profile.dataset, code_version=job.code_version, progress=job.progress
    )
    return Made(report.content, report.figures())


def make_stems_train(job: Job) -> Made:
    """Decode the training tracks."""
    return make_stems(job, "train")


def make_stems_valid(job: Job) -> Made:
    """Decode the validation tracks."""
    return make_stems(job, "valid")


def make_stems_test(job: Job) -> Made:
    """Decode the test tracks, which only separation and scoring read."""
    return make_stems(job, "test")


def make_statistics(job: Job) -> Made:
    """Mean and scale of every bin over the mixtures of the training split alone."""
    from sepmodels.dataset.bin_statistics import bin_statistics, write_statistics
    from sepmodels.dataset.stem_cache import cached_names, load_stems
    from sepmodels.files import hash_arrays

    folder = job.paths.stems("train")
    names = cached_names(folder)
    statistics = bin_statistics((load_stems(folder, name)[0] for name in names), progress=job.progress)
    write_statistics(job.paths.statistics, statistics)
    return Made(hash_arrays(statistics.mean, statistics.scale), {"bins": len(statistics.mean), "tracks": len(names)})

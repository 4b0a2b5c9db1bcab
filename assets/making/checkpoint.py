"""Training: the first step of a variant's chain."""

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd

from assets.job import Job, Made
from assets.paths import Paths
from sepmodels.files import hash_arrays, hash_texts, replacing


def make_checkpoint(job: Job) -> Made:
    """Train the variant once for every seed of the profile.

    Of an attempt that was broken off, what is done is kept, and the seed that was under way goes on; so does a seed
    that the profile had before, when others are added.
    """
    from sepmodels.dataset.bin_statistics import read_statistics
    from sepmodels.training.run_folder import beginning, forget, trained_by
    from sepmodels.training.train import train

    tracks, data_version = training_tracks(job.paths)
    statistics = read_statistics(job.paths.statistics)
    if job.anew:
        for seed in job.profile.seeds:
            forget(job.paths.checkpoint(job.name, seed))
    rows = []
    for seed in job.profile.seeds:
        report = train(
            job.variant,
            job.profile.training,
            train_tracks=tracks[0],
            valid_tracks=tracks[1],
            statistics=statistics,
            folder=job.paths.checkpoint(job.name, seed),
            seed=seed,
            device=job.profile.device,
            log=_log_of_seed(job, seed),
            progress=job.progress,
            sample_rate_hz=job.profile.sample_rate_hz,
            code_version=job.code_version,
            accepted_versions=job.accepted_versions,
            data_version=data_version,
            keep_finished=True,
        )
        rows.append({**asdict(report), "notes": " ".join(report.notes)})
    folders = {seed: job.paths.checkpoint(job.name, seed) for seed in job.profile.seeds}
    return Made(
        checkpoint_content(job),
        write_figures(job.paths.training_figures(job.name), rows),
        kept_from=frozenset(map(trained_by, folders.values())) & frozenset(job.accepted_versions),
        records={str(seed): beginning(folder) for seed, folder in folders.items()},
    )


def checkpoint_content(job: Job) -> str:
    """The hash of every seed's weights and curves, and of what the weights are of."""
    hashes = []
    for seed in job.profile.seeds:
        hashes.append(hash_weights(job.paths.model(job.name, seed)))
        hashes.append(pd.read_parquet(job.paths.history(job.name, seed)).to_csv(index=False))  # the curves
    hashes.append(json.dumps([job.variant.architecture, dict(job.variant.settings)], sort_keys=True))
    return hash_texts(hashes)


def training_tracks(paths: Paths) -> tuple[list[list[np.ndarray]], str]:
    """The tracks to train on and those to validate on, and a hash of all of them."""
    from sepmodels.dataset.stem_cache import cache_content, cached_names, load_stems

    folders = [paths.stems(split) for split in ("train", "valid")]
    tracks = [[load_stems(folder, name) for name in cached_names(folder)] for folder in folders]
    return tracks, hash_texts(map(cache_content, folders))


def _log_of_seed(job: Job, seed: int) -> Callable:
    """The job's log; where there are several seeds, the names of the figures tell them apart."""
    if len(job.profile.seeds) == 1:
        return job.log
    return lambda figures, step: job.log({f"seed_{seed}/{name}": value for name, value in figures.items()}, step)


def hash_weights(path: Path) -> str:
    """The hash of a model's weights, whatever else its file says."""
    from safetensors.numpy import load_file

    weights = load_file(path)
    return hash_texts(text for name in sorted(weights) for text in (name, hash_arrays(weights[name])))


def write_figures(path: Path, rows: list[dict]) -> dict[str, float | int | str]:
    """Keep the figures of every seed; give back the means of the numbers, for the asset's metadata."""
    table = pd.DataFrame(rows)
    with replacing(path) as temporary:
        table.to_parquet(temporary, index=False)
    numbers = table.drop(columns="seed").select_dtypes("number").mean().to_dict()
    said = ("device", "hardware", "precision", "libraries", "feeding", "stopped_by")
    texts = {name: ", ".join(dict.fromkeys(table[name])) for name in said}
    notes = " ".join(table.notes)
    return {**numbers, **texts, "notes": notes}


def histories(paths: Paths, names: Iterable[str], seeds: Iterable[int]) -> pd.DataFrame:
    """The figures of the trainings that there are: columns variant, seed, step, name, value."""
    parts = [
        pd.read_parquet(path).assign(variant=name, seed=seed)
        for name in names
        for seed in seeds
        if (path := paths.history(name, seed)).exists()
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=["variant", "seed", "step", "name"])

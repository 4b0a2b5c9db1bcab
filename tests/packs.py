"""Packs for tests: one of a finished data folder, and copies of it with something changed."""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from assets.job import Job
from assets.making.claims import make_claims
from assets.making.table import make_table
from pipelines.packing.gathering import Known, Wishes
from pipelines.packing.packing import pack_result
from pipelines.terminal import Terminal
from sepmodels.packing.container import MANIFEST, manifest
from sepmodels.packing.describing import crate
from sepmodels.packing.facts import FACTS, read_facts
from sepmodels.packing.parts import CRATE
from sepmodels.scoring import write_museval_files
from sepmodels.systems.given_scores import GivenScores
from tests.scored_folder import scored_job

NOTHING_KNOWN = Known((), {}, {})

Change = Callable[[bytes], bytes]


def packed_folder(folder: Path) -> tuple[Job, Path]:
    """A data folder with everything of a benchmark but its history, and the pack of it; one system is given scores."""
    job = scored_job(folder / "data")
    for one in job.systems:
        write_museval_files(pd.read_parquet(job.paths.scores(one.name)), job.paths.museval_files)
    given = GivenScores(name="theirs", title="Theirs", summary="", scores=folder, trained_on="other songs")
    scores = pd.read_parquet(job.paths.scores("l1_loss")).assign(variant=given.name, seed=0)
    scores.to_parquet(job.paths.scores(given.name), index=False)
    job = replace(job, systems=(*job.systems, given))
    make_table(job)
    make_claims(job)
    tracks = pd.read_parquet(job.paths.tracks)
    tracks.assign(source_hash=[f"hash of {name}" for name in tracks.name]).to_parquet(job.paths.tracks, index=False)
    job.paths.report.mkdir()
    (job.paths.report / "index.html").write_text("<title>A report</title>")
    (job.paths.report / "audio").mkdir()
    (job.paths.report / "audio" / "a song.js").write_text("sound")
    file = folder / "result.zip"
    pack_result(job, NOTHING_KNOWN, file, Wishes(authors=("A group",)), Terminal(quiet=True))
    return job, file


def parts_of(pack: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(pack) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def write_parts(parts: dict[str, bytes], file: Path, *, renew: bool) -> Path:
    """Write a zip file of the parts; with ``renew`` the manifest is that of the parts, as a careful forger has it."""
    if renew:
        hashes = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items() if name != MANIFEST}
        parts = {**parts, MANIFEST: manifest(hashes).encode()}
    with zipfile.ZipFile(file, "w") as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return file


def edited(pack: Path, file: Path, part: str, change: Change, *, renew: bool = True) -> Path:
    """A copy of the pack, with one part changed."""
    parts = parts_of(pack)
    return write_parts({**parts, part: change(parts[part])}, file, renew=renew)


def edited_thoroughly(pack: Path, file: Path, part: str, change: Change) -> Path:
    """The same, with the description renewed, too: sizes of parts stand in it."""
    parts = parts_of(pack)
    parts[part] = change(parts[part])
    facts = read_facts(json.loads(parts[FACTS]), file)
    sizes = {name: len(content) for name, content in parts.items() if name not in (MANIFEST, CRATE)}
    return write_parts({**parts, CRATE: crate(facts, sizes).encode()}, file, renew=True)


def in_table(column: str, value: Any, row: int = 0) -> Change:
    """Puts a value into a Parquet table; a number is added to what is there."""

    def change(content: bytes) -> bytes:
        table = pd.read_parquet(io.BytesIO(content))
        before = table[column].iloc[row]
        table.loc[table.index[row], column] = value if isinstance(value, str) else before + value
        into = io.BytesIO()
        table.to_parquet(into, index=False)
        return into.getvalue()

    return change


def in_json(change: Callable[[Any], None]) -> Change:
    """Changes what a JSON file says, and writes it as sepbench does."""

    def changed(content: bytes) -> bytes:
        said = json.loads(content)
        change(said)
        return (json.dumps(said, indent=1, ensure_ascii=False) + "\n").encode()

    return changed


def in_text(before: str, after: str) -> Change:
    """Puts one text in the place of another, once."""

    def changed(content: bytes) -> bytes:
        assert before.encode() in content
        return content.replace(before.encode(), after.encode(), 1)

    return changed

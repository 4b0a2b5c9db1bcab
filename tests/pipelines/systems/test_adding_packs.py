"""Rows of somebody's pack stand in another benchmark's table, if both are of the same test tracks."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from assets.job import Job
from assets.making.given_scores import make_given_scores
from assets.making.table import make_table
from pipelines.systems.adding import remove_system
from pipelines.systems.adding_packs import add_pack
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.packing.container import opened_pack
from sepmodels.systems import read_systems
from tests.packs import edited, in_table, packed_folder

CONSOLE = Terminal(quiet=True)


@pytest.fixture
def packed(tmp_path: Path) -> tuple[Job, Path, str]:
    """A finished benchmark, the pack of it, and the digits that the pack's rows are called after."""
    job, file = packed_folder(tmp_path)
    with opened_pack(file) as pack:
        return job, file, pack.hash[:6]


def test_the_rows_of_a_pack_are_in_the_table_with_the_figures_that_they_had(packed: tuple[Job, Path, str]) -> None:
    job, file, digits = packed
    before = pd.read_parquet(job.paths.results / "results.parquet").set_index(["variant", "target"]).SDR
    add_pack(job.profile, job.paths, file, None, CONSOLE)
    rows = read_systems(job.paths.systems)
    assert set(rows) == {f"{name}_{digits}" for name in ("open_unmix", "transformer", "l1_loss")}
    for row in rows.values():
        make_given_scores(replace(job, system=row))
    make_table(replace(job, systems=(*job.systems, *rows.values())))
    table = pd.read_parquet(job.paths.results / "results.parquet").set_index(["variant", "target"])
    for name in ("open_unmix", "transformer", "l1_loss"):
        for target in ("vocals", "accompaniment"):
            assert table.SDR[f"{name}_{digits}", target] == before[name, target]
    assert table.title[f"l1_loss_{digits}", "vocals"] == f"L1 loss (pack {digits})"
    assert rows[f"l1_loss_{digits}"].trained_on == "the training split of musdb18-7s"


def test_one_row_is_added_by_its_name_and_taken_out_with_its_scores(packed: tuple[Job, Path, str]) -> None:
    job, file, digits = packed
    add_pack(job.profile, job.paths, file, "l1_loss", CONSOLE)
    assert set(read_systems(job.paths.systems)) == {f"l1_loss_{digits}"}
    with pytest.raises(UserError, match="is taken: the row is there already"):
        add_pack(job.profile, job.paths, file, "l1_loss", CONSOLE)
    with pytest.raises(UserError, match="did you mean 'transformer'"):
        add_pack(job.profile, job.paths, file, "transfomer", CONSOLE)
    remove_system(job.profile, job.paths, f"l1_loss_{digits}", CONSOLE)
    assert [path for path in job.paths.systems.rglob("*") if path.is_file()] == []


def test_a_pack_of_other_test_tracks_adds_nothing_and_they_are_named(packed: tuple[Job, Path, str]) -> None:
    job, file, _ = packed
    tracks = pd.read_parquet(job.paths.tracks)
    other = tracks.assign(source_hash=tracks.source_hash.where(tracks.name != "track 3", "another"))
    other.to_parquet(job.paths.tracks, index=False)
    with pytest.raises(UserError, match="was scored on other test tracks than musdb18-7s has: track 3 differ"):
        add_pack(job.profile, job.paths, file, None, CONSOLE)
    job.paths.tracks.unlink()
    with pytest.raises(UserError, match="run the benchmark first"):
        add_pack(job.profile, job.paths, file, None, CONSOLE)
    assert not job.paths.systems.exists()


def test_a_pack_that_was_edited_adds_nothing(packed: tuple[Job, Path, str], tmp_path: Path) -> None:
    job, file, _ = packed
    other = edited(file, tmp_path / "edited.zip", "scores/l1_loss.parquet", in_table("value", 1.0))
    with pytest.raises(UserError, match=r"edited\.zip does not hold: it does not follow that .* Nothing was added"):
        add_pack(job.profile, job.paths, other, None, CONSOLE)
    assert not job.paths.systems.exists()

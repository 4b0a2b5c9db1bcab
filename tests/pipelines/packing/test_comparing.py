"""Two packs are shown side by side: the scores that differ, whether that holds, and what changed."""

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from assets.making.claims import make_claims
from assets.making.table import make_table
from pipelines.packing.comparing import compare_results
from pipelines.profiles import PROFILES
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.packing.container import opened_pack
from sepmodels.packing.parts import Packed
from sepmodels.packing.two_packs import side_by_side
from sepmodels.systems import systems_of
from sepmodels.systems.system_files import write_system
from tests.packs import edited, in_json, in_table, packed_folder


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return packed_folder(tmp_path_factory.mktemp("packed"))[1]


def compared(first: Path, second: Path) -> str:
    console = Terminal(width=300)
    with console.capture() as screen:
        compare_results(first, second, console)
    return screen.get()


def test_a_pack_beside_itself_has_the_same_scores_settings_data_and_code(pack: Path) -> None:
    said = compared(pack, pack)
    assert said.count("the same scores") == 6
    assert said.count("  the same\n") == 3
    assert "does not hold" not in said


def test_a_folder_is_compared_as_its_pack_would_be(tmp_path: Path) -> None:
    job, file = packed_folder(tmp_path)
    write_system(job.systems[-1], job.paths.systems)
    whole = replace(job, systems=systems_of(PROFILES[job.profile.name], job.paths.systems))
    make_table(whole)
    make_claims(whole)
    said = compared(file, job.paths.root)
    assert said.count("the same scores") == 6
    assert "does not hold" not in said
    (tmp_path / "data" / "demo").mkdir()
    with pytest.raises(UserError, match="has no results: name a pack, or a profile's folder"):
        compared(file, tmp_path / "data" / "demo")


def test_other_settings_and_tracks_are_named_and_a_pack_that_was_edited_is_told_of(pack: Path, tmp_path: Path) -> None:
    steps = in_json(lambda facts: facts["settings"].update({"training.steps": "7"}))
    other = edited(pack, tmp_path / "steps.zip", "pack.json", steps)
    other = edited(other, tmp_path / "other.zip", "dataset/tracks.parquet", in_table("source_hash", "another", row=4))
    said = compared(pack, other)
    assert "training.steps is 2000 in the first, and 7 in the second" in said
    assert "1 tracks are with other content: track 1" in said
    assert "other.zip does not hold: it does not follow that the citation and the description" in said


def test_a_difference_of_what_is_not_trained_holds_over_tracks_and_one_of_single_trainings_has_no_test(
    pack: Path, tmp_path: Path
) -> None:
    def higher(content: bytes) -> bytes:
        table = pd.read_parquet(io.BytesIO(content))
        noise = np.random.default_rng(0).normal(1.0, 0.1, len(table))
        into = io.BytesIO()
        table.assign(value=table.value + noise).to_parquet(into, index=False)
        return into.getvalue()

    other = edited(pack, tmp_path / "one.zip", "scores/mixture.parquet", higher)
    other = edited(other, tmp_path / "two.zip", "scores/open_unmix.parquet", higher)
    with opened_pack(pack) as first, opened_pack(other) as second:
        table = side_by_side(Packed(first), Packed(second)).set_index("variant")
    assert table.difference[["mixture", "open_unmix"]].to_numpy() == pytest.approx(1.0, abs=0.1)
    assert table.p_holm["mixture"] < 0.001
    assert np.isnan(table.p_holm["open_unmix"])
    assert table.difference["l1_loss"] == 0


def test_packs_of_two_targets_are_not_compared(pack: Path, tmp_path: Path) -> None:
    def of_drums(facts):
        facts["settings"]["target"] = "drums"
        return facts

    drums = edited(pack, tmp_path / "drums.zip", "pack.json", in_json(of_drums))
    with pytest.raises(UserError, match=r"vocals and .*drums.zip drums: none of their figures can be compared"):
        compared(pack, drums)

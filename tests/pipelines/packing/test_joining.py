"""Seeds that were trained on several machines become one table, the same as if all were trained in one place."""

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from assets.job import Job
from assets.making.claims import make_claims
from assets.making.table import make_table
from pipelines.packing.gathering import Wishes
from pipelines.packing.joining import join_packs
from pipelines.packing.packing import pack_result
from pipelines.packing.verifying import verify_pack
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.packing.container import as_parquet, opened_pack
from sepmodels.packing.parts import Packed
from sepmodels.scoring import write_museval_files
from tests.packs import NOTHING_KNOWN, Change, edited_thoroughly, in_json, in_table, parts_of
from tests.scored_folder import TRAINED, scored_job

SEEDS = (42, 43, 44)
ONE_CODE = {
    "parts": {"training.py::train": "function 1", "training.steps": "100", "seeds": "[1]", "library:torch": "2.14.1"},
    "code_version": "1",
    "content": "",
    "read": {},
}


def trained_with(job: Job, seeds: tuple[int, ...], folder: Path) -> Job:
    """The job's data folder as it would be with those seeds; other seeds score a bit higher, each its own bit."""
    paths = replace(job.paths, data=folder / "data")
    shutil.copytree(job.paths.root, paths.root)
    for name in TRAINED:
        for kind in (paths.scores, paths.training_figures, paths.separation_figures):
            own = pd.read_parquet(kind(name))
            parts = [own.assign(seed=seed) for seed in seeds]
            if "value" in own:
                parts = [part.assign(value=part.value + 0.1 * (part.seed - 42)) for part in parts]
            pd.concat(parts, ignore_index=True).to_parquet(kind(name), index=False)
        for seed in seeds:
            if seed != 42:
                shutil.copytree(paths.checkpoint(name, 42), paths.checkpoint(name, seed))
    made = replace(job, paths=paths, profile=replace(job.profile, seeds=seeds))
    for one in made.systems:
        write_museval_files(pd.read_parquet(paths.scores(one.name)), paths.museval_files)
    make_table(made)
    make_claims(made)
    return made


def packed(job: Job, file: Path, **parts: object) -> Path:
    """The pack of a job, as if Dagster had recorded the same code for each of its trainings."""
    pack_result(job, NOTHING_KNOWN, file, Wishes(authors=("A group",), report=False), Terminal(quiet=True))
    recorded = {f"{name}/checkpoint": {**ONE_CODE, **parts} for name in TRAINED}
    known = file.with_name(f"known-{file.name}")
    edited_thoroughly(file, known, "code/versions.json", in_json(lambda it: it.update(recorded)))
    return edited_thoroughly(known, known, "trainings.parquet", with_seeds(job.profile.seeds))


def with_seeds(seeds: tuple[int, ...]) -> Change:
    """Says of each training with what seeds its system was trained, as Dagster's history does."""
    return lambda content: as_parquet(pd.read_parquet(io.BytesIO(content)).assign(seeds=json.dumps(seeds)))


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The packs of two machines, and of one that trained all seeds."""
    folder = tmp_path_factory.mktemp("joined")
    job = scored_job(folder / "own")
    tracks = pd.read_parquet(job.paths.tracks)
    tracks.assign(source_hash=[f"hash of {name}" for name in tracks.name]).to_parquet(job.paths.tracks, index=False)
    split = {"first": (42,), "second": (43, 44), "whole": SEEDS}
    return {
        name: packed(trained_with(job, seeds, folder / name), folder / f"{name}.zip") for name, seeds in split.items()
    }


@pytest.fixture(scope="module")
def all_seeds(packs: dict[str, Path]) -> tuple[Path, str]:
    """The pack of both machines together, and what was printed."""
    file = packs["first"].with_name("all.zip")
    return file, joined(packs["first"], packs["second"], out=file)


def joined(*files: Path, out: Path | None = None) -> str:
    console = Terminal(width=200)
    with console.capture() as screen:
        join_packs(files, out, console)
    return screen.get()


def test_the_joined_pack_has_the_results_of_all_seeds_trained_in_one_place(
    packs: dict[str, Path], all_seeds: tuple[Path, str]
) -> None:
    file, said = all_seeds
    assert "Vocals, musdb18-7s: 2 packs, seeds 42,43,44" in said
    again, whole = parts_of(file), parts_of(packs["whole"])
    for name in ("comparisons", "control", "by_seed", "results"):
        assert again[f"results/{name}.csv"] == whole[f"results/{name}.csv"]
    assert again["claims/claims.csv"] == whole["claims/claims.csv"]
    assert json.loads(again["results/said.json"])["sentences"] == json.loads(whole["results/said.json"])["sentences"]
    assert "differ in seeds" not in again["results/results.md"].decode()
    assert again["sources.json"]
    assert b"Joined from 2 packs" in again["results/results.md"]


def test_a_joined_pack_holds_and_names_the_packs_that_have_the_code_versions(
    packs: dict[str, Path], all_seeds: tuple[Path, str]
) -> None:
    file, _ = all_seeds
    console = Terminal(width=500)
    with console.capture() as screen:
        assert verify_pack(file, console)
    with opened_pack(packs["first"]) as first:
        assert f"known-first.zip ({first.hash[:16]})" in screen.get()
    with opened_pack(file) as pack:
        facts = Packed(pack).facts
    assert facts.command.endswith("--set seeds=42,43,44")
    assert facts.authors == ["A group"]


def test_a_joined_pack_is_joined_with_no_other_for_its_code_is_not_known(
    packs: dict[str, Path], all_seeds: tuple[Path, str]
) -> None:
    with pytest.raises(UserError, match=r"all.zip was joined from others: join those themselves, known-\w+.zip"):
        joined(all_seeds[0], packs["first"])


def test_packs_whose_files_have_one_name_are_told_apart_by_their_content(
    packs: dict[str, Path], tmp_path: Path
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        shutil.copy(packs[name], tmp_path / name / "pack.zip")
    joined(tmp_path / "first" / "pack.zip", tmp_path / "second" / "pack.zip", out=tmp_path / "all.zip")
    sources = json.loads(parts_of(tmp_path / "all.zip")["sources.json"])
    assert list(sources.values()) == ["pack.zip", "pack.zip"]


def test_a_training_that_two_packs_have_counts_once(packs: dict[str, Path]) -> None:
    assert "3 packs, seeds 42,43,44" in joined(packs["first"], packs["whole"], packs["second"])


def other_scores(pack: Path, system: str, file: Path) -> Path:
    """A copy of the pack that holds, with one score of a system raised."""
    return edited_thoroughly(pack, file, f"scores/{system}.parquet", in_table("value", 1.0))


def test_one_training_with_two_results_is_refused_and_nothing_is_written(
    packs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.packing.joining.require_sound", lambda packed, then: None)
    other = other_scores(packs["first"], "open_unmix", tmp_path / "other.zip")
    with pytest.raises(
        UserError, match=r"other.zip cannot be joined: another pack has seed 42 of Open-Unmix with other"
    ):
        joined(packs["first"], other, out=tmp_path / "all.zip")
    assert not (tmp_path / "all.zip").exists()
    mixture = other_scores(packs["second"], "mixture", tmp_path / "mixture.zip")
    assert "Mixture scores otherwise in mixture.zip: its scores here are those" in joined(packs["first"], mixture)


Recorded = Callable[[dict], None]


def recorded(name: str, text: str) -> Recorded:
    return lambda versions: versions["open_unmix/checkpoint"]["parts"].update({name: text})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (
            recorded("training.steps", "200"),
            "its open_unmix/checkpoint was made otherwise .*setting steps changed from 100 to 200",
        ),
        (recorded("training.py::train", "function 2"), r"made otherwise \(training.py changed"),
        (lambda versions: versions.clear(), "other.zip cannot be joined: the pack has no record of code versions"),
    ],
)
def test_seeds_by_other_code_or_settings_are_refused_by_name(
    packs: dict[str, Path], tmp_path: Path, change: Recorded, why: str
) -> None:
    other = edited_thoroughly(packs["second"], tmp_path / "other.zip", "code/versions.json", in_json(change))
    with pytest.raises(UserError, match=why):
        joined(packs["first"], other)


def test_what_only_later_packs_have_is_compared_among_them(packs: dict[str, Path], tmp_path: Path) -> None:
    def without(versions: dict) -> None:
        del versions["transformer/checkpoint"]

    def newer(versions: dict) -> None:
        versions["transformer/checkpoint"]["parts"]["training.steps"] = "200"

    versions = "code/versions.json"
    one = edited_thoroughly(packs["first"], tmp_path / "one.zip", versions, in_json(without))
    three = edited_thoroughly(packs["whole"], tmp_path / "three.zip", versions, in_json(newer))
    with pytest.raises(
        UserError, match=r"three.zip cannot be joined with .*known-second.zip: its transformer/checkpoint"
    ):
        joined(one, packs["second"], three)


def test_a_command_in_a_pack_that_cannot_be_read_is_named(packs: dict[str, Path], tmp_path: Path) -> None:
    def unclosed(facts: dict) -> None:
        facts["command"] = "sepbench run 'demo"

    other = edited_thoroughly(packs["first"], tmp_path / "other.zip", "pack.json", in_json(unclosed))
    with pytest.raises(UserError, match=r"other.zip names a command that cannot be read"):
        joined(other, packs["second"])


def test_other_libraries_and_other_seeds_are_no_other_code(packs: dict[str, Path], tmp_path: Path) -> None:
    def newer(versions: dict) -> None:
        versions["open_unmix/checkpoint"]["parts"].update({"library:torch": "2.15", "seeds": "[43, 44]"})

    assert joined(
        packs["first"], edited_thoroughly(packs["second"], tmp_path / "new.zip", "code/versions.json", in_json(newer))
    )


def test_packs_of_other_tracks_that_do_not_hold_or_one_alone_are_refused(
    packs: dict[str, Path], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="Joining takes two packs or more"):
        joined(packs["first"])
    better = edited_thoroughly(
        packs["second"], tmp_path / "better.zip", "results/results.parquet", in_table("SDR", 0.01)
    )
    with pytest.raises(UserError, match=r"better.zip does not hold: .* Nothing was joined"):
        joined(packs["first"], better)
    tracks = in_table("source_hash", "another", row=4)
    other = edited_thoroughly(packs["second"], tmp_path / "other.zip", "dataset/tracks.parquet", tracks)
    with pytest.raises(UserError, match="cannot be joined: 1 tracks are with other content: track 1"):
        joined(packs["first"], other)

"""A pack that was edited is found out at the first line that no longer follows, even if its manifest was renewed."""

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from assets.job import Job
from pipelines.packing.code_checks import profile_of, said_follows
from pipelines.packing.gathering import Wishes
from pipelines.packing.packing import pack_result
from pipelines.packing.verifying import verify_pack
from pipelines.terminal import Terminal
from sepmodels.packing.checked import Check, checked
from sepmodels.packing.checks import checks_of_a_pack
from sepmodels.packing.container import as_parquet, opened_pack
from sepmodels.packing.parts import Packed
from tests.packs import NOTHING_KNOWN, Change, edited, in_json, in_table, in_text, packed_folder, parts_of, write_parts

FILES = "the files are those that were packed"
MUSEVAL = "museval's files say the same as the scores"
FIGURES = "the figures beside the scores follow from the trainings"
TABLE = "the table follows from the scores"
CLAIMS = "the claims follow from the scores and the trainings"
WORDS = "what is said of the table and the claims follows from them"
DESCRIPTION = "the citation and the description follow from the rest"


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Job, Path]:
    return packed_folder(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="module")
def pack(packed: tuple[Job, Path]) -> Path:
    return packed[1]


def verified(file: Path) -> tuple[bool, list[str]]:
    """Whether the pack holds, and the lines that were printed."""
    console = Terminal(width=500)
    with console.capture() as screen:
        holds = verify_pack(file, console)
    return holds, screen.get().splitlines()


def checks_of(packed: Packed) -> Iterator[tuple[str, Check]]:
    return checks_of_a_pack(packed, lambda: said_follows(packed))


def first_failure(file: Path) -> str:
    """The first line that fails; no check after it is made."""
    with opened_pack(file) as pack:
        one = next(one for one in checked(checks_of(Packed(pack))) if one.state == "failed")
    return f"{one.what}: {one.why}"


def test_a_pack_holds_by_itself_and_says_what_it_could_not_check(pack: Path) -> None:
    holds, lines = verified(pack)
    assert holds
    assert [line.partition(":")[0] for line in lines[1:-2]] == ["ok"] * 7 + ["not checked"] * 3
    assert "Dagster's history was not there" in lines[-3]
    assert lines[-2] == "With --dataset DIR the dataset and some scores are checked, too."
    assert lines[-1] == "7 ok, 0 failed, 3 not checked."


def test_models_of_seeds_that_are_not_in_the_table_are_not_packed(
    packed: tuple[Job, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, _ = packed
    own, left_over = (job.paths.model("l1_loss", seed) for seed in (42, 43))
    for model in (own, left_over):
        model.parent.mkdir(parents=True, exist_ok=True)
        model.write_bytes(b"weights")
    monkeypatch.setattr("pipelines.packing.gathering.hash_weights", lambda path: "hash")
    pack_result(job, NOTHING_KNOWN, tmp_path / "new.zip", Wishes(models=True), Terminal(quiet=True))
    names = [name for name in parts_of(tmp_path / "new.zip") if name.startswith("models/")]
    own.unlink()
    left_over.unlink()
    assert names == ["models/l1_loss/seed_42/model.safetensors"]


def test_a_pack_that_does_not_hold_says_so_at_the_end(pack: Path, tmp_path: Path) -> None:
    better = in_table("SDR", 0.01, row=2)
    holds, lines = verified(edited(pack, tmp_path / "edited.zip", "results/results.parquet", better))
    assert not holds
    assert [line.partition(":")[0] for line in lines[1:5]] == ["ok", "ok", "ok", "failed"]
    assert lines[-1] == f"The pack does not hold: it does not follow that {TABLE}."


def system(name: str, **changes: object) -> Change:
    def change(facts: dict) -> None:
        next(one for one in facts["systems"] if one["name"] == name).update(changes)

    return in_json(change)


EDITS: list[tuple[str, str, Change, str]] = [
    (MUSEVAL, "scores/open_unmix.parquet", in_table("value", 0.5), "track 0.json has other scores"),
    (MUSEVAL, "museval/l1_loss/test/track 3.json", in_text('"SDR": ', '"SDR": 1'), "track 3.json has other scores"),
    (FIGURES, "trainings.parquet", in_table("parameters", 1_000_000), "million parameters of open_unmix"),
    (FIGURES, "separations.parquet", in_table("processor_seconds", 1.0), "processor seconds per second of music"),
    (FIGURES, "figures.parquet", in_table("training steps", 100.0, row=1), "training steps of open_unmix"),
    (TABLE, "results/results.parquet", in_table("SDR", 0.01, row=2), "as SDR of"),
    (TABLE, "results/comparisons.parquet", in_table("difference", 0.01), "as difference of transformer"),
    (TABLE, "results/by_seed.parquet", in_table("SDR", 0.01), "as SDR of open_unmix"),
    (TABLE, "results/results.csv", in_text("open_unmix,Open-Unmix", "open_unmix,Better"), "results.csv"),
    (WORDS, "results/results.md", in_text("Open-Unmix", "Better"), "results.md says something else"),
    (WORDS, "results/said.json", in_json(lambda said: said["notes"].append("It is the best.")), "as notes"),
    (TABLE, "pack.json", system("l1_loss", place="ceiling"), "place of l1_loss"),
    (CLAIMS, "claims/claims.parquet", in_table("verdict", "supported"), "has supported as verdict of l1_separates"),
    (CLAIMS, "claims/claims.parquet", in_table("figure", 0.1), "as figure of l1_separates"),
    (WORDS, "claims/claims.md", in_text("undecided", "supported"), "claims.md says something else"),
    (CLAIMS, "curves.parquet", in_table("value", 9.0, row=21), "mse_converges_faster"),
    (DESCRIPTION, "CITATION.cff", in_text("A group", "Another group"), "CITATION.cff"),
    (DESCRIPTION, "ro-crate-metadata.json", in_text("A group", "Another group"), "ro-crate-metadata.json"),
]


@pytest.mark.parametrize(("line", "part", "change", "why"), EDITS, ids=[f"{edit[1]}: {edit[3]}" for edit in EDITS])
def test_an_edit_with_a_renewed_manifest_is_found_at_the_first_line_that_no_longer_follows(
    pack: Path, tmp_path: Path, line: str, part: str, change: Change, why: str
) -> None:
    said = first_failure(edited(pack, tmp_path / "edited.zip", part, change))
    assert said.startswith(f"{line}: ")
    assert why in said


def test_other_words_of_a_pack_of_another_commit_are_not_called_an_edit(pack: Path, tmp_path: Path) -> None:
    other = edited(pack, tmp_path / "other.zip", "pack.json", in_json(lambda facts: facts.update(commit="1" * 40)))
    said = in_json(lambda said: said["notes"].append("It was said otherwise."))
    with opened_pack(edited(other, tmp_path / "words.zip", "results/said.json", said)) as pack_of_before:
        line = next(one for one in checked(checks_of(Packed(pack_of_before))) if one.what == WORDS)
    assert line.state == "not checked"
    assert "`git checkout 111111111111`" in line.why


def test_a_pack_of_before_artists_were_samples_holds_by_its_tracks(pack: Path, tmp_path: Path) -> None:
    def of_before(facts: dict) -> None:
        del facts["settings"]["statistics_by"]

    old = edited(pack, tmp_path / "old.zip", "pack.json", in_json(of_before))
    for name in ("results/comparisons", "results/control", "claims/claims"):
        table = pd.read_parquet(io.BytesIO(parts_of(old)[f"{name}.parquet"])).drop(columns="samples")
        for suffix, content in ((".parquet", as_parquet(table)), (".csv", table.to_csv(index=False).encode())):
            old = edited(old, tmp_path / "old.zip", name + suffix, lambda _, content=content: content)
    with opened_pack(old) as opened:
        lines = {one.what: one.state for one in checked(checks_of_a_pack(Packed(opened)))}
    assert (lines[TABLE], lines[CLAIMS]) == ("ok", "ok")


def test_an_edit_alone_is_found_by_the_manifest_which_names_the_part(pack: Path, tmp_path: Path) -> None:
    for number, (_, part, change, _) in enumerate(EDITS):
        file = edited(pack, tmp_path / f"{number}.zip", part, change, renew=False)
        assert first_failure(file) == f"{FILES}: {part} was changed after it was packed"


def test_a_part_that_is_missing_or_was_put_in_is_named(pack: Path, tmp_path: Path) -> None:
    parts = parts_of(pack)
    more = write_parts({**parts, "results/better.csv": b"1"}, tmp_path / "more.zip", renew=False)
    assert first_failure(more) == f"{FILES}: results/better.csv was not packed, but put in later"
    less = {name: part for name, part in parts.items() if name != "curves.parquet"}
    assert first_failure(write_parts(less, tmp_path / "less.zip", renew=False)) == f"{FILES}: curves.parquet is missing"
    renewed = first_failure(write_parts(less, tmp_path / "renewed.zip", renew=True))
    assert renewed.startswith(f"{CLAIMS}: ")
    assert "has no curves.parquet" in renewed


@pytest.mark.parametrize(
    ("part", "content"),
    [("results/said.json", b"[1, 2]"), ("scores/mixture.parquet", b""), ("figures.parquet", b"PAR1 and more PAR1")],
)
def test_a_part_with_content_of_another_kind_fails_in_a_line_and_ends_nothing(
    pack: Path, tmp_path: Path, part: str, content: bytes
) -> None:
    assert first_failure(edited(pack, tmp_path / "edited.zip", part, lambda _: content))


def test_a_track_whose_name_leads_out_of_a_folder_is_refused_and_nothing_is_written(pack: Path, tmp_path: Path) -> None:
    track = in_table("track", "../../../evil")
    said = first_failure(edited(pack, tmp_path / "edited.zip", "scores/mixture.parquet", track))
    assert said.startswith(f"{MUSEVAL}: ")
    assert "'../../../evil', which is no file's name" in said


def test_sounds_and_models_are_packed_only_where_a_person_asks_for_them(
    packed: tuple[Job, Path], tmp_path: Path
) -> None:
    job, pack = packed
    assert "report/index.html" in parts_of(pack)
    assert "report/audio/a song.js" not in parts_of(pack)
    console = Terminal(width=500)
    with console.capture() as screen:
        pack_result(job, NOTHING_KNOWN, tmp_path / "sounds.zip", Wishes(sounds=True), console)
    assert "education and research only" in screen.get()
    parts = parts_of(tmp_path / "sounds.zip")
    assert parts["report/audio/a song.js"] == b"sound"
    assert "education and research only" in parts["LICENCE-of-the-sounds.txt"].decode()


def test_the_same_content_gives_the_same_bytes(packed: tuple[Job, Path], tmp_path: Path) -> None:
    job, pack = packed
    pack_result(job, NOTHING_KNOWN, tmp_path / "again.zip", Wishes(authors=("A group",)), Terminal(quiet=True))
    assert (tmp_path / "again.zip").read_bytes() == pack.read_bytes()


def test_a_mapping_file_that_was_found_beside_the_dataset_is_a_setting_of_the_packs_profile(pack: Path) -> None:
    with opened_pack(pack) as opened:
        facts = Packed(opened).facts
    assert profile_of(facts).dataset.mapping is None
    mapped = replace(facts, settings={**facts.settings, "dataset.mapping": "stems.toml"}, profile="folder")
    assert profile_of(mapped).dataset.mapping == "stems.toml"

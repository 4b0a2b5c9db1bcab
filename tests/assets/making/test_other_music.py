"""Table, claims, report and pack of a data folder with a test set beside the profile's own."""

import io
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from assets.job import Job
from assets.making.claims import make_claims
from assets.making.other_music import clips, not_given
from assets.making.report import command, make_report
from assets.making.table import make_table
from assets.other_test_sets import paths_on
from assets.paths import Paths
from pipelines.looking.claims import claims_as_csv, show_claims
from pipelines.looking.tables import show_table
from pipelines.packing.gathering import Wishes
from pipelines.packing.own_music import of_other_music
from pipelines.packing.packing import pack_result
from pipelines.packing.verifying import verify_pack
from pipelines.profiles import PROFILES
from pipelines.systems.adding import remove_system
from pipelines.terminal import Terminal
from sepmodels.dataset.other_test_sets import read_test_set
from sepmodels.results.claims.claims import CLAIMS
from sepmodels.results.claims.measures import MEASURES
from sepmodels.scoring import write_museval_files
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.given_scores import GivenScores
from sepmodels.systems.system_files import write_system
from tests.other_music import NAME, with_other_music
from tests.packs import NOTHING_KNOWN, parts_of


def test_clips_of_one_singer_are_said_only_where_the_test_takes_them_for_several_samples(tmp_path: Path) -> None:
    own = PROFILES["karaoke"]
    of_artists, of_tracks = (
        Job(replace(own, statistics_by=by), Paths(tmp_path, own.name)) for by in ("artist", "track")
    )
    read, unread = ["ann_1_01", "ann_1_02", "bob_1_01"], ["ann_01", "ann_02", "bob_01"]
    assert list(clips(of_artists, read)) == []
    for on, names in ((of_tracks, read), (of_artists, unread)):
        (said,) = clips(on, names)
        assert said.startswith("The 3 tracks are clips of 2 singers.")


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return with_other_music(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def site(job: Job) -> Path:
    make_report(job)
    return job.paths.report


def test_each_set_has_a_table_of_its_own_and_the_page_of_the_own_one_ends_with_all_side_by_side(job: Job) -> None:
    page = (job.paths.results / "results.md").read_text(encoding="utf-8")
    own, _, beside = page.partition("\n## On other music\n")
    alone = (job.paths.results / NAME / "results.md").read_text(encoding="utf-8")
    assert alone.strip() in beside
    assert alone.startswith("songs, by models that learnt from musdb18-7s: vocals + accompaniment")
    assert "The tracks are scored at their files' rate, 16,000 Hz" in alone
    assert "16,000 Hz" not in own
    assert "The sets are never pooled" in beside


def test_the_joined_table_says_of_which_set_each_row_is_and_the_own_one_has_none_of_the_other(job: Job) -> None:
    joined = pd.read_csv(job.paths.results / "by_dataset.csv")
    own = pd.read_csv(job.paths.results / "results.csv")
    assert set(joined.dataset) == {"musdb18-7s", NAME}
    assert len(joined) == 2 * len(own)
    across = pd.read_csv(job.paths.results / "across.csv")
    assert list(across.dataset.unique()) == ["musdb18-7s", NAME]


def test_claims_on_scores_are_judged_on_each_set(job: Job) -> None:
    there = pd.read_parquet(job.paths.claims / NAME / "claims.parquet")
    assert set(there.claim) == {one.name for one in CLAIMS if MEASURES[one.measure].kind == "score"}
    assert f"| On {NAME} |" in (job.paths.claims / "claims.md").read_text(encoding="utf-8")


def test_the_terminal_shows_each_table_then_all_sets_side_by_side_and_each_claim_on_each_set(job: Job) -> None:
    console = Terminal(file=io.StringIO(), width=200)
    show_table(job.profile, job.paths, console)
    said = console.file.getvalue()
    places = [said.index(words) for words in ("Vocals, musdb18-7s", f"Vocals, {NAME}", "SDR on every test set")]
    assert places == sorted(places)
    assert "no test on any" in said
    show_claims(job.profile, job.paths, console)
    assert f"On {NAME} undecided:" in console.file.getvalue()
    assert set(pd.read_csv(io.StringIO(claims_as_csv(job.profile, job.paths))).dataset) == {job.profile.name, NAME}


def test_the_report_has_a_page_with_players_for_each_set_and_they_lead_to_each_other(job: Job, site: Path) -> None:
    own = (site / "index.html").read_text(encoding="utf-8")
    there = (site / NAME / "index.html").read_text(encoding="utf-8")
    assert f'<a href="{NAME}/index.html">{NAME}</a>' in own
    assert '<a href="../index.html">musdb18-7s</a>' in there
    assert 'id="elsewhere"' in own
    assert 'id="elsewhere"' not in there
    data = json.loads(re.search(r'id="data">(.*?)</script>', there, re.DOTALL)[1])
    assert len(data["listening"]) == job.profile.report.tracks
    assert all((site / NAME / one["file"]).exists() for one in data["listening"])
    folder = data["estimate_folders"]["open_unmix"]
    assert (site / NAME / folder).resolve() == job.paths.estimates("open_unmix", 42).resolve()


def test_the_command_of_the_report_names_the_sets_without_their_places(job: Job) -> None:
    profile = replace(job.profile, changed_settings=(("test_sets", ",".join(job.profile.test_sets)),))
    assert f"--also {NAME}=DIR" in command(profile, ["open_unmix"])
    assert str(job.paths.data) not in command(profile, ["open_unmix"])


def test_a_pack_holds_the_own_set_says_so_and_follows(job: Job, site: Path, tmp_path: Path) -> None:
    assert list((site / NAME / "audio").iterdir())
    for one in job.systems:
        write_museval_files(pd.read_parquet(job.paths.scores(one.name)), job.paths.museval_files)
    changed = (("test_sets", ",".join(job.profile.test_sets)),)
    console = Terminal(file=io.StringIO(), width=300)
    wishes = Wishes(sounds=True)
    pack_result(
        replace(job, profile=replace(job.profile, changed_settings=changed)),
        NOTHING_KNOWN,
        tmp_path / "result.zip",
        wishes,
        console,
    )
    said = console.file.getvalue()
    assert f"Of {NAME} it has no scores and no sounds" in said
    assert verify_pack(tmp_path / "result.zip", Terminal(quiet=True))
    parts = parts_of(tmp_path / "result.zip")
    assert f"report/{NAME}/index.html" in parts
    assert not [name for name in parts if name.startswith(f"report/{NAME}/audio")]
    assert [name for name in parts if name.startswith("report/audio")]
    assert not [name for name, part in parts.items() if str(job.paths.data).encode() in part and name != "edits.patch"]


def copied(job: Job, folder: Path) -> Job:
    """The job over a copy of its data folder."""
    shutil.copytree(job.paths.data, folder / "data", symlinks=True)
    return replace(job, paths=Paths(folder / "data", job.paths.profile))


def test_a_system_that_was_not_given_for_a_set_is_named_there(job: Job, tmp_path: Path) -> None:
    job = copied(job, tmp_path)
    theirs = GivenAudio(name="theirs", title="Theirs", summary="", estimates=tmp_path, trained_on="songs of theirs")
    (tmp_path / "scores.csv").write_text("track,target,SDR\n")
    table = GivenScores(name="table", title="Table", summary="", scores=tmp_path / "scores.csv")
    (said,) = not_given([table], replace(job, systems=()), NAME)
    assert said.endswith(f"put what there is of it for that set into scores.{NAME}.csv, beside scores.csv.")
    scores = pd.read_parquet(job.paths.scores("l1_loss")).assign(variant="theirs", seed=0)
    scores.to_parquet(job.paths.scores("theirs"), index=False)
    make_table(replace(job, systems=(*job.systems, theirs)))
    page = (job.paths.results / NAME / "results.md").read_text(encoding="utf-8")
    assert (
        f"Theirs is not given for {NAME}: put what there is of it for that set into {tmp_path.name}.{NAME}, beside"
        in page
    )
    whole = (job.paths.results / "results.md").read_text(encoding="utf-8")
    assert re.search(r"\| Theirs \|.*\| not given \|", whole)


def test_a_pack_leaves_out_the_products_on_other_sets_and_no_others(job: Job) -> None:
    found = of_other_music(job)
    assert {f"tracks/{NAME}", f"open_unmix/scores/{NAME}", f"stems/{NAME}"} <= found
    assert all(name.endswith(f"/{NAME}") for name in found)
    assert not of_other_music(replace(job, profile=replace(job.profile, test_sets=())))


def test_a_system_that_is_removed_is_gone_from_sets_that_are_named_no_more_too(job: Job, tmp_path: Path) -> None:
    job = copied(job, tmp_path)
    there = paths_on(job.paths, read_test_set(job.profile.test_sets[0]))
    given = GivenScores(name="theirs", title="Theirs", summary="", scores=tmp_path)
    write_system(given, job.paths.systems)
    shutil.copy(there.scores("l1_loss"), there.scores("theirs"))
    (there.museval_files / "theirs").mkdir(parents=True)
    remove_system(replace(job.profile, test_sets=()), job.paths, "theirs", Terminal(quiet=True))
    assert not there.scores("theirs").exists()
    assert not (there.museval_files / "theirs").exists()
    assert there.scores("l1_loss").exists()


def test_a_set_that_is_taken_out_leaves_no_table_no_claims_and_no_page(job: Job, site: Path, tmp_path: Path) -> None:
    assert (site / NAME).exists()
    job = copied(job, tmp_path)
    before = {path.name for path in job.paths.report.iterdir()}
    own = replace(job, profile=replace(job.profile, test_sets=()))
    for make in (make_table, make_claims, make_report):
        make(own)
    assert before - {path.name for path in job.paths.report.iterdir()} == {NAME}
    assert not [path for path in job.paths.results.iterdir() if path.stem in (NAME, "across", "by_dataset")]
    assert not (job.paths.claims / NAME).exists()
    assert "On other music" not in (job.paths.results / "results.md").read_text(encoding="utf-8")

"""``sepbench ears``."""

import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console
from typer.testing import CliRunner, Result

from assets.paths import Paths
from pipelines.cli import app
from pipelines.looking.ears import ears_of_votes
from pipelines.profiles import PROFILES
from sepmodels.scoring.measures import measures
from sepmodels.settings import Profile
from tests.scored_folder import TRACKS, scored_job
from tests.sepmodels.results.test_listening_folder import write_listening_test

RATED = {"open_unmix": 70, "transformer": 50, "l1_loss": 30, "(reference)": 100, "(mixture)": 10, "mystery": 40}


def ears(*words: object) -> Result:
    return CliRunner().invoke(app, ["ears", *map(str, words)], env={"COLUMNS": "120"})


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return write_listening_test(tmp_path_factory.mktemp("test"))


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory) -> Path:
    data = tmp_path_factory.mktemp("data")
    scored_job(data)
    return data


@pytest.fixture
def votes(tmp_path: Path) -> list[Path]:
    """Two listeners' files, of three tracks; all rate in the same order, one a little higher."""
    files = []
    for who in range(2):
        rows = [
            (f"listener {who}", track, "vocals", system, min(100, rating + who), "2026-01-01")
            for track in TRACKS[:3]
            for system, rating in RATED.items()
        ]
        files.append(tmp_path / f"ratings{who}.csv")
        columns = ["listener", "track", "target", "system", "rating", "time"]
        pd.DataFrame(rows, columns=columns).to_csv(files[-1], index=False)
    return files


def test_of_a_published_test_a_table_for_each_question_is_printed_and_written(folder: Path, tmp_path: Path) -> None:
    words = ["--test", folder, "--measures", "SI-SDR,MR-STFT", "--anchors", "anchor", "--workers", 1]
    done = ears(*words, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["quality"] in lines
    (row,) = [line for line in lines if line[:1] == ["MR-STFT"]]
    assert row == ["MR-STFT", "1.00", "(-)", "100%", "(-)", "2", "6"]
    assert "Of fewer than 6 songs there is no interval (-)" in done.output
    assert "less is better the sign is changed" in done.output
    written = pd.read_csv(tmp_path / "agreement.csv")
    assert set(written.measure) == {"SDR", "ISR", "uSDR", "SI-SDR", "MR-STFT", "APS, given", "one listener"}
    assert {"measure", "song", "sound", "value"} <= set(pd.read_csv(tmp_path / "values.csv"))


def test_of_the_report_s_votes_the_systems_are_judged_by_their_scores_and_estimates(
    benchmark: Path, votes: list[Path]
) -> None:
    words = ["--votes", *votes, "--data", benchmark, "-p", "musdb18-7s", "--measures", "SI-SDR,fullness"]
    done = ears(*words)
    assert done.exit_code == 0, done.output
    assert "Left out, because musdb18-7s has no scores of them: mystery." in done.output
    rows = {line.split()[0]: line.split() for line in done.output.splitlines() if line.strip()}
    assert rows["SDR"][-2:] == ["3", "9"]
    assert rows["fullness"][1] == "1.00"  # the estimates' levels fall in the order of the ratings
    assert rows["one"][2] == "1.00"


def test_the_first_seed_is_judged_and_seed_0_only_of_systems_without_it(
    benchmark: Path, votes: list[Path], tmp_path: Path
) -> None:
    paths = Paths(shutil.copytree(benchmark, tmp_path / "data"), "musdb18-7s")
    scores = pd.read_parquet(paths.scores("open_unmix"))
    both = pd.concat([scores.assign(seed=0), scores.assign(seed=1, value=scores.value + 5)])
    both.to_parquet(paths.scores("open_unmix"), index=False)
    for name in ("transformer", "l1_loss"):
        pd.read_parquet(paths.scores(name)).assign(seed=0).to_parquet(paths.scores(name), index=False)
    profile = replace(PROFILES["musdb18-7s"], seeds=(1, 0))
    values = values_of_votes(votes, profile, paths, tmp_path / "out")
    of_track = values[(values.song == TRACKS[0]) & (values.target == "vocals") & (values.measure == "uSDR")]
    before = scores[(scores.track == TRACKS[0]) & (scores.target == "vocals") & (scores.metric == "uSDR")]
    assert sorted(of_track.sound) == ["l1_loss", "open_unmix", "transformer"]
    assert of_track.set_index("sound").value["open_unmix"] == pytest.approx(before.value.iloc[0] + 5)


def test_measures_are_computed_at_the_rate_at_which_a_track_was_scored(
    benchmark: Path, votes: list[Path], tmp_path: Path, monkeypatch
) -> None:
    paths = Paths(shutil.copytree(benchmark, tmp_path / "data"), "musdb18-7s")
    tracks = pd.read_parquet(paths.tracks)
    low = tracks.source_sample_rate_hz.mask(tracks.name == TRACKS[1], 22_050)
    tracks.assign(source_sample_rate_hz=low).to_parquet(paths.tracks, index=False)
    of_rate = replace(measures()["fullness"], value=lambda signals: signals.sample_rate_hz)
    monkeypatch.setitem(measures(), "fullness", of_rate)
    for scoring_rate, expected in (("files", 22_050), ("full", 44_100)):
        profile = replace(PROFILES["musdb18-7s"], scoring_rate=scoring_rate)
        values = values_of_votes(votes, profile, paths, tmp_path / scoring_rate)
        rates = values[values.measure == "fullness"].groupby("song").value.unique()
        assert list(rates[TRACKS[1]]) == [expected]
        assert list(rates[TRACKS[0]]) == [44_100]


def values_of_votes(votes: list[Path], profile: Profile, paths: Paths, out: Path) -> pd.DataFrame:
    ears_of_votes(votes, profile, paths, Console(quiet=True), asked=["fullness"], out=out)
    return pd.read_csv(out / "values.csv")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give --test DIR or --votes FILE"),
        (["--test", "{folder}", "--anchors", "Quality"], "has no rated sound 'Quality'"),
        (["--test", "{folder}", "--measures", "loudness"], "There is no measure 'loudness'"),
        (["--test", "{folder}/none"], "has no ratings.csv"),
        (["--test", "{folder}", "-p", "demo"], "-p does not go together with --test"),
        (["--test", "{folder}", "--data", "{folder}"], "--data does not go together with --test"),
        (["--votes", "{votes}", "--test", "{folder}"], "--test does not go together with --votes"),
        (["--votes", "{votes}", "--anchors", "mixture"], "--anchors does not go together with --votes"),
        (["--votes", "{votes}", "--workers", "2"], "--workers does not go together with --votes"),
        (["--votes", "{votes}", "--data", "{folder}", "-p", "demo"], "No system that was rated has scores in"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, votes: list[Path], words: list[str], sentence: str) -> None:
    done = ears(*(word.format(folder=folder, votes=votes[0]) for word in words))
    assert done.exit_code != 0
    assert sentence in str(done.exception) + done.output

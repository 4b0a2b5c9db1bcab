"""``sepbench ears``."""

from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from pipelines.cli import app
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
    words = ["--data", folder, "--measures", "SI-SDR,MR-STFT", "--anchors", "anchor", "--workers", 1]
    done = ears(*words, "--out", tmp_path)
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.output.splitlines()]
    assert ["quality"] in lines
    (row,) = [line for line in lines if line[:1] == ["MR-STFT"]]
    assert row == ["MR-STFT", "1.00", "(1.00", "to", "1.00)", "100%", "(100%", "to", "100%)", "2", "6"]
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


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ([], "give --data DIR or --votes FILE"),
        (["--data", "{folder}", "--anchors", "Quality"], "has no rated sound 'Quality'"),
        (["--data", "{folder}", "--measures", "loudness"], "There is no measure 'loudness'"),
        (["--data", "{folder}/none"], "has no ratings.csv"),
        (["--votes", "{votes}", "--data", "{folder}", "-p", "demo"], "No system that was rated has scores in"),
    ],
)
def test_what_is_wrong_is_one_sentence(folder: Path, votes: list[Path], words: list[str], sentence: str) -> None:
    done = ears(*(word.format(folder=folder, votes=votes[0]) for word in words))
    assert done.exit_code != 0
    assert sentence in str(done.exception) + done.output

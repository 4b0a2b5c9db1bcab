"""A published listening test is read, and its sounds are measured."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sepmodels.audio.io import write_audio
from sepmodels.errors import UserError
from sepmodels.results.ears import agreement_with_ears
from sepmodels.results.listening_folder import read_listening_test, values_of_sounds, without_anchors
from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures import chosen_measures, measures
from tests.scoring_material import RATE_HZ, music

NOISE = {"clean": 0.01, "fair": 0.1, "rough": 0.5, "anchor": 2.0}


def write_listening_test(folder: Path) -> Path:
    """Two songs of four sounds with more and more noise, which two listeners like less and less."""
    rows = []
    for song in ("one", "two"):
        true = music(sources=1, channels=1, samples=RATE_HZ, seed=len(rows))[0] / 65_536
        noise = true.std() * np.random.default_rng(len(rows)).standard_normal(true.shape)
        for sound, level in (NOISE | {"ref": 0.0}).items():
            file = folder / "sounds" / song / f"{sound}.wav"
            file.parent.mkdir(parents=True, exist_ok=True)
            write_audio(file, (true + level * noise).astype(np.float32), RATE_HZ)
            rows += [(song, sound, who, 90 - 40 * level + bias) for who, bias in (("A", 0), ("A", 4), ("B", 1))]
    table = pd.DataFrame(rows, columns=["page", "sound", "subject", "rating"])
    table.assign(experiment="quality").to_csv(folder / "ratings.csv", index=False)
    given = (
        table[table.sound != "ref"].drop_duplicates(["page", "sound"]).assign(metric="APS", score=lambda t: -t.rating)
    )
    given[["page", "sound", "metric", "score"]].to_csv(folder / "theirs.csv", index=False)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    return write_listening_test(tmp_path_factory.mktemp("test"))


@pytest.fixture
def folder(made: Path, tmp_path: Path) -> Path:
    return shutil.copytree(made, tmp_path / "test")


def test_ratings_given_twice_count_as_their_mean_and_the_hidden_reference_is_left_out(folder: Path) -> None:
    test = read_listening_test(folder)
    assert set(test.ratings.sound) == set(NOISE)
    rating = test.ratings.set_index(["song", "sound", "listener"]).rating
    assert rating["one", "fair", "A"] == 88
    assert set(without_anchors(test, ["anchor"]).ratings.sound) == set(NOISE) - {"anchor"}


def test_measures_and_bsseval_of_the_sounds_agree_with_who_heard_the_noise(folder: Path) -> None:
    test = read_listening_test(folder)
    values = values_of_sounds(test, chosen_measures(["SI-SDR", "MR-STFT", "log-WMSE", "PES"]), workers=1)
    assert set(values.measure) == {"SDR", "ISR", "uSDR", "SI-SDR", "MR-STFT", "log-WMSE", "PES", "APS, given"}
    found = agreement_with_ears(test.ratings, values).set_index("measure")
    assert list(found.correlation[["SDR", "uSDR", "SI-SDR", "MR-STFT", "log-WMSE"]]) == [1] * 5
    assert found.correlation["APS, given"] == -1
    assert "PES" not in found.index  # neither voice rests
    snr = -20 * np.log10(NOISE["fair"])
    assert values.set_index(["measure", "song", "sound"]).value["uSDR", "one", "fair"] == pytest.approx(snr, abs=0.3)


def test_songs_may_have_numbers_for_names_and_values_of_sounds_that_nobody_rated_are_counted(folder: Path) -> None:
    (folder / "sounds" / "one").rename(folder / "sounds" / "001")
    for file in folder.glob("*.csv"):
        table = pd.read_csv(file)
        table.assign(page=table.page.replace("one", "001")).query("page == '001'").to_csv(file, index=False)
    with (folder / "theirs.csv").open("a") as file:
        file.write("001,unheard,APS,3.5\n")
    said: list[str] = []
    given = read_listening_test(folder, said.append).given
    assert set(given.song) == {"001"}
    assert set(given.sound) == set(NOISE)
    assert said == [
        "Left out: 1 of 5 values that the test's authors computed, of sounds that nobody rated, such as unheard of 001."
    ]


def test_a_song_may_be_called_na(folder: Path) -> None:
    (folder / "sounds" / "one").rename(folder / "sounds" / "NA")
    for file in folder.glob("*.csv"):
        pd.read_csv(file).replace({"page": {"one": "NA"}}).to_csv(file, index=False)
    test = read_listening_test(folder)
    assert set(test.ratings.song) == {"NA", "two"}
    assert set(test.given.song) == {"NA", "two"}


def test_a_measure_that_fails_has_no_value_of_that_sound_and_is_named(folder: Path, monkeypatch) -> None:
    monkeypatch.setitem(measures(), "MR-STFT", replace(measures()["MR-STFT"], value=fails))
    said: list[str] = []
    values = values_of_sounds(
        read_listening_test(folder), chosen_measures(["MR-STFT", "log-WMSE"]), workers=1, say=said.append
    )
    assert values[values.measure == "MR-STFT"].value.isna().all()
    assert values[values.measure == "log-WMSE"].value.notna().all()
    assert said == ["clean of one and 7 more: MR-STFT failed and has no value (ValueError: too short)."]


def fails(_signals: Signals) -> float:
    raise ValueError("too short")


def damaged(folder: Path, damage: str) -> None:
    ratings = folder / "ratings.csv"
    table = pd.read_csv(ratings)
    match damage:
        case "no ratings":
            ratings.unlink()
        case "no column":
            table.drop(columns="subject").to_csv(ratings, index=False)
        case "no number":
            table.assign(rating=["good", *table.rating[1:]]).to_csv(ratings, index=False)
        case "no rows":
            table.head(0).to_csv(ratings, index=False)
        case "no sound":
            (folder / "sounds" / "two" / "fair.wav").unlink()
        case "no reference":
            (folder / "sounds" / "two" / "ref.wav").unlink()
        case "no table":
            ratings.write_bytes(b"")
        case "odd scores":
            (folder / "theirs.csv").write_text("page,sound,metric,score\none,fair,APS,high\n")


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        ("no ratings", "has no ratings.csv: expected ratings.csv .page, sound, subject, rating"),
        ("no column", "lacks the column subject"),
        ("no number", "line 2: the rating 'good' is no number"),
        ("no rows", "holds no rating"),
        ("no sound", "rates fair of two, but .*two lacks it"),
        ("no reference", "two has no ref.flac, the true voice"),
        ("no table", "cannot be read as a table"),
        ("odd scores", "theirs.csv cannot be read as a table of page, sound, metric, score"),
    ],
)
def test_what_is_wrong_with_a_test_is_one_sentence(folder: Path, damage: str, words: str) -> None:
    damaged(folder, damage)
    with pytest.raises(UserError, match=words):
        read_listening_test(folder)


def test_a_sound_of_another_length_is_named(folder: Path) -> None:
    write_audio(folder / "sounds" / "one" / "fair.wav", np.ones((1, RATE_HZ // 4), np.float32) / 2, RATE_HZ)
    with pytest.raises(UserError, match=r"fair\.wav"):
        values_of_sounds(read_listening_test(folder), (), workers=1)

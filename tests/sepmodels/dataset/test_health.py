"""The dataset's known faults: found by rule, said in sentences, with what is done about each."""

from pathlib import Path

import pandas as pd
import pytest

from assets.graph import benchmark_steps
from assets.job import Job, Made
from assets.paths import Paths
from assets.showing.describe import describe
from pipelines.profiles import PROFILES
from sepmodels.dataset.health import RULES, health_summary, health_table
from sepmodels.dataset.layouts import find_tracks
from sepmodels.dataset.track import Track
from sepmodels.dataset.tracks import describe_tracks
from sepmodels.settings import DatasetSettings

SETTINGS = DatasetSettings("stems")


@pytest.fixture(scope="module")
def table(stem_dataset: Path) -> pd.DataFrame:
    return describe_tracks(find_tracks(stem_dataset, SETTINGS), SETTINGS)


def test_tracks_that_are_as_they_should_be_have_no_faults(table: pd.DataFrame) -> None:
    health = health_table(table)
    assert list(health.columns) == ["track", "split", "fault", "finding", "handling"]
    assert health.empty
    assert health_summary(health, len(table)) == "None of the 6 tracks has a known fault."


def test_every_fault_is_a_row_with_a_sentence_and_what_is_done_about_it(table: pd.DataFrame) -> None:
    faults = {
        "mixture_deviation_db": 7.26,
        "silent_stems": "drums, bass",
        "mono_stems": "vocals",
        "source_sample_rate_hz": 48_000,
        "fitted_stems": "drums +1.50 s",
        "copies": "b (train; the same samples)",
        "voices": "lead, vocals are summed",
        "left_out": "bass copy.wav",
        "late_stems": "vocals +1.50 s",
        "loud_stems": "bass (peak 1.30)",
        "clipped_share": 0.0123,
        "gain": 0.5,
        "split": "train",
    }
    odd = table.head(2).assign(**{name: [value, table[name][1]] for name, value in faults.items()})
    health = health_table(odd, chunk_seconds=4.5)
    assert list(health[health.track == odd.name[0]].finding) == [
        "The mixture is not the sum of the stems (7.3 dB).",
        "Silent all through: drums, bass.",
        "Mono, made stereo: vocals.",
        "Resampled from 48000 Hz.",
        "Not as long as the song: drums +1.50 s.",
        "The same recording as b (train; the same samples).",
        "Several files of the voice: lead, vocals are summed.",
        "Left out by name: bass copy.wav.",
        "Begins later in its file than the others: vocals +1.50 s.",
        "Louder than full scale: bass (peak 1.30).",
        "The mixture clips (1.23 % of its samples).",
        "All stems were turned down to 0.500: their sum would have clipped.",
        "Shorter than a chunk of 4.5 s: filled up with silence in training.",
    ]
    assert list(health[health.track == odd.name[0]].fault) == [
        rule.fault for rule in RULES if rule.fault != "that cannot be scored"
    ]
    assert health.handling.str.endswith(".").all()


def test_only_test_tracks_are_told_that_they_cannot_be_scored(table: pd.DataFrame) -> None:
    health = health_table(table.assign(scorable_windows=0))
    assert set(health.track) == set(table.name[table.split == "test"])
    assert set(health.finding) == {"No second has both vocals and accompaniment."}
    assert set(health.handling) == {"Left out of the test split: there is no score of it."}


def test_only_training_tracks_are_told_to_be_shorter_than_a_chunk(table: pd.DataFrame) -> None:
    health = health_table(table, chunk_seconds=6.0)
    assert set(health.track) == set(table.name[table.split == "train"])
    assert set(health.fault) == {"shorter than a chunk"}
    assert health_summary(health, len(table)) == "3 of 6 tracks have a known fault: 3 shorter than a chunk."


@pytest.mark.real_data
def test_of_two_real_clips_the_one_whose_mixture_is_another_is_named_in_the_graph(
    musdb18_7s: Path, tmp_path: Path
) -> None:
    names = ("PR - Oh No", "AM Contra - Heart Peripheral")
    clips = [Track(name, "test", (musdb18_7s / "test" / f"{name}.stem.mp4",)) for name in names]
    table = describe_tracks(clips, SETTINGS)
    assert health_table(table)[["track", "fault"]].values.tolist() == [
        ["PR - Oh No", "with a mixture that is not its stems' sum"]
    ]

    profile, paths, said = PROFILES["musdb18-7s"], Paths(tmp_path, "musdb18-7s"), []
    paths.root.mkdir()
    table.to_parquet(paths.tracks)
    step = next(step for step in benchmark_steps(profile, ()) if step.path == ("tracks",))
    metadata = describe(step, Job(profile, paths, say=said.append), Made("hash"))
    assert metadata["health"].value == "1 of 2 tracks has a known fault: 1 with a mixture that is not its stems' sum."
    assert "PR - Oh No" in metadata["health_table"].value
    assert "PR - Oh No: The mixture is not the sum of the stems (7.3 dB)." in said[0]

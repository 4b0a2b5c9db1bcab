"""At which rate tracks are scored whose files have less than 44.1 kHz, and how that is said."""

from pathlib import Path

import pandas as pd

from sepmodels.dataset.rates import rates_sentence, scored_rates_hz


def test_a_track_is_scored_at_its_files_rate_and_never_above_that_of_the_stems(tmp_path: Path) -> None:
    table = pd.DataFrame({"name": ["a", "b", "c"], "source_sample_rate_hz": [16_000, 44_100, 96_000]})
    table.to_parquet(tmp_path / "tracks.parquet")
    assert scored_rates_hz(tmp_path / "tracks.parquet") == {"a": 16_000, "b": 44_100, "c": 44_100}


def test_nothing_is_said_of_tracks_that_have_the_full_rate() -> None:
    assert rates_sentence([44_100, 48_000], "files") == rates_sentence([44_100], "full") == ""


def test_different_rates_in_one_set_are_said_with_their_numbers() -> None:
    said = rates_sentence([16_000, 44_100, 16_000, 48_000], "files")
    assert said.startswith("The tracks have different rates: 2 at 16,000 Hz, 2 at 44,100 Hz. Each is scored at its own")


def test_where_all_are_scored_at_the_full_rate_the_setting_is_named_that_changes_it() -> None:
    said = rates_sentence([22_050], "full")
    assert "(1 at 22,050 Hz) are scored at 44,100 Hz like all others" in said
    assert "--set scoring_rate=files" in said

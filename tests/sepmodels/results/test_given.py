"""Scores that somebody else computed: whose they are."""

from pathlib import Path

import pytest

from sepmodels.errors import UserError
from sepmodels.results.given import read_given_scores

TRACKS = ("01", "02", "1.1", "1.10", "NA", "null")


def read(tmp_path: Path, text: str, tracks: tuple[str, ...] = TRACKS) -> dict[str, float]:
    file = tmp_path / "theirs.csv"
    file.write_text(text, encoding="utf-8")
    table, said = read_given_scores(file, "theirs", tracks)
    assert said == []
    return dict(zip(table.track, table.value, strict=True))


@pytest.mark.parametrize("form", ["wide", "long"])
def test_tracks_keep_their_names_whatever_these_look_like(tmp_path: Path, form: str) -> None:
    head, metric = ("track,target,SDR", "") if form == "wide" else ("track,target,metric,value", "SDR,")
    rows = [f"{track},vocals,{metric}{value}.5" for value, track in enumerate(TRACKS)]
    assert read(tmp_path, "\n".join([head, *rows])) == {track: value + 0.5 for value, track in enumerate(TRACKS)}


def test_a_track_whose_name_is_another_s_number_is_not_taken_for_it(tmp_path: Path) -> None:
    assert "1.1" not in read(tmp_path, "track,target,SDR\n1.10,vocals,5\n01,vocals,6\n", ("01", "1.1"))


def test_a_figure_may_be_missing_and_a_name_may_not(tmp_path: Path) -> None:
    assert str(read(tmp_path, "track,target,SDR\n01,vocals,NA\n02,vocals,5\n")) == "{'01': nan, '02': 5.0}"
    with pytest.raises(UserError, match=r"theirs\.csv has a row without the name of a track or target"):
        read(tmp_path, "track,target,SDR\n,vocals,5\n02,vocals,5\n")
    with pytest.raises(UserError, match="is no number: expected dB"):
        read(tmp_path, "track,target,SDR\n01,vocals,loud\n")

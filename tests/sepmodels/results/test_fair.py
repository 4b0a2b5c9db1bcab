"""Rows that are no fair comparison say so, also where a system is made of others."""

from pathlib import Path

from sepmodels.results.fair import learnt_tracks, remark
from sepmodels.systems.ensemble import Ensemble
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.variants import VARIANTS

TRACKS = ["A - One", "B - Two", "C - Three"]


def test_a_mean_has_seen_what_those_that_it_is_made_of_have_seen() -> None:
    theirs = GivenAudio("theirs", "Theirs", "", estimates=Path("theirs"), trained_on_tracks=("A - One", "D - Four"))
    mean = Ensemble("mean", "Mean", "", mean=("open_unmix", "theirs"))
    of_means = Ensemble("of_means", "Mean of means", "", mean=("mean", "open_unmix"))
    learnt = learnt_tracks([VARIANTS["open_unmix"], theirs, mean, of_means])
    assert learnt["open_unmix"] == []
    for one in (theirs, mean, of_means):
        assert (
            remark(one, learnt[one.name], TRACKS, {"missing_tracks": 0, "tracks": 3}) == "has seen 1 of 3 test tracks"
        )

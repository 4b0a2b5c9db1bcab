"""What the last materialization of a product tells."""

import dagster as dg

from assets.staleness.last_made import FILES, TOLD, LastMade

SIZES = {"train/a.npy": 3}


def test_the_sizes_of_files_that_were_noted_under_their_name_of_before_are_still_compared() -> None:
    for name in (FILES, "files"):
        assert LastMade({}, {name: dg.MetadataValue.json(SIZES)}, "run").noted(FILES) == SIZES


def test_a_sentence_or_number_of_that_name_is_no_note_of_sizes() -> None:
    for said in (dg.MetadataValue.text("Files are: 3 vocals."), dg.MetadataValue.int(3)):
        assert LastMade({}, {"files": said}, "run").noted(FILES) == {}


def test_another_note_is_not_taken_for_it() -> None:
    assert LastMade({}, {"files": dg.MetadataValue.json(SIZES)}, "run").noted(TOLD) == {}

from pathlib import Path

from sepmodels.datasets import find_tracks
from sepmodels.settings import DatasetSettings
from sepmodels.tracks import describe_tracks


def test_the_table_has_a_row_for_every_track(stem_dataset: Path) -> None:
    tracks = find_tracks(stem_dataset, DatasetSettings("stems"))
    table = describe_tracks(tracks, DatasetSettings("stems"))
    assert list(table.name) == [track.name for track in tracks]
    assert set(table.split) == {"train", "valid", "test"}
    assert (table.mixture_deviation_db > 15).all()

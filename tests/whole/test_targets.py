"""Drums in place of vocals, on MUSDB18's seven-second clips: from the training to the table and a person's song."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
import soundfile
from rich.console import Console

from assets.graph import benchmark_subjects
from assets.paths import Paths
from assets.staleness.standing import standings
from pipelines.profiles import PROFILES, complete
from pipelines.songs.separating import Wishes, separate_songs
from sepmodels.audio.io import decode_int16, stem_file_headers
from sepmodels.dataset.stem_cache import load_stems
from sepmodels.models.model_file import load_model
from sepmodels.settings import Profile
from sepmodels.systems import aimed
from sepmodels.systems.references import REFERENCES
from sepmodels.systems.variants import VARIANTS
from tests.small_benchmark import materialize, small_profile

pytestmark = [pytest.mark.slow, pytest.mark.real_data]

TRACKS = {"train": 4, "test": 2}


@dataclass
class Done:
    profile: Profile
    paths: Paths
    instance: dg.DagsterInstance
    result: dg.ExecuteInProcessResult
    clips: Path


@pytest.fixture(scope="module")
def done(musdb18_7s: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    clips, data = tmp_path_factory.mktemp("clips"), tmp_path_factory.mktemp("data")
    for split, count in TRACKS.items():
        (clips / split).mkdir()
        for file in sorted((musdb18_7s / split).glob("*.stem.mp4"))[:count]:
            (clips / split / file.name).symlink_to(file)
    profile = complete(replace(small_profile(clips), target="drums"), PROFILES["musdb18-7s"])
    with dg.instance_for_test() as instance:
        result = materialize(profile, data, instance, ["open_unmix"])
        yield Done(profile, Paths(data, profile.name, profile.target), instance, result, clips)


def test_drums_are_trained_separated_scored_and_shown(done: Done) -> None:
    assert done.result.success
    assert all(one.passed for one in done.result.get_asset_check_evaluations())
    table = pd.read_parquet(done.paths.results / "results.parquet")
    assert set(table.target) == {"drums", "accompaniment"}
    assert table.SDR[table.variant == "open_unmix"].notna().all()
    page = (done.paths.results / "results.md").read_text(encoding="utf-8")
    report = (done.paths.report / "index.html").read_text(encoding="utf-8")
    assert "### Drums" in page
    assert "Which change helps to separate the drums?" in report
    assert not any("vocals" in text.casefold() for text in (page, report.partition('id="claims"')[0]))
    assert ">Sung<" not in report
    assert ">dataset.target<" not in report


def test_the_cache_has_the_drums_in_the_target_s_place_and_the_vocals_in_theirs(done: Done) -> None:
    track = sorted((done.clips / "test").iterdir())[0]
    as_named = decode_int16(track, stem_file_headers(track))
    stems = load_stems(done.paths.stems("test"), track.name.removesuffix(".stem.mp4"))
    np.testing.assert_array_equal(stems, as_named[[0, 4, 2, 3, 1]])
    tracks = pd.read_parquet(done.paths.tracks).set_index("name")
    drums_db = 10 * np.log10(np.square(as_named[1] / 32768).mean())
    assert tracks.rms_drums_db[track.name.removesuffix(".stem.mp4")] == pytest.approx(drums_db, abs=0.01)


def test_a_model_says_what_it_separates_and_songs_get_files_of_that_name(done: Done, tmp_path: Path) -> None:
    _, variant = load_model(done.paths.model("open_unmix", 42))
    assert variant.target == "drums"
    mixture = load_stems(done.paths.stems("test"), sorted(done.paths.estimates("open_unmix", 42).iterdir())[0].name)[0]
    song = tmp_path / "song.wav"
    soundfile.write(song, mixture.T, 44_100, subtype="PCM_16")
    text = io.StringIO()
    separate_songs(done.profile, done.paths, [song], Wishes(tmp_path / "out", bits=32), Console(file=text, width=400))
    assert "median SDR of drums" in text.getvalue()
    stems = [soundfile.read(tmp_path / "out" / "song" / f"{name}.wav")[0] for name in ("drums", "accompaniment")]
    np.testing.assert_allclose(sum(stems), mixture.T / 32768, atol=1e-6)


def test_with_another_target_all_but_the_found_tracks_is_stale_and_says_why(done: Done) -> None:
    profile = replace(done.profile, target="vocals")
    systems = [aimed(VARIANTS["open_unmix"], "vocals"), *REFERENCES.values()]
    paths = replace(done.paths, target="vocals")
    found = standings(benchmark_subjects(profile, paths, systems), done.instance)
    stale = {"/".join(one.key.path[1:]): one for one in found if one.state != "fresh"}
    for name in ("tracks", "stems/train", "open_unmix/checkpoint", "open_unmix/estimates", "mixture/scores", "results"):
        assert stale[name].reasons[0] == "the setting target was drums and is vocals"

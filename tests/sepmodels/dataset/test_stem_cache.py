import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sepmodels.dataset import stem_cache
from sepmodels.dataset.decoding import hash_sources
from sepmodels.dataset.stem_cache import build_cache, cache_content, cached_names, load_stems
from sepmodels.dataset.track import Track
from sepmodels.errors import UserError
from sepmodels.settings import DatasetSettings
from tests.conftest import read_stem_file, synthetic_stems, write_stem_file

SETTINGS = DatasetSettings("stems")


@pytest.fixture(scope="module")
def tracks(stem_dataset: Path) -> list[Track]:
    files = sorted((stem_dataset / "train").iterdir())[:3]
    return [Track(file.name.removesuffix(".stem.mp4"), "train", (file,)) for file in files]


def table_of(tracks: list[Track]) -> pd.DataFrame:
    """The columns of the tracks' table that the cache reads."""
    rows = [{"name": track.name, "source_hash": hash_sources(track), "samples": 200_000} for track in tracks]
    return pd.DataFrame(rows, columns=["name", "source_hash", "samples"])


def build(tracks: list[Track], folder: Path, code_version: str = "") -> stem_cache.CacheReport:
    return build_cache(tracks, table_of(tracks), folder, SETTINGS, code_version=code_version)


def names(tracks: list[Track]) -> tuple[str, ...]:
    return tuple(track.name for track in tracks)


def test_the_cache_holds_the_values_of_the_files_as_read_only_maps(tracks: list[Track], tmp_path: Path) -> None:
    report = build(tracks, tmp_path / "stems")
    assert report.decoded == names(tracks)
    assert cached_names(tmp_path / "stems") == list(names(tracks))
    for track in tracks:
        stems = load_stems(tmp_path / "stems", track.name)
        np.testing.assert_array_equal(stems, read_stem_file(track.sources[0]))
        assert isinstance(stems, np.memmap)
        assert stems.flags.c_contiguous
        assert not stems.flags.writeable
    assert report.figures() == {"decoded": 3, "kept": 0, "removed": 0, "bytes": report.size_bytes}
    assert report.size_bytes == sum(path.stat().st_size for path in (tmp_path / "stems").glob("*.npy"))


def test_a_second_build_decodes_nothing_and_has_the_same_content(tracks: list[Track], tmp_path: Path) -> None:
    first, second = build(tracks, tmp_path), build(tracks, tmp_path)
    assert (second.decoded, second.kept) == ((), names(tracks))
    assert second.content == first.content == cache_content(tmp_path)


@pytest.mark.parametrize("damage", ["a byte", "cut", "header", "gone", "no entry", "bad entry", "not an entry"])
def test_a_damaged_or_missing_array_is_noticed_and_made_again(tracks: list[Track], tmp_path: Path, damage: str) -> None:
    before = build(tracks[:2], tmp_path)
    array, entry = (tmp_path / f"{tracks[0].name}.{suffix}" for suffix in ("npy", "json"))
    content = bytearray(array.read_bytes())
    if damage == "a byte":
        content[len(content) // 2] ^= 1
    elif damage == "header":
        content[:20] = bytes(20)
    array.write_bytes(content[: len(content) // (2 if damage == "cut" else 1)])
    if damage == "gone":
        array.unlink()
    elif damage == "no entry":
        entry.unlink()
    elif damage == "bad entry":
        entry.write_text("{")
    elif damage == "not an entry":
        entry.write_text("[]")
    after = build(tracks[:2], tmp_path)
    assert after.decoded == names(tracks[:1])
    assert after.hashes == before.hashes


def test_a_replaced_track_is_decoded_again_and_the_others_are_not(tracks: list[Track], tmp_path: Path) -> None:
    own = Track("own", "train", (tmp_path / "own.stem.mp4",))
    write_stem_file(own.sources[0], synthetic_stems(seed=50, seconds=1.5))
    before = build([*tracks[:1], own], tmp_path / "stems")
    write_stem_file(own.sources[0], synthetic_stems(seed=51, seconds=1.5))
    after = build([*tracks[:1], own], tmp_path / "stems")
    assert (after.decoded, after.kept) == (("own",), names(tracks[:1]))
    assert after.content != before.content


def test_what_other_code_decoded_is_decoded_again(tracks: list[Track], tmp_path: Path) -> None:
    first, kept, second = (build(tracks[:2], tmp_path, code_version=version) for version in ("1", "1", "2"))
    assert (kept.decoded, second.decoded) == ((), names(tracks[:2]))
    assert first.content == second.content


def test_tracks_that_left_the_dataset_leave_the_cache(tracks: list[Track], tmp_path: Path) -> None:
    build(tracks, tmp_path)
    report = build(tracks[1:], tmp_path)
    assert report.removed == names(tracks[:1])
    assert cached_names(tmp_path) == list(names(tracks[1:]))
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize(
    "name", ['it\'s "quoted" & 100 %', "Détsky Sad – Walkie", "日本語", "a.b.npy", "a.json", "-x", "*?"]
)
def test_names_with_odd_characters_are_kept(tracks: list[Track], tmp_path: Path, name: str) -> None:
    odd = [Track(name, "train", tracks[0].sources)]
    build(odd, tmp_path)
    assert cached_names(tmp_path) == [name]
    assert load_stems(tmp_path, name).any()
    assert build(odd, tmp_path).kept == (name,)


def test_one_bad_track_stops_no_other_and_all_bad_ones_are_listed(tracks: list[Track], tmp_path: Path) -> None:
    bad = []
    for name in ("bad", "worse"):
        path = tmp_path / f"{name}.stem.mp4"
        path.write_bytes(tracks[0].sources[0].read_bytes()[:9999])
        bad.append(Track(name, "train", (path,)))
    mixed = [bad[0], *tracks[:2], bad[1]]
    with pytest.raises(UserError) as error:
        build(mixed, tmp_path / "stems")
    assert str(error.value).count("\n  - ") == 2
    assert str(bad[0].sources[0]) in str(error.value)
    assert str(bad[1].sources[0]) in str(error.value)
    assert cached_names(tmp_path / "stems") == list(names(tracks[:2]))


def test_a_full_disk_is_one_sentence_and_whole_files_are_left(
    tracks: list[Track], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, written = stem_cache._write_array, []

    def fill_up(path: Path, stems: np.ndarray) -> None:
        write(path, stems)
        written.append(path)
        if len(written) > 1:
            path.write_bytes(path.read_bytes()[:5000])
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(stem_cache, "_write_array", fill_up)
    with pytest.raises(
        UserError, match=r"The disk of .* is full: the stems of this dataset take 0.0 GB in all"
    ) as error:
        build_cache(tracks, table_of(tracks), tmp_path, DatasetSettings("stems", workers=1))
    assert "\n" not in str(error.value)
    whole = cached_names(tmp_path)
    assert whole == list(names(tracks[:1]))
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{whole[0]}.json", f"{whole[0]}.npy"]
    monkeypatch.undo()
    assert build(tracks, tmp_path).kept == tuple(whole)


def test_a_folder_that_cannot_be_made_is_one_sentence(tracks: list[Track], tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"The stem cache in .* cannot be written"):
        build(tracks, tmp_path / "file" / "stems")


def test_a_killed_build_is_gone_on_with(tracks: list[Track], tmp_path: Path) -> None:
    files = [str(track.sources[0]) for track in tracks]
    script = (
        "import sys, time; from pathlib import Path; from sepmodels.dataset import stem_cache\n"
        "from tests.sepmodels.dataset.test_stem_cache import *\n"
        "write = stem_cache._write_array\n"
        "def stall(path, stems):\n"
        "    write(path, stems)\n"
        "    print('half', flush=True)\n"
        "    time.sleep(60 if list(path.parent.glob('*.json')) else 0)\n"
        "stem_cache._write_array = stall\n"
        "tracks = [Track(Path(file).name.removesuffix('.stem.mp4'), 'train', (Path(file),)) for file in sys.argv[2:]]\n"
        "build_cache(tracks, table_of(tracks), Path(sys.argv[1]), DatasetSettings('stems', workers=1))\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(tmp_path), *files], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.readline()
        time.sleep(0.1)
        os.kill(process.pid, signal.SIGKILL)
    assert len(list(tmp_path.glob(".tmp-*"))) == 1
    report = build(tracks, tmp_path)
    assert (report.kept, report.decoded) == (names(tracks[:1]), names(tracks[1:]))
    assert not list(tmp_path.glob(".tmp-*"))


def test_what_another_process_is_writing_is_let_be(tracks: list[Track], tmp_path: Path) -> None:
    theirs = tmp_path / f".tmp-{os.getppid()}-other.npy"
    theirs.touch()
    build(tracks[:1], tmp_path)
    assert theirs.exists()


def test_a_track_that_is_not_there_or_damaged_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no .*song\.npy: make the stems again"):
        load_stems(tmp_path, "song")
    (tmp_path / "song.npy").write_bytes(b"\x93NUMPY nonsense")
    with pytest.raises(UserError, match=r"song\.npy is damaged .* make the stems again"):
        load_stems(tmp_path, "song")
    np.save(tmp_path / "song.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"song\.npy is damaged"):
        load_stems(tmp_path, "song")
    np.save(tmp_path / "song.npy", np.zeros((4, 2, 10), np.int16))
    with pytest.raises(UserError, match=r"song\.npy holds int16 \(4, 2, 10\), not int16"):
        load_stems(tmp_path, "song")

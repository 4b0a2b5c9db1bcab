"""Public datasets: fetched from a real server on this machine, unpacked safely, their licence accepted once."""

import io
import re
import stat
import warnings
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from rich.console import Console
from typer.testing import CliRunner

from assets.factory import benchmark_assets
from assets.graph import benchmark_subjects
from assets.making import public_dataset
from assets.making.dataset import given_files
from assets.making.public_dataset import accept_licence, fetch_dataset, is_licence_accepted, is_to_be_fetched
from assets.paths import Paths
from assets.resources import benchmark_resources
from pipelines.cli import app
from pipelines.doctor import data_checks
from pipelines.downloading import download_dataset
from pipelines.profiles import PROFILES
from sepmodels.dataset.public import download as downloads
from sepmodels.dataset.public.archives import ARCHIVES, Archive, is_as_fetched, tracks_hash
from sepmodels.dataset.public.fetch import obtain
from sepmodels.dataset.public.unpack import DamagedArchiveError, unpack
from sepmodels.errors import UserError
from tests.file_server import FileServer, cut, serving, status

PROFILE = PROFILES["musdb18-7s"]
SONGS = {"train/a.stem.mp4": b"a" * 5000, "train/b.stem.mp4": b"b" * 5000, "test/c.stem.mp4": b"c" * 5000}


def zipped(file: Path, members: dict[str, bytes], **changes: dict[str, object]) -> Path:
    """A zip archive; changes: attributes of the entry of that name."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile tells of names given twice
        for name, content in members.items():
            entry = zipfile.ZipInfo(name.rstrip("+"))
            entry.compress_type = zipfile.ZIP_DEFLATED
            for attribute, value in changes.get(name, {}).items():
                setattr(entry, attribute, value)
            archive.writestr(entry, content)
    return file


def files_in(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


# Unpacking


@pytest.mark.parametrize("above", ["", "musdb18/", "a/b/"])
def test_the_folder_that_holds_train_is_unpacked_wherever_it_is_in_the_archive(tmp_path: Path, above: str) -> None:
    members = {f"{above}{name}": content for name, content in SONGS.items()}
    extra = {f"{above}README.md": b"read", "__MACOSX/train/._a.stem.mp4": b"x", f"{above}train/.DS_Store": b"x"}
    unpack(zipped(tmp_path / "songs.zip", {**members, **extra}), tmp_path / "dataset", most_bytes=10**6)
    assert files_in(tmp_path / "dataset") == {**SONGS, "README.md": b"read"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dataset", "songs.zip"]


@pytest.mark.parametrize(
    "name",
    [
        "../outside",
        "train/../../outside",
        "/tmp/outside",
        "train\\..\\outside",
        "C:/outside",
        "train/link",
        "train/fifo",
    ],
)
def test_what_leads_outside_or_is_no_plain_file_is_refused_and_nothing_is_left(tmp_path: Path, name: str) -> None:
    kinds = {"train/link": stat.S_IFLNK, "train/fifo": stat.S_IFIFO}
    changes = {name: {"external_attr": (kinds[name] | 0o644) << 16, "create_system": 3}} if name in kinds else {}
    archive = zipped(tmp_path / "songs.zip", {**SONGS, name: b"/etc/passwd"}, **changes)
    (tmp_path / "folder").mkdir()
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(DamagedArchiveError, match="leads out of the folder, is no plain file or is encrypted"):
        unpack(archive, tmp_path / "folder" / "dataset", most_bytes=10**6)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_bomb_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    archive = zipped(tmp_path / "songs.zip", {**SONGS, "train/bomb": bytes(10**7)})
    assert archive.stat().st_size < 20_000
    with pytest.raises(DamagedArchiveError, match=r"would unpack to more than 0\.0 GB"):
        unpack(archive, tmp_path / "dataset", most_bytes=10**6)
    assert [path.name for path in tmp_path.iterdir()] == ["songs.zip"]


@pytest.mark.parametrize(
    ("members", "said"),
    [({"songs/a.stem.mp4": b"a"}, "has no folder named train"), ({**SONGS, "train/a.stem.mp4+": b"a"}, "twice")],
)
def test_an_archive_that_is_not_the_dataset_is_refused(tmp_path: Path, members: dict[str, bytes], said: str) -> None:
    with pytest.raises(DamagedArchiveError, match=said):
        unpack(zipped(tmp_path / "songs.zip", members), tmp_path / "dataset", most_bytes=10**6)
    assert not (tmp_path / "dataset").exists()


@pytest.mark.parametrize("damage", ["a byte", "cut", "text"])
def test_a_damaged_archive_leaves_no_folder(tmp_path: Path, damage: str) -> None:
    archive = zipped(tmp_path / "songs.zip", SONGS)
    content = bytearray(archive.read_bytes())
    content[60] ^= 1
    archive.write_bytes({"a byte": content, "cut": content[:-30], "text": b"<html>"}[damage])
    with pytest.raises(DamagedArchiveError, match="damaged"):
        unpack(archive, tmp_path / "dataset", most_bytes=10**6)
    assert [path.name for path in tmp_path.iterdir()] == ["songs.zip"]


# Fetching


@pytest.fixture
def server(tmp_path: Path, stem_dataset: Path) -> Iterator[FileServer]:
    """A server with the small dataset as an archive."""
    folder = tmp_path / "public"
    folder.mkdir()
    with zipfile.ZipFile(folder / "clips.zip", "w") as archive:
        for file in sorted(stem_dataset.glob("*/*.stem.mp4")):
            archive.write(file, file.relative_to(stem_dataset))
    with serving(folder) as running:
        yield running


@pytest.fixture
def archive(server: FileServer, stem_dataset: Path) -> Archive:
    size = (server.folder / "clips.zip").stat().st_size
    return Archive("The clips", f"{server.url}/clips.zip/content", size, size, tracks_sha256=tracks_hash(stem_dataset))


@pytest.fixture
def paths(tmp_path: Path, archive: Archive, monkeypatch: pytest.MonkeyPatch) -> Paths:
    """A data folder, in a world where the profile's archive is on our server."""
    monkeypatch.setitem(ARCHIVES, "musdb18-7s", archive)
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))  # both are set by commands, and restored here
    monkeypatch.setenv("SEPBENCH_PROFILE", PROFILE.name)
    return Paths(tmp_path / "data", PROFILE.name)


def test_a_dataset_is_fetched_unpacked_and_its_archive_removed(
    server: FileServer, archive: Archive, tmp_path: Path, stem_dataset: Path
) -> None:
    server.faults = [cut(100_000), status(503, Retry_After="0")]
    obtain(archive, tmp_path / "data" / "dataset")
    assert files_in(tmp_path / "data" / "dataset") == files_in(stem_dataset)
    assert [path.name for path in (tmp_path / "data").iterdir()] == ["dataset"]


def test_an_archive_that_was_fetched_and_not_unpacked_is_not_fetched_again(
    server: FileServer, archive: Archive, tmp_path: Path
) -> None:
    (tmp_path / "data").mkdir()
    (server.folder / "clips.zip").rename(tmp_path / "data" / "clips.zip")
    obtain(archive, tmp_path / "data" / "dataset")
    assert server.requests == []


def test_the_room_for_the_archive_and_for_its_tracks_is_asked_for_before_anything_is_fetched(
    server: FileServer, archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = SimpleNamespace(free=2 * archive.size_bytes - 1)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: room)
    with pytest.raises(UserError, match="make room"):
        obtain(archive, tmp_path / "data" / "dataset")
    assert server.requests == []
    (tmp_path / "data" / "clips.zip.part").write_bytes((server.folder / "clips.zip").read_bytes()[:1])
    obtain(archive, tmp_path / "data" / "dataset")


def test_tracks_that_are_not_those_published_are_refused_and_removed(archive: Archive, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"The tracks in clips\.zip are not those of The clips"):
        obtain(replace(archive, tracks_sha256="0" * 64), tmp_path / "data" / "dataset")
    assert list((tmp_path / "data").iterdir()) == []


def test_a_mirror_is_asked_for_the_archives_own_name_and_never_given_the_token(
    server: FileServer, archive: Archive, tmp_path: Path
) -> None:
    far = replace(archive, url="https://records.invalid/api/records/1/files/clips.zip/content", restricted=True)
    obtain(far, tmp_path / "data" / "dataset", mirror=f"{server.url}/", token="s3cret")
    assert [path for path, _ in server.requests] == ["/clips.zip"]
    assert "Authorization" not in server.requests[0][1]


def test_what_was_fetched_is_known_as_such_until_it_is_changed_by_hand(archive: Archive, tmp_path: Path) -> None:
    folder = tmp_path / "data" / "dataset"
    obtain(archive, folder)
    assert is_as_fetched(folder)
    (folder / "test" / "Artist 4 - Song 4.stem.mp4").write_bytes(b"another")
    assert not is_as_fetched(folder)


@pytest.mark.real_data
def test_the_hash_of_the_previews_tracks_is_that_of_the_real_clips(musdb18_7s: Path) -> None:
    assert tracks_hash(musdb18_7s) == ARCHIVES["musdb18-7s"].tracks_sha256


def test_every_profile_that_names_an_archive_names_one_that_is_known_and_can_be_checked() -> None:
    named = {profile.dataset.archive for profile in PROFILES.values()} - {None}
    assert named == set(ARCHIVES)
    for archive in ARCHIVES.values():
        assert archive.md5 or archive.tracks_sha256
        assert archive.file.endswith(".zip")


def test_the_preview_is_the_archive_that_musdb_itself_takes() -> None:
    from importlib.resources import files

    assert f"sample-url: {ARCHIVES['musdb18-7s'].url}\n" in files("musdb").joinpath("configs/mus.yaml").read_text()


# The licence


def test_without_the_licence_nothing_is_fetched_and_the_command_for_it_is_told(
    server: FileServer, paths: Paths
) -> None:
    with pytest.raises(UserError, match=r"`sepbench download -p musdb18-7s --accept-licence`"):
        fetch_dataset(PROFILE, paths)
    assert server.requests == []
    assert not paths.data.exists()


def test_the_licence_is_shown_accepted_once_and_asked_for_again_when_it_changed(
    paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = io.StringIO()
    with pytest.raises(UserError):
        download_dataset(PROFILE, paths, Console(file=text))
    assert "education and research only" in text.getvalue()
    accept_licence(PROFILE, paths)
    assert is_licence_accepted(PROFILE, paths)
    monkeypatch.setattr(public_dataset, "LICENCE", "Other terms.")
    assert not is_licence_accepted(PROFILE, paths)
    accept_licence(PROFILE, paths)
    assert is_licence_accepted(PROFILE, paths)


def test_the_command_fetches_once_and_says_where_it_is(server: FileServer, paths: Paths) -> None:
    command = ["download", "-p", PROFILE.name, "--data", str(paths.data), "--accept-licence"]
    for _ in range(2):
        result = CliRunner().invoke(app, command, catch_exceptions=False)
        assert result.exit_code == 0
        assert re.search(rf"is in\s+{paths.dataset}", result.output)
    assert len(server.requests) == 1
    assert files_in(paths.dataset)


@pytest.mark.parametrize(
    ("profile", "sentence"),
    [("folder", "has no dataset to fetch: name its folder with --dataset"), ("demo", "makes its songs itself")],
)
def test_a_profile_without_a_public_dataset_has_nothing_to_fetch(paths: Paths, profile: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        download_dataset(PROFILES[profile], paths, Console(file=io.StringIO()))
    accept_licence(PROFILES[profile], paths)
    assert not paths.licences.exists()


def test_the_doctor_tells_what_would_be_fetched_and_what_room_it_takes(paths: Paths) -> None:
    found = data_checks.check_dataset(PROFILE, paths)
    assert found.status == "fail"
    assert "--dataset" in found.remedy
    assert data_checks.bytes_to_fetch(PROFILE, paths) == 2 * ARCHIVES[PROFILE.name].size_bytes
    accept_licence(PROFILE, paths)
    assert data_checks.check_dataset(PROFILE, paths).status == "ok"
    fetch_dataset(PROFILE, paths)
    assert "6 tracks" in data_checks.check_dataset(PROFILE, paths).detail
    assert data_checks.bytes_to_fetch(PROFILE, paths) == 0


# In the graph


def materialize_dataset(paths: Paths, instance: dg.DagsterInstance) -> dg.ExecuteInProcessResult:
    assets = benchmark_assets(PROFILE, paths, ())
    resources = benchmark_resources(paths.data / "mlflow")
    key = dg.AssetKey([PROFILE.name, "dataset"])
    return dg.materialize(assets, selection=[key], instance=instance, resources=resources, raise_on_error=False)


def test_the_graphs_dataset_is_fetched_with_the_licence_and_fails_with_the_sentence_without(paths: Paths) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        failed = materialize_dataset(paths, instance)
        assert not failed.success
        failure = failed.filter_events(lambda event: event.is_step_failure)[0].step_failure_data
        assert "--accept-licence" in failure.user_failure_data.description
        accept_licence(PROFILE, paths)
        assert materialize_dataset(paths, instance).success
    assert len(files_in(paths.dataset)) == 6


def test_fetching_makes_nothing_stale_and_a_track_replaced_by_hand_does(paths: Paths) -> None:
    def version() -> str:
        return benchmark_subjects(PROFILE, paths, ())[0].version.digest

    before = version()
    assert is_to_be_fetched(PROFILE, paths)
    accept_licence(PROFILE, paths)
    fetch_dataset(PROFILE, paths)
    assert version() == before
    assert given_files(PROFILE, paths) is None
    (paths.dataset / "test" / "Artist 4 - Song 4.stem.mp4").write_bytes(b"another")
    assert given_files(PROFILE, paths) == paths.dataset
    assert version() != before

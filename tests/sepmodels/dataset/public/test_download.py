"""Downloads from a real server on this machine that cuts, stalls, refuses and lies."""

import email.utils
import hashlib
import random
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from sepmodels.dataset.public import download as downloads
from sepmodels.dataset.public.download import download
from sepmodels.dataset.public.http import Patience, RemoteFile
from sepmodels.errors import UserError
from tests.file_server import FileServer, body, cut, send, serving, stall, status

CONTENT = random.Random(0).randbytes(1_000_000)
# A server is given up on late: this machine may be busy. Where it does stall, soon.
HASTE = Patience(stall_seconds=30, tries=3, first_wait_seconds=0.01, longest_wait_seconds=10)
SOON = replace(HASTE, stall_seconds=0.5)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[FileServer]:
    folder = tmp_path / "public"
    folder.mkdir()
    (folder / "songs.zip").write_bytes(CONTENT)
    with serving(folder) as running:
        yield running


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "here" / "songs.zip"


def remote(server: FileServer, **changes: object) -> RemoteFile:
    fields: dict = {"size_bytes": len(CONTENT), "md5": hashlib.md5(CONTENT).hexdigest(), **changes}
    return RemoteFile(f"{server.url}/songs.zip", **fields)


def fetch(server: FileServer, place: Path, patience: Patience = HASTE, **changes: object) -> list[str]:
    """Fetch the file; returns what was said meanwhile."""
    said: list[str] = []
    download(remote(server, **changes), place, patience=patience, say=said.append)
    return said


def fault(server: FileServer, place: Path, **changes: object) -> str:
    with pytest.raises(UserError) as error:
        fetch(server, place, **changes)
    assert not place.exists()
    return str(error.value)


def part(place: Path) -> Path:
    return place.with_name("songs.zip.part")


def test_a_file_comes_whole_and_is_not_fetched_twice(server: FileServer, place: Path) -> None:
    fetch(server, place)
    fetch(server, place)
    assert place.read_bytes() == CONTENT
    assert len(server.requests) == 1
    assert [file.name for file in place.parent.iterdir()] == ["songs.zip"]


@pytest.mark.parametrize("put_there", [CONTENT[:-1], CONTENT[:-1] + b"?"], ids=["a half", "another"])
def test_a_file_that_somebody_put_there_is_checked_and_left_alone(
    server: FileServer, place: Path, put_there: bytes
) -> None:
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(put_there)
    with pytest.raises(
        UserError, match=rf"songs\.zip is not the file of .*; {len(CONTENT)} are published.*move it away"
    ):
        fetch(server, place)
    assert place.read_bytes() == put_there
    assert server.requests == []


def test_after_every_cut_it_goes_on_where_it_was(server: FileServer, place: Path) -> None:
    server.faults = [cut(200_000), cut(300_000), cut(100_000), cut(100_000), cut(100_000)]
    said = fetch(server, place)  # five breaks, though three tries in a row would be the end
    assert place.read_bytes() == CONTENT
    assert len(server.requests) == 6
    assert server.ranges[0] is None
    starts = [int(asked.removeprefix("bytes=").rstrip("-")) for asked in server.ranges[1:] if asked]
    assert starts == sorted(starts)
    assert starts[-1] > 600_000  # of 800,000 sent, all but unfinished blocks
    assert "the connection broke; going on from " in said[0]


def test_what_an_earlier_program_fetched_is_gone_on_with(server: FileServer, place: Path) -> None:
    place.parent.mkdir()
    part(place).write_bytes(CONTENT[:700_000])
    fetch(server, place)
    assert server.ranges == ["bytes=700000-"]
    assert place.read_bytes() == CONTENT


def test_all_that_came_before_the_program_ended_needs_no_server(server: FileServer, place: Path) -> None:
    place.parent.mkdir()
    part(place).write_bytes(CONTENT)
    fetch(server, place)
    assert server.requests == []
    assert place.read_bytes() == CONTENT


def test_a_server_that_stalls_is_left_and_asked_for_the_rest(server: FileServer, place: Path) -> None:
    server.faults = [stall(300_000, seconds=10)]
    said = fetch(server, place, SOON)
    assert "the server sent nothing for 0.5 s; going on from " in said[0]
    assert place.read_bytes() == CONTENT


def test_a_server_without_ranges_is_heard_out_from_the_start_without_losing_what_came(
    server: FileServer, place: Path
) -> None:
    place.parent.mkdir()
    part(place).write_bytes(CONTENT[:600_000])
    server.faults = [body(CONTENT)]
    fetch(server, place)
    assert place.read_bytes() == CONTENT


@pytest.mark.parametrize("said", ["bytes 700000-999999/1000000", "bytes 7", ""])
def test_a_wrong_range_is_not_believed(server: FileServer, place: Path, said: str) -> None:
    place.parent.mkdir()
    part(place).write_bytes(CONTENT[:600_000])
    server.faults = [body(CONTENT[700_000:], 206, Content_Range=said)]
    fetch(server, place)
    assert server.ranges == ["bytes=600000-", None]
    assert place.read_bytes() == CONTENT


def test_a_refused_range_is_asked_for_as_the_whole(server: FileServer, place: Path) -> None:
    place.parent.mkdir()
    part(place).write_bytes(CONTENT[:600_000])
    server.faults = [status(416)]
    fetch(server, place)
    assert server.ranges == ["bytes=600000-", None]


def test_wrong_bytes_are_fetched_again_once_and_then_refused(server: FileServer, place: Path) -> None:
    wrong = body(bytes(len(CONTENT)))
    server.faults = [wrong]
    assert any("wrong checksum: fetched again" in sentence for sentence in fetch(server, place))
    assert place.read_bytes() == CONTENT
    place.unlink()
    server.faults = [wrong, wrong]
    assert "does not have the MD5 checksum" in fault(server, place)
    assert not part(place).exists()


def test_a_half_of_other_bytes_from_an_earlier_program_is_noticed(server: FileServer, place: Path) -> None:
    place.parent.mkdir()
    part(place).write_bytes(bytes(500_000))
    fetch(server, place)
    assert place.read_bytes() == CONTENT


def test_a_file_of_another_size_is_refused_at_once(server: FileServer, place: Path) -> None:
    server.faults = [body(b"<html>Please log in</html>")]
    assert "has 26 bytes where 1000000 are expected: it is another file" in fault(server, place)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [401, 403])
def test_where_access_is_refused_the_token_is_named(server: FileServer, place: Path, code: int) -> None:
    server.faults = [status(code)]
    message = fault(server, place)
    assert "SEPBENCH_DOWNLOAD_TOKEN" in message
    assert len(server.requests) == 1


def test_a_file_that_is_not_there_is_not_asked_for_again(server: FileServer, place: Path) -> None:
    (server.folder / "songs.zip").unlink()
    assert "is not to be had (404 Not Found)" in fault(server, place)
    assert len(server.requests) == 1


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_server_in_trouble_is_asked_again(server: FileServer, place: Path, code: int) -> None:
    server.faults = [status(code), cut(400_000), status(code), status(code)]
    said = fetch(server, place)
    assert place.read_bytes() == CONTENT
    assert f"the server answers {code}" in said[0]
    assert "try 2 of 3" in said[0]


def test_a_server_that_stays_in_trouble_is_left_and_what_came_is_kept(server: FileServer, place: Path) -> None:
    server.faults = [cut(400_000), *[status(500)] * 3]
    message = fault(server, place)
    assert "the server answers 500 (Internal Server Error), 3 times in a row" in message
    assert "is kept: run again later to go on" in message
    kept = part(place).stat().st_size
    assert kept > 300_000
    fetch(server, place)
    assert server.ranges[-1] == f"bytes={kept}-"


@pytest.mark.parametrize("form", ["seconds", "date"])
def test_the_wait_that_the_server_asks_for_is_kept(server: FileServer, place: Path, form: str) -> None:
    asked = "1" if form == "seconds" else email.utils.formatdate(time.time() + 4, usegmt=True)
    server.faults = [status(429, Retry_After=asked)]
    said = fetch(server, place)
    assert re.search(r"try 2 of 3 in [1-4] s\.$", said[0])


def test_a_wait_that_is_too_long_is_told_and_not_kept(server: FileServer, place: Path) -> None:
    server.faults = [status(429, Retry_After="3600")]
    assert "asks to come back in 60 minutes (429)" in fault(server, place)


def test_a_machine_that_is_offline_is_told_so_at_once(place: Path) -> None:
    far = RemoteFile("http://no-such-host.invalid/songs.zip", 10)
    with pytest.raises(UserError, match=r"no-such-host.invalid cannot be reached .* is this machine online\?"):
        download(far, place, patience=Patience())


def test_a_server_that_is_down_is_asked_a_few_times(server: FileServer, place: Path) -> None:
    server.shutdown()
    server.server_close()
    assert "no connection to 127.0.0.1 could be made, 3 times in a row" in fault(server, place)


def test_an_address_that_is_none_is_told(place: Path) -> None:
    with pytest.raises(UserError, match="is not the address of a file"):
        download(RemoteFile("mirror/songs.zip", 10), place, patience=HASTE)


def test_the_token_goes_to_the_server_and_no_further_and_is_never_said(server: FileServer, place: Path) -> None:
    elsewhere = f"http://localhost:{server.server_port}/songs.zip"
    server.faults = [status(302, Location=elsewhere), cut(10)]
    said = fetch(server, place, token="s3cret")
    assert server.requests[0][1]["Authorization"] == "Bearer s3cret"
    assert "Authorization" not in server.requests[1][1]
    assert "s3cret" not in " ".join(said)
    assert "s3cret" not in repr(remote(server, token="s3cret"))


def test_the_token_is_not_sent_unencrypted(place: Path) -> None:
    with pytest.raises(UserError, match="is not encrypted") as error:
        download(RemoteFile("http://example.invalid/songs.zip", 10, token="s3cret"), place, patience=HASTE)
    assert "s3cret" not in str(error.value)


def test_progress_tells_megabytes_their_rate_and_the_time_left(server: FileServer, place: Path) -> None:
    seen: list[tuple] = []
    server.faults = [stall(500_000, seconds=10)]
    download(remote(server), place, patience=SOON, progress=lambda *state, **figures: seen.append((*state, figures)))
    assert seen[-1][:3] == (1, 1, "MB")
    assert seen[-1][3]["MB_per_second"] > 0
    assert seen[-1][3]["minutes_left"] == 0


def test_a_disk_that_is_too_small_is_told_before_anything_is_fetched(
    server: FileServer, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: SimpleNamespace(free=999_999))
    assert "0.0 GB free, and 0.0 GB are needed" in fault(server, place)
    assert server.requests == []
    part(place).write_bytes(CONTENT[:1000])
    fetch(server, place)  # what has come needs no more room


def test_two_processes_do_not_fetch_into_the_same_file(server: FileServer, place: Path) -> None:
    messages: list[str] = []

    def meanwhile(handler: object, content: bytes) -> None:
        messages.append(fault(server, place))
        send(handler, content)  # type: ignore[arg-type]

    waits: list[Callable] = [meanwhile]
    server.faults = waits
    fetch(server, place, patience=Patience(stall_seconds=20))
    assert "is being fetched by another process" in messages[0]
    assert place.read_bytes() == CONTENT

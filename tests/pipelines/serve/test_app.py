"""The page of ``sepbench serve``, in a real browser and by its addresses."""

import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from rich.console import Console

from assets.paths import Paths
from pipelines.profiles import PROFILES
from pipelines.serve.app import HOST, page_app, serve
from pipelines.serve.work import PageWork
from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import save_model
from sepmodels.settings import SeparationSettings
from sepmodels.systems.given_audio import GivenAudio
from sepmodels.systems.python_function import PythonFunction
from sepmodels.systems.system_files import write_system
from sepmodels.systems.variants import VARIANTS
from tests.browser import CHROMIUM, FLAGS
from tests.conftest import PROJECT
from tests.ports import own_port
from tests.sepmodels.separation.test_separate import music
from tests.sepmodels.separation.test_song_files import write_song

RATE_HZ = 44_100
SECOND = 1000  # Playwright counts milliseconds
TINY = {"n_fft": 512, "hop": 128, "hidden": 16}
FULL = VARIANTS["l1_loss"]
PROFILE = replace(PROFILES["demo"], separation=SeparationSettings(segment_seconds=2.0, overlap_seconds=0.5))


class Server:
    """The page, served from a thread of this process."""

    def __init__(self, data: Path, **limits: float) -> None:
        import uvicorn

        paths = Paths(data, "demo")
        self.work = PageWork(PROFILE, paths, data / "work", limits.get("seconds", 60.0))
        self.work.folder.mkdir()
        app = page_app(self.work, limits.get("max_bytes", 10e6) / 1e6)
        self.port = own_port(HOST)
        self.address = f"http://{HOST}:{self.port}"
        self._server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=self.port, log_level="warning"))
        self._thread = threading.Thread(target=self._server.run)

    def __enter__(self) -> "Server":
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join()
        self.work.close()

    def ask(self, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
        request = urllib.request.Request(self.address + path, body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as refusal:
            return refusal.code, refusal.read()


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two trained variants, small ones."""
    torch.manual_seed(0)
    for name in ("open_unmix", "l1_loss"):
        monkeypatch.setitem(VARIANTS, name, replace(VARIANTS[name], settings=TINY))
        save_model(Paths(tmp_path, "demo").model(name, 42), build_model(VARIANTS[name]), VARIANTS[name])
    return tmp_path


@pytest.fixture
def server(data: Path) -> Iterator[Server]:
    with Server(data) as server:
        yield server


def song_bytes(seconds: float = 3.0) -> bytes:
    content = io.BytesIO()
    soundfile.write(content, music(RATE_HZ, seconds).T, RATE_HZ, format="FLAC")
    return content.getvalue()


def test_a_song_is_taken_separated_given_back_and_removed(server: Server) -> None:
    import json

    status, answer = server.ask("/songs?variant=l1_loss", song_bytes())
    assert status == 200
    song = json.loads(answer)["id"]
    while (said := json.loads(server.ask(f"/songs/{song}")[1]))["state"] in ("waiting", "separating"):
        time.sleep(0.05)
    assert said["state"] == "done", said
    stems = [
        soundfile.read(io.BytesIO(server.ask(f"/songs/{song}/{name}.flac")[1]))[0]
        for name in ("vocals", "accompaniment")
    ]
    np.testing.assert_allclose(sum(stems), music(RATE_HZ, 3.0).T, atol=1e-4)
    assert server.ask(f"/songs/{song}/vocals.png")[1].startswith(b"\x89PNG")
    assert server.ask(f"/songs/{song}/song")[0] == 404
    assert server.ask(f"/songs/{song}/forget", b"")[0] == 200
    assert server.ask(f"/songs/{song}")[0] == 404
    assert not list(server.work.folder.iterdir())


def test_an_added_system_that_can_separate_is_offered_and_separates(data: Path, tmp_path: Path) -> None:
    import json

    script = tmp_path / "halving.py"
    script.write_text("def separate(mixture, sample_rate_hz):\n    return mixture / 2\n")
    halving = PythonFunction("halving", "Halving", "", python=f"{script}:separate")
    audio = GivenAudio("given", "Given", "", estimates=tmp_path)
    for system in (halving, audio):
        write_system(system, Paths(data, "demo").systems)
    with Server(data) as server:
        page = server.ask("/")[1]
        assert b'value="halving"' in page
        assert b'value="given"' not in page
        song = json.loads(server.ask("/songs?variant=halving", song_bytes())[1])["id"]
        while (said := json.loads(server.ask(f"/songs/{song}")[1]))["state"] in ("waiting", "separating"):
            time.sleep(0.05)
        assert said["state"] == "done", said
        vocals = soundfile.read(io.BytesIO(server.ask(f"/songs/{song}/vocals.flac")[1]))[0]
    assert float(np.abs(vocals - music(RATE_HZ, 3.0).T / 2).max()) < 1e-2


@pytest.mark.parametrize(
    ("path", "size", "headers", "status", "sentence"),
    [
        ("/songs?variant=l1_loss", 11_000_000, {}, 413, b"larger than 10 MB"),
        ("/songs?variant=nobody", 10, {}, 400, b"no trained variant"),
        ("/songs?variant=l1_loss", 10, {"Origin": "http://elsewhere.example"}, 403, b"Only this page"),
        ("/", None, {"Host": "elsewhere.example"}, 400, b""),
    ],
)
def test_what_is_too_large_unknown_or_from_another_page_is_refused_and_leaves_nothing(
    server: Server, path: str, size: int | None, headers: dict[str, str], status: int, sentence: bytes
) -> None:
    found, said = server.ask(path, None if size is None else b"x" * size, **headers)
    assert (found, sentence in said) == (status, True)
    assert not list(server.work.folder.iterdir())


def test_a_page_that_is_left_while_it_sends_leaves_nothing_and_no_error(server: Server, capfd) -> None:
    with socket.create_connection((HOST, server.port)) as connection:
        head = f"POST /songs?variant=l1_loss HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\n"
        connection.sendall(head.encode() + b"x" * 5_000)
        wait_until(lambda: server.work.tasks)
    wait_until(lambda: not server.work.tasks and not list(server.work.folder.iterdir()))
    assert "Traceback" not in capfd.readouterr().err


def wait_until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 240  # a busy machine is no fault of the page
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def wait_for(server: Server) -> dict:
    task = server.work.new("l1_loss")
    task.song.write_bytes(song_bytes(6.0))
    server.work.begin(task).result(60)
    return task.said()


def test_a_song_that_takes_too_long_is_given_up(data: Path) -> None:
    with Server(data, seconds=0.0) as server:
        said = wait_for(server)
    assert said["state"] == "failed"
    assert "--max-minutes" in said["message"]


def test_stems_are_removed_after_their_time_and_all_when_the_server_ends(data: Path) -> None:
    with Server(data) as server:
        assert wait_for(server)["state"] == "done"
        assert len(list(server.work.folder.iterdir())) == 1
        server.work.keep_seconds = 0.0
        wait_for(server)
        wait_until(lambda: len(list(server.work.folder.iterdir())) == 1)
    assert not list(server.work.folder.iterdir())


def test_ended_by_the_system_the_server_removes_its_songs_too(data: Path, tmp_path: Path) -> None:
    """A real server, as a terminal would start it; SIGTERM in the middle of a song."""
    save_model(Paths(data, "demo").model("l1_loss", 42), build_model(FULL), FULL)
    spool, port = tmp_path / "spool", own_port(HOST)
    spool.mkdir()
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "serve", "--no-browser"]
    options = ["--port", str(port), "--data", str(data), "--set", "separation.segment_seconds=1"]
    environment = {**os.environ, "TMPDIR": str(spool)}
    with subprocess.Popen(
        [*command, *options, "--set", "separation.overlap_seconds=0"], cwd=PROJECT, env=environment
    ) as process:
        try:
            wait_until(lambda: answers(port) or process.poll() is not None)
            urllib.request.urlopen(f"http://{HOST}:{port}/songs?variant=l1_loss", song_bytes(120.0)).read()
            wait_until(lambda: list(spool.glob("*/*/.tmp-*")))
        finally:
            process.send_signal(signal.SIGTERM)  # also after a failure, or its end would be waited for without an end
        assert process.wait(240) == 128 + signal.SIGTERM
    assert not list(spool.iterdir())


def answers(port: int) -> bool:
    with socket.socket() as trial:
        return trial.connect_ex((HOST, port)) == 0


def test_without_a_trained_variant_the_sentence_says_which_command_trains_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sepbench run -p demo"):
        serve(PROFILE, Paths(tmp_path, "demo"), Console())
    with Server(tmp_path) as server:  # behind the front page the first variant may come later
        assert b"sepbench run -p demo" in server.ask("/")[1]


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_in_a_browser_a_song_is_dropped_separated_heard_and_downloaded(
    server: Server, tmp_path: Path, scheme: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe
    from playwright.sync_api import expect, sync_playwright

    song = write_song(tmp_path / "my song.wav", music(RATE_HZ, 6.0), RATE_HZ)
    (tmp_path / "words.wav").write_text("no music")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page(color_scheme=scheme)
        page.set_default_timeout(60 * SECOND)
        expect.set_options(timeout=60 * SECOND)
        said, asked = [], []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda fault: said.append(str(fault)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(server.address)
        assert Axe().run(page).response["violations"] == []

        page.keyboard.press("Tab")
        expect(page.get_by_label("Song")).to_be_focused()
        page.get_by_label("Song").set_input_files(song)
        page.keyboard.press("Tab")
        expect(page.get_by_label("Variant")).to_be_focused()
        expect(page.get_by_text(VARIANTS["open_unmix"].summary)).to_be_visible()
        page.keyboard.press("ArrowDown")
        expect(page.get_by_text(VARIANTS["l1_loss"].summary)).to_be_visible()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")

        expect(page.get_by_role("status")).to_contain_text("Done: my song.wav")
        for name in ("Song", "Vocals", "Accompaniment"):
            length = page.evaluate(
                """async (name) => {
                    const audio = document.querySelector(`audio[aria-label="${name}"]`);
                    audio.muted = true;
                    await audio.play();
                    while (audio.currentTime < 0.2) await new Promise((resume) => setTimeout(resume, 20));
                    audio.pause();
                    return audio.duration;
                }""",
                name,
            )
            assert length == pytest.approx(6.0, abs=0.1)
        pictures = page.locator("img")
        expect(pictures).to_have_count(2)
        for picture in pictures.all():
            picture.scroll_into_view_if_needed()
            assert picture.evaluate("async (one) => { await one.decode(); return one.naturalWidth; }") > 100
        with page.expect_download() as download:
            page.get_by_role("link", name="Download the vocals").click()
        assert download.value.suggested_filename == "my song - vocals (l1_loss).flac"
        assert soundfile.info(download.value.path()).samplerate == RATE_HZ
        assert Axe().run(page).response["violations"] == []
        assert said == []

        page.locator("#song").set_input_files(tmp_path / "words.wav")
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_contain_text("The song cannot be decoded")
        assert all(url.startswith((server.address, "blob:", "data:")) for url in asked)
        wait_until(lambda: not list(server.work.folder.iterdir()))
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_page_whose_server_has_ended_says_so_and_what_to_do(data: Path, tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    song = write_song(tmp_path / "song.wav", music(RATE_HZ, 1.0), RATE_HZ)
    busy = threading.Event()
    with sync_playwright() as playwright, Server(data) as server:
        server.work._thread.submit(busy.wait)  # as by a song before
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        page.goto(server.address)
        page.get_by_label("Song").set_input_files(song)
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_have_text("Waiting for the song before…", timeout=60 * SECOND)
        server._server.should_exit = True
        expect(page.get_by_role("status")).to_have_text(
            "sepbench serve has ended: start it again.", timeout=60 * SECOND
        )
        expect(page.get_by_role("button", name="Separate")).to_be_enabled()
        busy.set()
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_in_a_browser_a_song_is_dragged_anywhere_onto_the_page_and_its_stems_compared_at_one_place(
    server: Server, tmp_path: Path
) -> None:
    from playwright.sync_api import expect, sync_playwright

    song = write_song(tmp_path / "a – 'song'.flac", music(RATE_HZ, 6.0), RATE_HZ)
    (tmp_path / "album").mkdir()
    with sync_playwright() as playwright:
        utf8 = {**os.environ, "LC_ALL": "C.UTF-8"}  # else it would not find a file of that name
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS, env=utf8)
        page = browser.new_page(viewport={"width": 900, "height": 900})
        page.set_default_timeout(60 * SECOND)
        expect.set_options(timeout=60 * SECOND)
        page.goto(server.address)
        session = page.context.new_cdp_session(page)

        def drag(*files: Path) -> None:
            """From the system's file manager, and let go beside the frame."""
            data = {"items": [], "files": [str(file) for file in files], "dragOperationsMask": 1}
            for kind in ("dragEnter", "dragOver", "drop"):
                session.send("Input.dispatchDragEvent", {"type": kind, "x": 450, "y": 850, "data": data})

        for several in ((tmp_path / "album",), (song, song)):
            drag(*several)
            expect(page.get_by_role("status")).to_contain_text("one song at a time")
        assert page.get_by_label("Song").evaluate("input => input.files.length") == 0

        drag(song)
        assert page.get_by_label("Song").evaluate("input => input.files[0].name") == song.name
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_contain_text(f"Done: {song.name}")
        places = page.evaluate(
            """async () => {
                const [song, vocals] = document.querySelectorAll("audio");
                song.muted = vocals.muted = true;
                await song.play();
                song.currentTime = 3;
                await new Promise((resume) => { song.onseeked = resume; });
                await vocals.play();
                return [song.paused, vocals.currentTime - song.currentTime];
            }"""
        )
        assert places == [True, pytest.approx(0.0, abs=1.0)]  # not from the begin
        assert page.url.rstrip("/") == server.address
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_song_that_is_cancelled_is_removed_and_another_can_be_sent(data: Path, tmp_path: Path) -> None:
    from playwright.sync_api import expect, sync_playwright

    song = write_song(tmp_path / "song.wav", music(RATE_HZ, 1.0), RATE_HZ)
    busy = threading.Event()
    with sync_playwright() as playwright, Server(data) as server:
        server.work._thread.submit(busy.wait)  # as by a song before
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = browser.new_page()
        expect.set_options(timeout=60 * SECOND)
        page.goto(server.address)
        page.get_by_label("Song").set_input_files(song)
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_have_text("Waiting for the song before…")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("status")).to_have_text("Cancelled.")
        wait_until(lambda: not server.work.tasks)
        busy.set()
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_contain_text("Done: song.wav")

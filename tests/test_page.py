"""The page of ``sepbench serve``, in a real browser and by its addresses."""

import io
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from assets.paths import Paths
from pipelines.page import HOST, page_app
from pipelines.page_work import PageWork
from pipelines.profiles import PROFILES
from pipelines.servers import free_port
from sepmodels.checkpoints import save_model
from sepmodels.errors import UserError
from sepmodels.models import build_model
from sepmodels.settings import SeparationSettings
from sepmodels.variants import VARIANTS
from tests.browser import CHROMIUM, FLAGS
from tests.test_separation import music
from tests.test_stems import write_song

RATE_HZ = 44_100
SECOND = 1000  # Playwright counts milliseconds
TINY = {"n_fft": 512, "hop": 128, "hidden": 16}
PROFILE = replace(PROFILES["demo"], separation=SeparationSettings(segment_seconds=2.0, overlap_seconds=0.5))


class Server:
    """The page, served from a thread of this process."""

    def __init__(self, data: Path, **limits: float) -> None:
        import uvicorn

        paths = Paths(data, "demo")
        self.work = PageWork(PROFILE, paths, data / "work", limits.get("seconds", 600.0), keep_seconds=600.0)
        self.work.folder.mkdir()
        app = page_app(PROFILE, paths, self.work, max_bytes=int(limits.get("max_bytes", 10e6)), max_seconds=60.0)
        self.port = free_port(HOST, 7860)
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
        server.work.keep_seconds = -1.0
        server.work.remove_old()
        assert not list(server.work.folder.iterdir())
        server.work.keep_seconds = 600.0
        wait_for(server)
    assert not list(server.work.folder.iterdir())


def test_without_a_trained_variant_the_sentence_says_which_command_trains_one(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="sepbench run -p demo"):
        page_app(PROFILE, Paths(tmp_path, "demo"), None, max_bytes=1, max_seconds=1)


def test_without_the_extra_the_sentence_names_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[serve\]'"):
        page_app(PROFILE, Paths(tmp_path, "demo"), None, max_bytes=1, max_seconds=1)


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
        page.keyboard.press("ArrowDown")
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
        assert download.value.suggested_filename == "my song - vocals.flac"
        assert soundfile.info(download.value.path()).samplerate == RATE_HZ
        assert Axe().run(page).response["violations"] == []
        assert said == []

        page.locator("#song").set_input_files(tmp_path / "words.wav")
        page.get_by_role("button", name="Separate").click()
        expect(page.get_by_role("status")).to_contain_text("The song cannot be decoded")
        assert all(url.startswith((server.address, "blob:", "data:")) for url in asked)
        browser.close()
    deadline = time.monotonic() + 30
    while list(server.work.folder.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not list(server.work.folder.iterdir())

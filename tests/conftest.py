"""What several test modules share: the real clips, and a small dataset in MUSDB's layout."""

import os
import signal
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy and torch: tests are small, and often run beside others

import hypothesis
import numpy as np
import psutil
import pytest

from tests.over_a_second import slow_tests

# A deadline is a timed assertion, which a busy machine breaks; the same examples every time keep a red run red.
hypothesis.settings.register_profile("sepbench", deadline=None, derandomize=True)
hypothesis.settings.load_profile("sepbench")

PROJECT = Path(__file__).resolve().parents[1]
MUSDB18_7S = Path(os.environ.get("SEPBENCH_MUSDB18_7S", PROJECT / "../shared/data/musdb18-7s")).resolve()
MIR_1K = Path(os.environ.get("SEPBENCH_MIR_1K", PROJECT / "../shared/data/mir-1k")).resolve()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    slow = set(slow_tests())
    for item in items:
        if item.nodeid.partition("[")[0] in slow:
            item.add_marker("over_a_second")
    if MUSDB18_7S.is_dir():
        return
    absent = pytest.mark.skip(reason=f"needs MUSDB18's seven-second clips in {MUSDB18_7S} (SEPBENCH_MUSDB18_7S)")
    for item in items:
        if item.get_closest_marker("real_data"):
            item.add_marker(absent)


@pytest.fixture(autouse=True)
def python_s_own_signals() -> None:
    """Undo what Dagster does to a process that it runs in: there SIGTERM would raise KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def musdb18_7s() -> Path:
    """The folder of MUSDB18's seven-second clips; the test is skipped where it is absent."""
    if not MUSDB18_7S.is_dir():
        pytest.skip(f"needs MUSDB18's seven-second clips in {MUSDB18_7S} (SEPBENCH_MUSDB18_7S)")
    return MUSDB18_7S


@pytest.fixture(scope="session")
def mir_1k() -> Path:
    """The folder of clips of MIR-1K; the test is skipped where it is absent."""
    if not MIR_1K.is_dir():
        pytest.skip(f"needs clips of MIR-1K in {MIR_1K} (SEPBENCH_MIR_1K)")
    return MIR_1K


def synthetic_stems(seed: int, seconds: float) -> np.ndarray:
    """A mixture and its four stems, float32 (5, sample, 2) as stempeg wants them: noise bursts, tones, a "voice"."""
    rng = np.random.default_rng(seed)
    time_seconds = np.arange(round(seconds * 44_100)) / 44_100
    beat = np.exp(-12 * (time_seconds % 0.5))
    drums = 0.2 * beat * rng.standard_normal(len(time_seconds))
    bass = 0.2 * np.sin(2 * np.pi * rng.uniform(50, 90) * time_seconds)
    other = 0.1 * sum(np.sin(2 * np.pi * rng.uniform(200, 900) * time_seconds) for _ in range(3))
    pitch = rng.uniform(150, 400) * time_seconds + 2 * np.sin(2 * np.pi * 5 * time_seconds)
    vocals = 0.2 * np.sign(np.sin(0.8 * time_seconds)) * sum(np.sin(2 * np.pi * k * pitch) / k for k in range(1, 6))
    vocals[: len(vocals) // 4] = 0  # a rest, so that some windows have no voice
    stems = np.stack([drums, bass, other, vocals]).astype(np.float32)
    pan = rng.uniform(0.6, 1.0, size=(4, 1, 2)).astype(np.float32)
    stereo = stems[:, :, None] * pan
    return np.concatenate([stereo.sum(axis=0, keepdims=True), stereo])


def write_stem_file(path: Path, stems: np.ndarray, sample_rate_hz: int = 44_100) -> None:
    """Write float (5, sample, channel) as a five-stream file in MUSDB's way, by stempeg."""
    import stempeg

    path.parent.mkdir(parents=True, exist_ok=True)
    writer = stempeg.StreamsWriter(codec="aac", bitrate=256_000)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # stempeg leaves a pipe of ffmpeg's open
        stempeg.write_stems(str(path), stems, sample_rate=sample_rate_hz, writer=writer)


def read_stem_file(path: Path) -> np.ndarray:
    """The five streams of a ``.stem.mp4`` file, int16 (stream, 2, sample) at 44.1 kHz."""
    from sepmodels.dataset.decoding import read_track
    from sepmodels.dataset.track import Track

    return read_track(Track(path.name, "train", (path,))).stems


@pytest.fixture(scope="session")
def stem_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset in MUSDB's layout: four training and two test tracks of 4 to 5 seconds. Read it, don't change it."""
    folder = tmp_path_factory.mktemp("stem_dataset")
    paths = [folder / ("train" if n < 4 else "test") / f"Artist {n} - Song {n}.stem.mp4" for n in range(6)]
    stems = [synthetic_stems(seed=n, seconds=4.0 + 0.2 * n) for n in range(6)]
    with warnings.catch_warnings(), ThreadPoolExecutor(2) as pool:
        warnings.simplefilter("ignore", ResourceWarning)
        list(pool.map(write_stem_file, paths, stems))
    return folder


@pytest.fixture(scope="session")
def pristine(tmp_path_factory: pytest.TempPathFactory):
    """A copy of the project's packages, and an instance in which all of it has been made. Nothing may be run in it."""
    import dagster as dg

    from tests.stand_ins import Benchmark, copy_code

    root = copy_code(tmp_path_factory.mktemp("project"))
    with dg.DagsterInstance.ephemeral() as instance:
        with pytest.MonkeyPatch.context() as patch:  # taken back at once: the rest of the session makes real products
            Benchmark(root, instance, patch).run()
        yield root, instance


@pytest.fixture
def benchmark(pristine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The stand-in benchmark, all of it fresh: edits of its code are seen. To run it would spoil the next test's."""
    from tests.stand_ins import Benchmark, copy_code

    root, instance = pristine
    return Benchmark(copy_code(tmp_path / "project", root), instance, monkeypatch, data=root / "data")


def words_of(process: psutil.Process) -> list[str]:
    """The command line of a process; empty when it has ended meanwhile, as those of ffmpeg do at any time."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []

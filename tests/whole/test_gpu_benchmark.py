"""The measurements for a GPU, done on the CPU where nothing but torch and numpy is installed."""

import importlib
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from sepmodels.audio import SAMPLE_RATE_HZ
from tests.conftest import PROJECT, read_stem_file

GPU = PROJECT / "benchmarks" / "gpu.py"


def needed(name: str, known: set[str]) -> set[str]:
    """A package and all that it needs, as far as that is installed, added to those that are known."""
    try:
        package = importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:  # of another platform
        return known
    if name not in known:
        known.add(name)
        for line in package.requires or ():
            if "extra ==" not in line and (found := re.match(r"[\w.-]+", line)):
                needed(found[0], known)
    return known


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for packages, with links to torch, numpy and what they need."""
    folder = tmp_path_factory.mktemp("packages")
    for name in needed("torch", needed("numpy", set())):
        package = importlib.metadata.distribution(name)
        for top in {file.parts[0] for file in package.files or ()} - {".."}:
            if not (folder / top).exists():
                (folder / top).symlink_to(package.locate_file(top))
    assert not (folder / "pandas").exists()
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tracks of each split: noise, and a tone for the voice."""
    folder = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(0)
    for split in ("train", "valid"):
        (folder / split).mkdir()
        for number in range(2):
            stems = 2000 * rng.standard_normal((4, 2, 2 * SAMPLE_RATE_HZ))
            stems[3] = 6000 * np.sin(np.arange(stems.shape[-1]) / (20 + number))
            np.save(folder / split / f"{number}.npy", np.concatenate([stems.sum(0)[None], stems]).astype(np.int16))
    return folder


def measure(bare: Path, data: Path, out: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """The command, as it is typed where torch and numpy are all that there is."""
    words = [sys.executable, "-S", str(GPU), "--data", str(data), "--device", "cpu", *options]
    environment = {**os.environ, "PYTHONPATH": str(bare), "OUT": str(out), "OMP_NUM_THREADS": "1"}
    return subprocess.run(words, env=environment, cwd=out, capture_output=True, text=True, check=False)


def found_in(out: Path) -> dict:
    return json.loads((out / "gpu.json").read_text(encoding="utf-8"))


@pytest.mark.slow
def test_training_is_found_right_and_its_speed_is_measured_with_torch_and_numpy_alone(
    bare: Path, data: Path, tmp_path: Path
) -> None:
    done = measure(bare, data, tmp_path, "--minutes", "60", "--parts", "right", "fast")
    assert done.returncode == 0, done.stderr
    found = found_in(tmp_path)
    assert {"pandas", "psutil", "scipy", "soundfile"} <= set(found["about"]["not_installed"])
    parts = {name: part["found"] for name, part in found["parts"].items()}
    failed = {name: part for name, part in parts.items() if "failed" in part}
    assert {name.split("/")[2] for name in failed} <= {"hybrid_demucs", "conv_tasnet"}, failed  # torchaudio's own
    assert parts["right/repeatable"]["32"]["twice_the_same"]
    assert parts["right/repeatable"]["32"]["the_same_after_a_resume"]
    assert parts["right/feeding"] == {"host": True, "device": True}
    assert parts["right/as_on_the_cpu/transformer"]["as_trained"]["within"]
    assert parts["right/half_precision"]["infinite_gradients"] == []
    assert parts["right/process_group"]["sum_is_right"]
    assert parts["right/validation_in_halves"]["notes"][0].startswith("Out of memory: from now on ")
    assert parts["right/validation_in_halves"]["within"]
    assert parts["fast/training/open_unmix/2/auto"]["chunks_per_second"] > 0
    assert parts["fast/separation/10"]["seconds"] > 0


@pytest.mark.slow
def test_the_time_that_is_left_goes_into_a_training_whose_weights_are_kept_in_small_files(
    bare: Path, data: Path, tmp_path: Path
) -> None:
    done = measure(bare, data, tmp_path, "--minutes", "1.2", "--parts", "good", "--recipe", "open_unmix")
    assert done.returncode == 0, done.stderr
    (trained,) = (part["found"] for part in found_in(tmp_path)["parts"].values())
    assert trained["steps"] > 0, trained
    assert np.isfinite(trained["validation_sdr_db"])
    assert trained["files"] == [file.name for file in sorted(tmp_path.glob("weights.pt.*"))]
    assert all((tmp_path / name).stat().st_size <= 16 * 2**20 for name in trained["files"])


def test_parts_for_which_no_time_is_left_say_so_and_the_file_is_whole(bare: Path, data: Path, tmp_path: Path) -> None:
    done = measure(bare, data, tmp_path, "--minutes", "0")
    assert done.returncode == 0, done.stderr
    assert all("skipped" in part["found"] for part in found_in(tmp_path)["parts"].values())
    assert [file.name for file in tmp_path.iterdir()] == ["gpu.json"]


@pytest.mark.real_data
def test_parcels_are_within_the_limit_and_bring_each_clip_with_the_ffmpeg_that_decodes_it(
    musdb18_7s: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(GPU.parent))
    gpu_parcel = importlib.import_module("gpu_parcel")
    clips = tmp_path / "clips"
    (clips / "train").mkdir(parents=True)
    some = ["Actions - One Minute Smile", "ANiMAL - Clinic A", "Black Bloc - If You Want Success"]
    for name in some:
        (clips / "train" / f"{name}.stem.mp4").symlink_to(musdb18_7s / "train" / f"{name}.stem.mp4")
    wheel = tmp_path / "imageio_ffmpeg.whl"
    with zipfile.ZipFile(wheel, "w") as content:
        content.write(str(shutil.which("ffmpeg")), "imageio_ffmpeg/binaries/ffmpeg-linux")
    most = wheel.stat().st_size + 3 * 2**20
    parcels = gpu_parcel.pack(clips, tmp_path / "parcels", wheel, most_bytes=most)
    assert [sum(file.stat().st_size for file in parcel.iterdir()) <= most for parcel in parcels] == [True] * 2
    for parcel in parcels:
        gpu_parcel.unpack(parcel, tmp_path / "there")
    assert (tmp_path / "there" / "ffmpeg").exists()
    arrays = {
        split: [np.load(file) for file in sorted((tmp_path / "there" / split).iterdir())]
        for split in ("train", "valid")
    }
    assert {split: len(found) for split, found in arrays.items()} == {"train": 2, "valid": 1}
    wanted = read_stem_file(musdb18_7s / "train" / f"{some[0]}.stem.mp4")
    assert np.array_equal(arrays["valid"][0], wanted)


def test_a_folder_without_tracks_is_named(bare: Path, tmp_path: Path) -> None:
    done = measure(bare, tmp_path, tmp_path, "--minutes", "1")
    assert done.returncode != 0
    assert done.stderr == (
        f"gpu.py: {tmp_path / 'train'} has no .npy file: unpack the parcels of benchmarks/gpu_parcel.py there.\n"
    )


SPEED = {"chunks_per_second": 123.4, "epoch_seconds": 44.6, "data_share": 0.012, "peak_gib": 3.25, "busy_percent": 93.0}


def of_a_gpu(out: Path, hardware: str = "NVIDIA X") -> Path:
    about = {"device": "cuda:0", "hardware": hardware, "memory_gib": 79.1, "torch": "2.11.0", "when": "2026-11-27"}
    speed = {**SPEED, "variant": "open_unmix", "batch": 16, "precision": "bf16", "compiled": False}
    song = {"music_seconds": 240.0, "seconds": 0.91, "peak_gib": 1.5}
    parts = {
        "fast/training/open_unmix/16/auto": speed,
        "fast/training/open_unmix/16/32": {**speed, "precision": "32", "busy_percent": None},
        "fast/training/transformer/16/auto": {"failed": "RuntimeError: no"},
        "fast/separation/240": song,
    }
    text = {"about": about, "parts": {name: {"found": one, "seconds": 1} for name, one in parts.items()}}
    out.write_text(json.dumps(text), encoding="utf-8")
    return out


@pytest.fixture
def gpu_rows(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(GPU.parent))
    return importlib.import_module("gpu_rows")


def test_the_rows_of_the_docs_are_filled_with_the_devices_name_and_can_be_filled_again(
    gpu_rows: ModuleType, tmp_path: Path
) -> None:
    for name in gpu_rows.PAGES:
        (tmp_path / name).parent.mkdir()
        shutil.copy(PROJECT / name, tmp_path / name)
    for _ in range(2):
        gpu_rows.fill(tmp_path, *gpu_rows.read([of_a_gpu(tmp_path / "gpu.json")]))
    brief, whole = ((tmp_path / name).read_text(encoding="utf-8") for name in gpu_rows.PAGES)
    for text in (brief, whole):
        assert text.count("on one NVIDIA X (79.1 GiB), torch 2.11.0, 2026-11-27:") == 1
    assert brief.count("| open_unmix | 16 | 123 | 45 s | 3.2 GiB | 93 % |") == 1
    assert "| open_unmix | 16 | 32 | 123 | 45 s | 3.2 GiB | – | 1.2 % |" in whole
    assert "| 4 min | 0.9 | 1.5 GiB |" in whole
    assert "| transformer | 16 |" not in brief


def test_what_was_measured_on_a_cpu_or_on_two_gpus_fills_no_rows(gpu_rows: ModuleType, tmp_path: Path) -> None:
    first, second = of_a_gpu(tmp_path / "a.json"), of_a_gpu(tmp_path / "b.json", "NVIDIA Y")
    with pytest.raises(SystemExit, match=r"b\.json is of NVIDIA Y, the others of NVIDIA X"):
        gpu_rows.read([first, second])
    (tmp_path / "c.json").write_text('{"about": {"device": "cpu"}, "parts": {}}')
    with pytest.raises(SystemExit, match="was measured on cpu: these rows are of a GPU"):
        gpu_rows.read([tmp_path / "c.json"])
    (tmp_path / "d.json").write_text("[]")
    with pytest.raises(SystemExit, match=r"d\.json is none that benchmarks/gpu\.py wrote"):
        gpu_rows.read([tmp_path / "d.json"])

import gc
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
import stempeg

from sepmodels.audio import ffmpeg as codec
from sepmodels.audio import probing
from sepmodels.audio.io import read_audio, write_audio
from sepmodels.errors import UserError
from tests.conftest import read_stem_file, write_stem_file


@pytest.fixture(scope="module")
def stem_file(stem_dataset: Path) -> Path:
    return min((stem_dataset / "train").iterdir())


def ffmpeg(*arguments: str | Path) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *map(str, arguments)], check=True)


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def tone(seconds: float, sample_rate_hz: int, *, channels: int = 2, frequency_hz: float = 440.0) -> np.ndarray:
    one = 0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * sample_rate_hz)) / sample_rate_hz)
    return np.stack([one * (0.5 + 0.5 * channel) for channel in range(channels)]).astype(np.float32)


# Stem files


def test_a_stem_file_gives_the_values_that_stempeg_gives(stem_file: Path) -> None:
    expected, _ = stempeg.read_stems(str(stem_file), dtype=np.int16, ffmpeg_format="s16le")
    stems = read_stem_file(stem_file)
    assert stems.dtype == np.int16
    np.testing.assert_array_equal(stems, expected.transpose(0, 2, 1))


@pytest.mark.real_data
def test_a_real_clip_gives_the_values_that_stempeg_gives_and_more_samples_than_its_header_says(
    musdb18_7s: Path,
) -> None:
    clip = min((musdb18_7s / "train").glob("*.stem.mp4"))
    expected, _ = stempeg.read_stems(str(clip), dtype=np.int16, ffmpeg_format="s16le")
    stems = read_stem_file(clip)
    np.testing.assert_array_equal(stems, expected.transpose(0, 2, 1))
    assert stems.shape[2] > stempeg.Info(str(clip)).samples(0)


@pytest.mark.parametrize("kept_share", [0.3, 0.7, 0.95, 0.999])
@pytest.mark.parametrize("header", ["first", "last"])
def test_a_truncated_stem_file_is_an_error_that_names_it(
    stem_file: Path, tmp_path: Path, kept_share: float, header: str
) -> None:
    whole, cut = tmp_path / "whole.mp4", tmp_path / "cut.stem.mp4"
    ffmpeg("-i", stem_file, "-map", "0:a", "-c", "copy", *(["-movflags", "+faststart"] * (header == "first")), whole)
    content = whole.read_bytes()
    cut.write_bytes(content[: int(kept_share * len(content))])
    with pytest.raises(UserError, match=r"cut\.stem\.mp4"):
        read_stem_file(cut)


def with_overwritten_bytes(file: Path, folder: Path) -> Path:
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = bytes(20_000)
    damaged = folder / "damaged.stem.mp4"
    damaged.write_bytes(content)
    return damaged


def test_a_stem_file_with_overwritten_bytes_is_an_error_and_not_a_shorter_array(
    stem_file: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"damaged\.stem\.mp4 cannot be decoded"):
        read_stem_file(with_overwritten_bytes(stem_file, tmp_path))


@pytest.mark.parametrize(
    ("read", "suffix"),
    [(read_stem_file, ".stem.mp4"), *((read_audio, suffix) for suffix in (".wav", ".flac", ".mp3", ".m4a", ".txt"))],
)
def test_what_is_not_audio_missing_empty_or_a_folder_is_named(tmp_path: Path, read, suffix: str) -> None:
    text, empty, folder = (tmp_path / f"{name}{suffix}" for name in ("text", "empty", "folder"))
    text.write_text("Not a sound.\n" * 100)
    empty.touch()
    folder.mkdir()
    for path, reason in [
        (text, "cannot be"),
        (empty, "is empty"),
        (folder, "is a folder"),
        (tmp_path / f"x{suffix}", "does not exist"),
    ]:
        with pytest.raises(UserError, match=reason) as error:
            read(path)
        assert str(path) in str(error.value)


def test_a_file_of_four_streams_is_told_which_five_were_expected(stem_file: Path, tmp_path: Path) -> None:
    four = tmp_path / "four.stem.mp4"
    ffmpeg("-i", stem_file, "-map", "0:a", "-map", "-0:a:4", "-c", "copy", four)
    with pytest.raises(
        UserError, match=r"4 audio streams where five were expected .mixture, drums, bass, other, vocal"
    ):
        read_stem_file(four)


def test_streams_of_different_lengths_are_an_error(stem_file: Path, tmp_path: Path) -> None:
    short, uneven = tmp_path / "short.m4a", tmp_path / "uneven.stem.mp4"
    ffmpeg("-i", stem_file, "-map", "0:a:4", "-t", "2", "-c", "copy", short)
    maps = [argument for n in range(4) for argument in ("-map", f"0:a:{n}")]
    ffmpeg("-i", stem_file, "-i", short, *maps, "-map", "1:a", "-c", "copy", uneven)
    with pytest.raises(UserError, match="different lengths"):
        read_stem_file(uneven)


def test_a_mono_stream_fills_both_channels_and_the_others_stay_as_they_are(stem_file: Path, tmp_path: Path) -> None:
    mixed = tmp_path / "mono vocals.stem.mp4"
    ffmpeg("-i", stem_file, "-map", "0:a", "-c", "copy", "-c:a:4", "aac", "-ac:a:4", "1", mixed)
    stems, original = read_stem_file(mixed), read_stem_file(stem_file)
    assert stems[4].any()
    np.testing.assert_array_equal(stems[4, 0], stems[4, 1])
    np.testing.assert_array_equal(stems[:4, :, :100_000], original[:4, :, :100_000])


def test_stems_of_another_sample_rate_are_resampled(tmp_path: Path) -> None:
    path = tmp_path / "48k.stem.mp4"
    stems = np.repeat(tone(2.0, 48_000).T[None], 5, axis=0)
    write_stem_file(path, stems, sample_rate_hz=48_000)
    decoded = read_stem_file(path)
    assert decoded.shape[2] / 44_100 == pytest.approx(2.0, abs=0.05)
    difference = decoded[0, 1, 4410:83_790] / 32_768 - tone(2.0, 44_100)[1, 4410:83_790]
    assert np.abs(difference).max() < 0.02


@pytest.mark.parametrize("read", [read_stem_file, read_audio])
def test_without_ffmpeg_one_sentence_says_how_to_install_it(
    monkeypatch: pytest.MonkeyPatch, stem_file: Path, read
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(UserError, match=r"ffmpeg and ffprobe not found on the PATH: .*apt-get install ffmpeg"):
        read(stem_file)


# As of a conda environment, and of a shell that sets OMP_NUM_THREADS to nothing.
LOUD_FFMPEG = """#!/bin/sh
echo 'ffmpeg: /opt/lib/libtinfo.so.6: no version information available (required by /bin/sh)' >&2
echo 'libgomp: Invalid value for environment variable OMP_NUM_THREADS' >&2
exec {ffmpeg} "$@"
"""


@pytest.mark.parametrize("read", [read_stem_file, read_audio])
def test_what_the_libraries_of_ffmpeg_say_is_no_fault_of_a_file_and_what_ffmpeg_says_is(
    monkeypatch: pytest.MonkeyPatch, stem_file: Path, tmp_path: Path, read
) -> None:
    loud = tmp_path / "bin" / "ffmpeg"
    loud.parent.mkdir()
    loud.write_text(LOUD_FFMPEG.format(ffmpeg=shutil.which("ffmpeg")))
    loud.chmod(0o755)
    expected = read(stem_file)
    monkeypatch.setenv("PATH", f"{loud.parent}:{os.environ['PATH']}")
    np.testing.assert_equal(read(stem_file), expected)
    with pytest.raises(UserError, match=r"damaged\.stem\.mp4 cannot be decoded \(ffmpeg: (?!libgomp|ffmpeg|/opt)"):
        read(with_overwritten_bytes(stem_file, tmp_path))


def test_an_interrupt_while_decoding_leaves_no_process_and_no_open_pipe(
    monkeypatch: pytest.MonkeyPatch, stem_file: Path
) -> None:
    started = []
    popen = subprocess.Popen

    def remember(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    def interrupt(*_: object) -> bool:
        raise KeyboardInterrupt

    headers = probing.probe(stem_file)
    monkeypatch.setattr(subprocess, "Popen", remember)
    monkeypatch.setattr(codec._Sink, "read", interrupt)
    gc.collect()  # or files of other tests may be closed meanwhile
    before = open_files()
    with pytest.raises(KeyboardInterrupt):
        codec.decode(stem_file, headers, dtype="<i2", channels=2, sample_rate_hz=44_100)
    assert [process.returncode is not None for process in started] == [True]
    assert open_files() == before


# Songs


@pytest.mark.parametrize(
    ("suffix", "least_snr_db"), [(".wav", 80), (".flac", 80), (".ogg", 20), (".mp3", 20), (".m4a", 20), (".aiff", 80)]
)
@pytest.mark.parametrize("channels", [1, 2])
def test_a_song_of_any_format_keeps_its_channels_and_sample_rate(
    tmp_path: Path, suffix: str, least_snr_db: float, channels: int
) -> None:
    wav, song = tmp_path / "song.wav", tmp_path / f"song{suffix}"
    expected = tone(2.0, 48_000, channels=channels)
    soundfile.write(wav, expected.T, 48_000, subtype="PCM_16")
    if suffix != ".wav":
        ffmpeg("-i", wav, song)
    waveform, sample_rate_hz = read_audio(song)
    assert (sample_rate_hz, len(waveform), waveform.dtype) == (48_000, channels, np.float32)
    assert waveform.shape[1] >= expected.shape[1]
    middle = slice(20_000, 70_000)
    shifts = range(-1, 2600)  # encoders put their delay first, and not all files tell it
    error = min(np.square(waveform[:, 20_000 + s : 70_000 + s] - expected[:, middle]).sum() for s in shifts)
    assert 10 * np.log10(np.square(expected[:, middle]).sum() / error) > least_snr_db


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".m4a"])
def test_a_song_that_is_cut_short_is_named(tmp_path: Path, suffix: str) -> None:
    wav, song = tmp_path / "whole.wav", tmp_path / f"song{suffix}"
    rng = np.random.default_rng(0)
    soundfile.write(wav, 0.1 * rng.standard_normal((3 * 44_100, 2)), 44_100)
    ffmpeg("-i", wav, song)
    content = song.read_bytes()
    song.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=rf"song\{suffix} "):
        read_audio(song)


def test_a_wav_whose_writer_could_not_know_its_length_is_read(tmp_path: Path) -> None:
    whole, piped = tmp_path / "whole.wav", tmp_path / "piped.wav"
    soundfile.write(whole, tone(1.0, 44_100).T, 44_100, subtype="PCM_16")
    with piped.open("wb") as target:
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(whole), "-f", "wav", "-"], stdout=target, check=True)
    np.testing.assert_array_equal(read_audio(piped)[0], read_audio(whole)[0])


def test_float_wav_keeps_every_value_also_beyond_full_scale(tmp_path: Path) -> None:
    waveform = np.array([[0.0, 1.5, -2.0, 1e-9], [0.1, 0.2, 0.3, 0.4]], np.float32)
    write_audio(tmp_path / "new folder" / "loud.wav", waveform, 44_100)
    read, sample_rate_hz = read_audio(tmp_path / "new folder" / "loud.wav")
    np.testing.assert_array_equal(read, waveform)
    assert sample_rate_hz == 44_100


def test_flac_has_24_bits_and_refuses_to_clip(tmp_path: Path) -> None:
    waveform = tone(0.1, 44_100)
    write_audio(tmp_path / "song.flac", waveform, 44_100)
    assert soundfile.info(tmp_path / "song.flac").subtype == "PCM_24"
    np.testing.assert_allclose(read_audio(tmp_path / "song.flac")[0], waveform, atol=2**-23)
    for unfit in (3 * waveform, np.full((2, 10), np.nan, np.float32)):
        with pytest.raises(UserError, match=r"loud\.flac would clip .* write it as \.wav"):
            write_audio(tmp_path / "loud.flac", unfit, 44_100)
    assert not (tmp_path / "loud.flac").exists()


def test_a_name_that_tells_no_format_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"must end in \.wav or \.flac"):
        write_audio(tmp_path / "song.mp3", tone(0.1, 44_100), 44_100)


def test_a_write_that_fails_leaves_the_old_file_and_no_other(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    write_audio(tmp_path / "song.wav", tone(0.1, 44_100), 44_100)
    before = (tmp_path / "song.wav").read_bytes()

    def fail(file: soundfile.SoundFile, *_: object) -> None:
        file.flush()
        raise OSError("No space left on device")

    monkeypatch.setattr(soundfile.SoundFile, "write", fail)
    with pytest.raises(OSError, match="No space"):
        write_audio(tmp_path / "song.wav", tone(0.2, 44_100), 44_100)
    assert [entry.name for entry in tmp_path.iterdir()] == ["song.wav"]
    assert (tmp_path / "song.wav").read_bytes() == before

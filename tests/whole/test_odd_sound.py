"""Files that players play are read as songs and as stems, whatever they are called; what is cut is refused."""

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from sepmodels.audio.containers import Window, find_sound_chunk
from sepmodels.audio.io import read_audio
from sepmodels.audio.recordings import open_recording
from sepmodels.dataset.stem_files import read_stem
from sepmodels.errors import UserError
from tests.odd_sound import (
    RATE_HZ,
    ffmpeg,
    piped,
    riff,
    sound,
    wav_of_24_in_32_bits,
    with_picture_of_unknown_type,
    write_wav,
)


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("sound") / "plain.wav")


def song_samples(path: Path) -> np.ndarray:
    return read_audio(path)[0]


def stem_samples(path: Path) -> np.ndarray:
    return read_stem(path).samples / np.float32(32_768)


READERS = pytest.mark.parametrize("read", [song_samples, stem_samples])
Read = Callable[[Path], np.ndarray]


def expect_whole(read: Read, path: Path, *, exact: bool = True) -> None:
    found, expected = read(path), sound().T
    if exact:
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, atol=2**-14)
    else:
        rate_hz = read_audio(path)[1] if read is song_samples else RATE_HZ  # Opus has one of its own
        assert found.shape[1] / rate_hz == pytest.approx(expected.shape[1] / RATE_HZ, abs=0.1)
        level = np.sqrt(np.square(found[:, : round(1.9 * rate_hz)]).mean())
        assert level == pytest.approx(np.sqrt(np.square(expected).mean()), rel=0.15)


@READERS
@pytest.mark.parametrize("form", ["wav", "aiff", "caf", "w64", "au", "flac", "wv", "tta"])
def test_what_came_through_a_pipe_is_read_whole_by_its_content(
    wav: Path, tmp_path: Path, read: Read, form: str
) -> None:
    (tmp_path / "song.mp3").write_bytes(piped(wav, form))  # a name that says something else
    expect_whole(read, tmp_path / "song.mp3")


@READERS
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("wav", ["-c:a", "libmp3lame"]),
        ("adts", []),
        ("mp3", ["-write_xing", "0"]),
        ("matroska", []),
        ("webm", ["-c:a", "libopus"]),
        ("mpegts", []),
        ("mp4", ["-movflags", "frag_keyframe+empty_moov", "-c:a", "aac"]),
    ],
)
def test_compressed_sound_from_a_pipe_is_read_to_its_end(
    wav: Path, tmp_path: Path, read: Read, form: str, options: list[str]
) -> None:
    (tmp_path / "song").write_bytes(piped(wav, form, *options))
    expect_whole(read, tmp_path / "song", exact=False)


@READERS
@pytest.mark.parametrize(
    "content",
    [
        riff(sound(), 0, 0),
        riff(sound(), 0xFFFFFFFF, 0xFFFFFFFF),
        riff(sound(), None, 0x7FFFF000),
        riff(sound(), None, len(sound()) * 4 + 8),
        riff(sound(), None, len(sound()) * 4 + 44),
        riff(sound(), None, 4096),  # the recorder was switched off
        riff(sound()) + b"TAG" + bytes(125),
        riff(sound(), tail=b"LIST" + struct.pack("<I", 12) + b"INFOISFT" + bytes(4)),
        riff(sound()) + np.random.default_rng(0).bytes(5_000),
        riff(sound())[:-1],
        wav_of_24_in_32_bits(sound()),
    ],
    ids=["zero", "most", "most signed", "head", "file", "stale", "ID3v1", "LIST", "junk", "odd byte", "24 in 32"],
)
def test_a_wav_with_odd_sizes_or_something_behind_it_is_read_whole(tmp_path: Path, read: Read, content: bytes) -> None:
    (tmp_path / "song.bin").write_bytes(content)
    samples = sound()[:-1] if len(content) % 4 == 3 else sound()  # of the last sample a byte is missing
    found = read(tmp_path / "song.bin")
    assert found.shape == samples.T.shape
    np.testing.assert_allclose(found, samples.T, atol=2**-14)


@READERS
@pytest.mark.parametrize(
    "suffix", ["wav", "aiff", "caf", "w64", "au", "flac", "mp3", "ogg", "m4a", "mka", "wv", "wma", "tta"]
)
def test_what_is_really_cut_is_refused_in_every_format(wav: Path, tmp_path: Path, read: Read, suffix: str) -> None:
    song = tmp_path / f"song.{suffix}"
    ffmpeg("-i", wav, song)
    song.write_bytes(song.read_bytes()[: song.stat().st_size * 2 // 3])
    with pytest.raises(UserError, match=r"song\.\w+ (is cut short|cannot be decoded)"):
        read(song)


@READERS
@pytest.mark.parametrize("suffix", ["aiff", "caf", "flac", "mp3", "ogg", "m4a", "mka", "wv", "tta"])
@pytest.mark.parametrize("junk", [b"TAG" + bytes(125), bytes(3_000), np.random.default_rng(1).bytes(3_000)])
def test_what_follows_the_sound_is_no_damage(wav: Path, tmp_path: Path, read: Read, suffix: str, junk: bytes) -> None:
    song = tmp_path / f"song.{suffix}"
    ffmpeg("-i", wav, song)
    song.write_bytes(song.read_bytes() + junk)
    expect_whole(read, song, exact=False)


@READERS
@pytest.mark.parametrize("suffix", ["flac", "mp3", "m4a"])
def test_damage_in_the_middle_is_refused(wav: Path, tmp_path: Path, read: Read, suffix: str) -> None:
    song = tmp_path / f"song.{suffix}"
    ffmpeg("-i", wav, song)
    content = bytearray(song.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4_000] = np.random.default_rng(2).bytes(4_000)
    song.write_bytes(content)
    with pytest.raises(UserError, match=r"cannot be decoded \(ffmpeg: (?!it ended)"):
        read(song)


@READERS
def test_a_picture_of_an_unknown_type_has_no_bearing_on_the_sound(wav: Path, tmp_path: Path, read: Read) -> None:
    ffmpeg("-i", wav, tmp_path / "song.flac")
    (tmp_path / "song.flac").write_bytes(with_picture_of_unknown_type((tmp_path / "song.flac").read_bytes()))
    expect_whole(read, tmp_path / "song.flac")


@READERS
@pytest.mark.parametrize("codec", ["libopus", "libvorbis"])
def test_a_chain_of_ogg_streams_is_read_to_its_end(tmp_path: Path, read: Read, codec: str) -> None:
    for part in range(2):
        write_wav(tmp_path / f"{part}.wav", sound(1.0 + part, part))
        ffmpeg("-i", tmp_path / f"{part}.wav", "-c:a", codec, tmp_path / f"{part}.ogg")
    (tmp_path / "song.ogg").write_bytes(b"".join((tmp_path / f"{part}.ogg").read_bytes() for part in range(2)))
    rate_hz = read_audio(tmp_path / "song.ogg")[1] if read is song_samples else RATE_HZ
    assert read(tmp_path / "song.ogg").shape[1] / rate_hz == pytest.approx(3.0, abs=0.05)


def test_a_wav_beyond_4_gib_whose_size_wrapped_is_known_at_its_whole_length(tmp_path: Path) -> None:
    samples, path = (1 << 30) + 500_000, tmp_path / "long.wav"
    path.write_bytes(riff(sound(), None, samples * 4 % (1 << 32)))
    with path.open("r+b") as file:
        file.truncate(44 + samples * 4)  # the rest is silence that takes no room
    with open_recording(path) as recording:
        assert recording.expected_samples == samples
        np.testing.assert_allclose(recording.read(len(sound())), sound().T, atol=2**-14)


@READERS
@pytest.mark.parametrize("form", ["FLOAT", "DOUBLE", "wv", "mka"])
@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (-np.inf, "infinite"), (3.0e38, "3e+38")])
def test_a_sample_that_is_no_number_of_a_sound_is_named_with_its_second(
    tmp_path: Path, read: Read, form: str, value: float, word: str
) -> None:
    samples = sound()
    samples[33_075, 1] = value
    song = write_wav(tmp_path / "song.wav", samples, form if form.isupper() else "FLOAT")
    if form == "mka":
        song = tmp_path / "song.mka"
        ffmpeg("-i", tmp_path / "song.wav", "-c:a", "pcm_f32le", song)
    if form == "wv":
        song = tmp_path / "song.wv"
        ffmpeg("-i", tmp_path / "song.wav", "-c:a", "wavpack", "-sample_fmt", "fltp", song)
    with pytest.raises(UserError) as error:
        read(song)
    assert word in str(error.value)
    assert "at 0.750 s" in str(error.value)
    assert song.name in str(error.value)


@READERS
def test_floats_far_above_full_scale_are_read(tmp_path: Path, read: Read) -> None:
    song = write_wav(tmp_path / "song.wav", sound() * 32_768, "FLOAT")
    assert read(song).shape == sound().T.shape
    assert read_stem(song).peak > 1_000


@pytest.mark.parametrize(
    ("suffix", "codec"), [("mka", "flac"), ("m4a", "aac"), ("ogg", "libvorbis"), ("mov", "pcm_s16le")]
)
def test_the_second_at_which_sound_begins_in_its_container_is_known(
    wav: Path, tmp_path: Path, suffix: str, codec: str
) -> None:
    ffmpeg("-itsoffset", 1.5, "-i", wav, "-c:a", codec, tmp_path / f"late.{suffix}")
    assert read_stem(tmp_path / f"late.{suffix}").lead_seconds == pytest.approx(1.5, abs=0.03)
    ffmpeg("-i", wav, "-c:a", codec, tmp_path / f"in_time.{suffix}")
    assert read_stem(tmp_path / f"in_time.{suffix}").lead_seconds == 0


def test_the_sound_of_a_film_that_begins_later_than_its_picture_stays_in_its_place(wav: Path, tmp_path: Path) -> None:
    picture = ["-f", "lavfi", "-i", "testsrc=d=3:s=64x64"]
    ffmpeg(*picture, "-itsoffset", 1, "-i", wav, "-map", "0:v", "-map", "1:a", "-c:a", "flac", tmp_path / "film.mkv")
    samples = song_samples(tmp_path / "film.mkv")
    begin = samples.shape[1] - len(sound())
    assert begin == pytest.approx(RATE_HZ, abs=200)
    assert not samples[:, :begin].any()
    np.testing.assert_allclose(samples[:, begin:], sound().T, atol=2**-14)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), held=st.integers(0, 300), promised=st.integers(0, 400))
def test_a_chunk_reaches_no_further_than_its_file_and_what_is_promised_beyond_is_missing(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, held: int, promised: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.wav"
    content = riff(np.zeros((0, 2)), None, promised) + bytes(held)
    path.write_bytes(content)
    chunk = find_sound_chunk(path)
    assert chunk is not None
    assert chunk.offset + chunk.size <= len(content)
    assert chunk.missing == max(0, promised - held)
    start = data.draw(st.integers(0, held))
    window = Window(path, 44, held)
    window.seek(start)
    assert len(window.read()) == held - start
    window.close()


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "wav"])
def test_a_comment_that_ffmpeg_wrote_is_a_tag(wav: Path, tmp_path: Path, suffix: str) -> None:
    ffmpeg("-i", wav, "-metadata", "comment=Kept", "-metadata", "title=Song", tmp_path / f"song.{suffix}")
    with open_recording(tmp_path / f"song.{suffix}") as recording:
        assert recording.tags["comment"] == "Kept"
        assert recording.tags["title"] == "Song"


def test_a_file_without_samples_says_so(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "none.wav", np.zeros((0, 2)), RATE_HZ)
    for read in (song_samples, stem_samples):
        with pytest.raises(UserError, match="has no samples"):
            read(tmp_path / "none.wav")

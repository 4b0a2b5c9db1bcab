"""Stems from file to files."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

import sepmodels.separation.song_files
from sepmodels.audio import TARGETS
from sepmodels.audio.recordings import ArrayRecording, open_recording
from sepmodels.errors import UserError
from sepmodels.separation.song_files import StemFormat, _Remembered, separate_file
from sepmodels.settings import SeparationSettings
from tests.sepmodels.separation.test_separate import Gain, music

SHORT = SeparationSettings(segment_seconds=0.5, overlap_seconds=0.1)
FLOATS = StemFormat()
TAGGED = {"title": "Ça va", "artist": "Ann & Bob", "album": "First", "tracknumber": "3", "date": "1999"}


def write_song(path: Path, waveform: np.ndarray, rate_hz: int = 8_000, subtype: str | None = None, **tags: str) -> Path:
    """A song as libsndfile writes it; other suffixes than its own go through ffmpeg."""
    plain = path.with_suffix(".flac") if path.suffix in (".m4a", ".opus") else path
    with soundfile.SoundFile(plain, "w", rate_hz, len(waveform), subtype) as file:
        for name, text in tags.items():
            setattr(file, name, text)
        file.write(waveform.T)
    if plain != path:
        subprocess.run(["ffmpeg", "-v", "error", "-i", plain, path], check=True)
        plain.unlink()
    return path


def separated(song: Path, form: StemFormat = FLOATS, gain: float = 0.5, rate_hz: int = 8_000):
    stems = {name: song.with_name(f"{name}.{form.name}") for name in TARGETS}
    return separate_file(Gain(gain, rate_hz), song, stems, SHORT, form=form), stems


def whole(path: Path) -> np.ndarray:
    with open_recording(path) as recording:
        pieces = []
        while (piece := recording.read(1_000)).shape[1]:
            pieces.append(piece)
    return np.concatenate(pieces, axis=1)


@pytest.mark.parametrize("channels", [1, 2])
def test_vocals_and_accompaniment_sum_to_the_song(tmp_path: Path, channels: int) -> None:
    song = music(8_000, 1.7, channels)
    write_song(tmp_path / "song.wav", song, subtype="FLOAT")

    written, stems = separated(tmp_path / "song.wav")

    vocals, rest = whole(stems["vocals"]), whole(stems["accompaniment"])
    assert written.audio_seconds == pytest.approx(1.7)
    np.testing.assert_allclose(vocals, song / 2, atol=1e-6)
    np.testing.assert_allclose(vocals + rest, song, atol=1e-7)


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        (StemFormat("wav"), "FLOAT"),
        (StemFormat("wav", 32), "FLOAT"),
        (StemFormat("wav", 24), "PCM_24"),
        (StemFormat("wav", 16), "PCM_16"),
        (StemFormat("flac"), "PCM_24"),
        (StemFormat("flac", 16), "PCM_16"),
        (StemFormat("mp3"), "MPEG_LAYER_III"),
    ],
)
def test_every_format_has_its_encoding_the_songs_rate_length_and_tags(
    tmp_path: Path, form: StemFormat, subtype: str
) -> None:
    song = music(44_100, 1.3)
    write_song(tmp_path / "song.flac", song, 44_100, **TAGGED)

    _, stems = separated(tmp_path / "song.flac", form, rate_hz=44_100)

    with soundfile.SoundFile(stems["vocals"]) as file:
        assert (file.subtype, file.samplerate, file.channels) == (subtype, 44_100, 2)
        assert file.copy_metadata().items() >= TAGGED.items()
    found = whole(stems["vocals"])
    assert abs(found.shape[1] - song.shape[1]) <= (0 if subtype != "MPEG_LAYER_III" else 3_000)
    inside = slice(4_000, 40_000)
    np.testing.assert_allclose(found[:, inside], song[:, inside] / 2, atol=0.02 if form.name == "mp3" else 1e-4)


@pytest.mark.parametrize("suffix", [".m4a", ".opus", ".mp3", ".flac", ".wav"])
def test_tags_and_length_come_from_any_format_of_song(tmp_path: Path, suffix: str) -> None:
    rate_hz = 48_000
    song = write_song(tmp_path / f"song{suffix}", music(rate_hz, 2.0), rate_hz, **TAGGED)

    written, stems = separated(song, rate_hz=rate_hz)

    with soundfile.SoundFile(stems["accompaniment"]) as file:
        assert {name: file.copy_metadata().get(name) for name in TAGGED} == TAGGED
        assert file.samplerate == rate_hz
    assert written.audio_seconds == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("form", [StemFormat("wav", 16), StemFormat("flac", 24), StemFormat("mp3")])
def test_what_is_beyond_full_scale_is_cut_down_to_it_and_counted(tmp_path: Path, form: StemFormat) -> None:
    song = np.full((2, 8_000), 0.1, np.float32)
    song[0, 3_000:3_010] = 0.9
    write_song(tmp_path / "song.wav", song, subtype="FLOAT")

    written, stems = separated(tmp_path / "song.wav", form, gain=2.0)

    assert written.clipped == {"vocals": 10, "accompaniment": 0}
    assert written.peaks["vocals"] == pytest.approx(1.8)
    if form.name != "mp3":
        vocals = whole(stems["vocals"])
        assert vocals[0, 3_005] == pytest.approx(1.0, abs=1e-4)
        np.testing.assert_allclose(vocals[1], 0.2, atol=1e-4)


def test_an_mp3_has_the_songs_tags_in_any_script_and_the_same_samples(tmp_path: Path) -> None:
    tags = {"title": "Mötley – 日本, a title of more than thirty bytes", "artist": "é", "tracknumber": "3/9"}
    written = []
    for name, its_tags in {"tagged": tags, "plain": {}}.items():
        (tmp_path / name).mkdir()
        song = write_song(tmp_path / name / "song.flac", music(44_100, 1.5), 44_100, **its_tags)
        written.append(separated(song, StemFormat("mp3"))[1]["vocals"])
    command = ["ffprobe", "-v", "error", "-show_entries", "format_tags", "-of", "json", written[0]]
    found = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)["format"]["tags"]
    assert (found["title"], found["artist"], found["track"]) == tuple(tags.values())
    np.testing.assert_array_equal(whole(written[0]), whole(written[1]))
    assert {file.name for file in (tmp_path / "tagged").iterdir()} == {"song.flac", "vocals.mp3", "accompaniment.mp3"}


def test_floats_keep_what_is_beyond_full_scale(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", np.full((2, 4_000), 0.9, np.float32), subtype="FLOAT")

    written, stems = separated(tmp_path / "song.wav", gain=2.0)

    assert written.clipped == {"vocals": 0, "accompaniment": 0}
    np.testing.assert_allclose(whole(stems["vocals"]), 1.8, atol=1e-6)


def test_stems_too_long_for_a_wavs_sizes_are_written_as_rf64(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sepmodels.separation.song_files, "_WAV_BYTES", 1_000)
    song = music(8_000, 1.0)
    write_song(tmp_path / "song.wav", song, **TAGGED)

    _, stems = separated(tmp_path / "song.wav")

    assert soundfile.info(stems["vocals"]).format == "RF64"
    np.testing.assert_allclose(whole(stems["vocals"]), song / 2, atol=1e-4)


def test_a_song_of_untold_length_that_outgrows_a_wav_is_refused_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_song(tmp_path / "song.wav", music(8_000, 1.0))
    command = ["ffmpeg", "-v", "error", "-i", tmp_path / "song.wav", "-f", "flac", "-"]
    (tmp_path / "song.flac").write_bytes(subprocess.run(command, capture_output=True, check=True).stdout)
    monkeypatch.setattr(sepmodels.separation.song_files, "_WAV_BYTES", 1_000)
    with pytest.raises(UserError, match="longer than a WAV file can be: choose --format flac"):
        separated(tmp_path / "song.flac")
    assert {file.name for file in tmp_path.rglob("*") if file.is_file()} == {"song.wav", "song.flac"}
    separated(tmp_path / "song.flac", StemFormat("flac", 24))


def test_one_sample_is_a_song_and_silence_stays_silent(tmp_path: Path) -> None:
    write_song(tmp_path / "one.wav", np.full((2, 1), 0.5, np.float32))
    assert separated(tmp_path / "one.wav")[0].audio_seconds == 1 / 8_000
    write_song(tmp_path / "silence.wav", np.zeros((2, 9_000)))
    assert separated(tmp_path / "silence.wav")[0].peaks == {"vocals": 0.0, "accompaniment": 0.0}


def spoil(path: Path, damage: str) -> None:
    """Make a good song a bad one."""
    if damage == "not audio":
        path.write_text("these are words, not sound")
    elif damage == "empty file":
        path.write_bytes(b"")
    elif damage == "no samples":
        path.unlink()
        write_song(path.with_suffix(".wav"), np.zeros((2, 0)))
        path.with_suffix(".wav").rename(path)
    else:
        path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".m4a", ".mp3"])
@pytest.mark.parametrize("damage", ["not audio", "empty file", "no samples", "cut short"])
def test_a_damaged_song_is_one_sentence_that_names_it_and_leaves_no_file(
    tmp_path: Path, suffix: str, damage: str
) -> None:
    song = write_song(tmp_path / f"song{suffix}", music(44_100, 3.0), 44_100)
    spoil(song, damage)

    with pytest.raises(UserError, match="song"):
        separated(song, rate_hz=44_100)

    assert [path.name for path in tmp_path.iterdir()] == [song.name]


@pytest.mark.parametrize(
    ("suffix", "how"),
    [
        (".flac", []),
        (".mp3", []),
        (".mp3", ["-write_xing", "0", "-q:a", "4"]),
        (".mp3", ["-write_xing", "0", "-b:a", "128k"]),
        (".aac", []),
        (".ogg", ["-c:a", "flac"]),
    ],
)
def test_a_song_whose_file_does_not_tell_its_length_is_read_to_its_end(
    tmp_path: Path, suffix: str, how: list[str]
) -> None:
    waveform = music(44_100, 12.0)
    waveform[:, : 6 * 44_100] *= 0.001  # a guess from the bit rate of the begin would be far off
    write_song(tmp_path / "whole.wav", waveform, 44_100)
    song = tmp_path / f"song{suffix}"
    form = {".aac": "adts"}.get(suffix, suffix[1:])
    with song.open("wb") as pipe:
        command = ["ffmpeg", "-nostdin", "-v", "error", "-i", tmp_path / "whole.wav", *how, "-f", form, "-"]
        subprocess.run(command, stdout=pipe, check=True)
    assert whole(song).shape[1] == pytest.approx(12 * 44_100, abs=0.1 * 44_100)


def test_eight_channels_are_refused_with_what_to_do(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", np.zeros((8, 4_000)))
    with pytest.raises(UserError, match=r"8 channels.*ffmpeg -ac 2"):
        separated(tmp_path / "song.wav")


@pytest.mark.parametrize(
    ("name", "bits", "sentence"),
    [("ogg", None, "no format 'ogg'"), ("flac", 32, "16 bits, not 32"), ("mp3", 16, "has no number of bits")],
)
def test_formats_and_bits_that_do_not_go_together_are_refused(name: str, bits: int | None, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        StemFormat(name, bits)


def test_a_rate_that_mp3_does_not_have_is_refused(tmp_path: Path) -> None:
    write_song(tmp_path / "song.wav", np.zeros((2, 4_000)), 96_000)
    with pytest.raises(UserError, match=r"no sample rate of 96000 Hz: write wav or flac"):
        separated(tmp_path / "song.wav", StemFormat("mp3"))


@settings(max_examples=100)
@given(data=st.data(), samples=st.integers(0, 60))
def test_what_was_read_can_be_had_once_more_in_pieces_of_any_size(data: st.DataObject, samples: int) -> None:
    song = np.arange(2 * samples, dtype=np.float32).reshape(2, samples)
    remembered = _Remembered(ArrayRecording(song, 8_000))
    taken, read = [np.empty((2, 0), np.float32)], 0
    while read < samples:
        read += remembered.read(data.draw(st.integers(1, 9))).shape[1]
        taken.append(remembered.take(data.draw(st.integers(0, read - sum(part.shape[1] for part in taken)))))
    taken.append(remembered.take(samples - sum(part.shape[1] for part in taken)))
    np.testing.assert_array_equal(np.concatenate(taken, axis=1), song)


def test_a_song_that_is_not_read_to_its_end_leaves_no_ffmpeg_behind(tmp_path: Path) -> None:
    song = write_song(tmp_path / "song.m4a", music(44_100, 20.0), 44_100)
    with open_recording(song) as recording:
        recording.read(1_000)
    assert recording._process.poll() is not None

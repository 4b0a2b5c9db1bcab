"""The demo dataset: real songs for the benchmark's path, and a task that is neither trivial nor hopeless."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import signal

from sepmodels.audio import SAMPLE_RATE_HZ, STREAMS
from sepmodels.dataset.demo import MANIFEST, is_complete, make_demo
from sepmodels.dataset.demo.composing import SCALES, melody
from sepmodels.dataset.demo.glottis import flow_derivative, glottal_source
from sepmodels.dataset.demo.phonemes import VOWELS_HZ, vocal_tract
from sepmodels.dataset.demo.plans import PITCH_CLASSES, SONGS, SongPlan
from sepmodels.dataset.demo.song import make_song
from sepmodels.dataset.demo.voice import SINGERS
from sepmodels.errors import UserError
from tests.conftest import read_stem_file

SHORT = tuple(replace(plan, longest_seconds=2.5, entry_beats=1) for plan in (SONGS[0], SONGS[9]))
NAMES = {f"{plan.split}/{plan.name}.stem.mp4" for plan in SHORT}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo folder of two short songs, not to be changed."""
    folder = tmp_path_factory.mktemp("made") / "demo"
    make_demo(folder, songs=SHORT)
    return folder


@pytest.fixture
def own(made: Path, tmp_path: Path) -> Path:
    """A demo folder of two short songs that a test may spoil."""
    return Path(shutil.copytree(made, tmp_path / "demo"))


@pytest.fixture(scope="module")
def songs() -> dict[str, np.ndarray]:
    """Three whole songs before they are encoded: a woman, a man with a lead beside him, a doubled voice."""
    return {plan.name: make_song(plan) for plan in (SONGS[2], SONGS[5], SONGS[9])}


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def sdr_db(reference: np.ndarray, estimate: np.ndarray) -> float:
    return float(10 * np.log10((reference**2).sum() / ((reference - estimate) ** 2).sum()))


def ratio_mask_estimate(vocals: np.ndarray, mixture: np.ndarray) -> np.ndarray:
    def spectrogram(waveform: np.ndarray) -> np.ndarray:
        return signal.stft(waveform, nperseg=4096, noverlap=3072)[2]

    voice, rest = np.abs(spectrogram(vocals)), np.abs(spectrogram(mixture - vocals))
    masked = spectrogram(mixture) * voice / (voice + rest + 1e-9)
    return signal.istft(masked, nperseg=4096, noverlap=3072)[1][:, : mixture.shape[1]]


def test_the_folder_has_musdbs_layout_and_musdb_loads_it(made: Path) -> None:
    import musdb

    assert files_of(made) == NAMES | {MANIFEST}
    tracks = musdb.DB(root=str(made), is_wav=False).tracks
    assert {(track.subset, track.name) for track in tracks} == {(plan.split, plan.name) for plan in SHORT}
    for track in tracks:
        assert track.audio.shape == (track.targets["vocals"].audio.shape[0], 2)
        assert track.rate == SAMPLE_RATE_HZ


def test_streams_are_in_musdbs_order_as_long_as_made_and_the_stems_sum_to_the_mixture(made: Path) -> None:
    for plan in SHORT:
        stems = make_song(plan)
        decoded = read_stem_file(made / plan.split / f"{plan.name}.stem.mp4") / 32768
        assert decoded.shape == stems.shape
        for name, was, came_back in zip(STREAMS, stems, decoded, strict=True):
            assert sdr_db(was, came_back) > 15, name
        assert sdr_db(decoded[0], decoded[1:].sum(axis=0)) > 15


def test_two_runs_give_the_same_decoded_audio(made: Path, tmp_path: Path) -> None:
    make_demo(tmp_path / "again", songs=SHORT)
    for name in NAMES:
        np.testing.assert_array_equal(read_stem_file(made / name), read_stem_file(tmp_path / "again" / name))


def test_a_whole_folder_is_left_as_it_is(own: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in own.rglob("*")}
    make_demo(own, songs=SHORT)
    assert {path: path.stat().st_mtime_ns for path in own.rglob("*")} == before


def cut_a_song(folder: Path) -> None:
    song = folder / min(NAMES)
    song.write_bytes(song.read_bytes()[:-1000])


def remove_a_song(folder: Path) -> None:
    (folder / min(NAMES)).unlink()


def add_a_song(folder: Path) -> None:
    shutil.copy(folder / min(NAMES), folder / "train" / "Demo 99 - C minor 60 bpm.stem.mp4")


def remove_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).unlink()


def garble_the_manifest(folder: Path) -> None:
    (folder / MANIFEST).write_text("[1, 2")


def age_the_manifest(folder: Path) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(manifest | {"generator": "of old"}))


@pytest.mark.parametrize(
    "spoil", [cut_a_song, remove_a_song, add_a_song, remove_the_manifest, garble_the_manifest, age_the_manifest]
)
def test_a_damaged_or_outdated_folder_is_not_taken_for_whole(own: Path, spoil: Callable[[Path], None]) -> None:
    assert is_complete(own, SHORT)
    spoil(own)
    assert not is_complete(own, SHORT)


def test_a_damaged_folder_is_made_again_and_nothing_else_is_left_beside_it(own: Path) -> None:
    cut_a_song(own)
    add_a_song(own)
    killed_long_ago = own.parent / ".tmp-1-demo"
    killed_long_ago.mkdir()
    os.utime(killed_long_ago, (0, 0))
    make_demo(own, songs=SHORT)
    assert is_complete(own, SHORT)
    assert files_of(own) == NAMES | {MANIFEST}
    assert [path.name for path in own.parent.iterdir()] == [own.name]


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path: Path) -> None:
    own_song = tmp_path / "train" / "My song.stem.mp4"
    own_song.parent.mkdir()
    own_song.write_bytes(b"mine")
    with pytest.raises(UserError, match=r"My song\.stem\.mp4 is not one of the demo songs"):
        make_demo(tmp_path, songs=SHORT)
    assert own_song.read_bytes() == b"mine"


def test_an_interrupted_run_leaves_nothing(tmp_path: Path) -> None:
    def interrupt(done: int, *_: object, **__: float) -> None:
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo(tmp_path / "demo", songs=SHORT, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_without_ffmpeg_the_error_says_how_to_install_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UserError, match="sudo apt-get install ffmpeg"):
        make_demo(tmp_path / "demo", songs=SHORT)
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(UserError, match="demo cannot be written"):
        make_demo(tmp_path / "file" / "demo", songs=SHORT)


FILL_A_SMALL_DISK = """
import sys
from pathlib import Path
from sepmodels.dataset.demo import make_demo
from sepmodels.errors import UserError
from tests.sepmodels.dataset.demo.test_demo import SHORT

disk = Path(sys.argv[1])
try:
    make_demo(disk / "demo", songs=SHORT)
except UserError as error:
    print("told:", error)
print("left:", [path.name for path in disk.iterdir()])
"""


def test_a_full_disk_is_told_and_nothing_is_left_behind(tmp_path: Path) -> None:
    mount = f"mount -t tmpfs -o size=500k none {tmp_path}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("a small disk cannot be mounted here (needs user namespaces)")
    child = f'{mount} && exec "$0" -c "$1" {tmp_path}'
    ran = subprocess.run(
        ["unshare", "-rm", "sh", "-c", child, sys.executable, FILL_A_SMALL_DISK], capture_output=True, text=True
    )
    assert f"told: The disk that holds {tmp_path} is full" in ran.stdout, ran.stderr
    assert "left: []" in ran.stdout


def test_the_songs_differ_in_key_tempo_singer_and_groove_and_no_song_is_in_both_splits() -> None:
    assert {plan.split for plan in SONGS} == {"train", "test"}
    assert len({plan.name for plan in SONGS}) == len(SONGS)
    assert len({(plan.tonic, plan.mode) for plan in SONGS}) == len(SONGS)
    assert len({plan.bpm for plan in SONGS}) == len(SONGS)
    assert {plan.singer for plan in SONGS} == set(SINGERS)
    assert {plan.groove for plan in SONGS if plan.split == "test"} <= {
        plan.groove for plan in SONGS if plan.split == "train"
    }
    assert all(12 <= plan.seconds <= 16 for plan in SONGS)


def test_every_stem_is_audible_stereo_and_does_not_clip(songs: dict[str, np.ndarray]) -> None:
    for name, song in songs.items():
        levels_db = 20 * np.log10(np.sqrt((song**2).mean(axis=(1, 2))))
        assert np.isfinite(song).all()
        assert np.abs(song).max() < 1.0
        assert levels_db.min() > -40, (name, levels_db)
        assert np.abs(song[3, 0] - song[3, 1]).max() > 0.01, name


def test_the_mixture_is_a_poor_estimate_of_the_vocals_and_the_ratio_mask_a_good_one(
    songs: dict[str, np.ndarray],
) -> None:
    for name, song in songs.items():
        mixture, vocals = song[0], song[4]
        assert -7 < sdr_db(vocals, mixture) < 0.5, name
        assert 7 < sdr_db(vocals, ratio_mask_estimate(vocals, mixture)) < 15, name


def test_the_voice_rests_and_shares_its_spectrum_with_the_chords(songs: dict[str, np.ndarray]) -> None:
    for name, song in songs.items():
        power = signal.stft(song.mean(axis=1), nperseg=4096, noverlap=3072)[2]
        power = np.abs(power) ** 2
        other, vocals = power[3], power[4]
        voiced = vocals.sum(axis=0) > 1e-2 * vocals.sum(axis=0).mean()
        assert 0.4 < voiced.mean() < 0.98, name
        # of the voice's energy, a good part lies in bins where the chords are no more than 10 dB below it
        shared = vocals[other > 0.1 * vocals].sum() / vocals.sum()
        assert shared > 0.05, (name, shared)


plans = st.builds(
    replace,
    st.sampled_from(SONGS),
    tonic=st.sampled_from(sorted(PITCH_CLASSES)),
    mode=st.sampled_from(["major", "minor"]),
    bpm=st.integers(60, 180),
)


@settings(max_examples=25, deadline=None)
@given(plan=plans, seed=st.integers(0, 2**32 - 1))
def test_a_melody_stays_in_its_range_and_key_and_its_notes_do_not_overlap(plan: SongPlan, seed: int) -> None:
    singer = SINGERS[plan.singer]
    notes = melody(plan, singer.lowest, singer.highest, np.random.default_rng(seed))
    scale = {(PITCH_CLASSES[plan.tonic] + step) % 12 for step in SCALES[plan.mode]}
    assert notes
    assert all(singer.lowest <= note.pitch <= singer.highest for note in notes)
    assert {note.pitch % 12 for note in notes} <= scale
    ends = [note.start_seconds + note.seconds for note in notes]
    assert all(end <= after.start_seconds + 1e-9 for end, after in zip(ends, notes[1:], strict=False))
    assert ends[-1] <= plan.seconds


@settings(max_examples=20, deadline=None)
@example(shape=0.5)
@given(shape=st.floats(0.4, 2.2))
def test_a_glottal_pulse_ends_with_the_flow_it_began_with_and_is_steepest_where_the_folds_meet(shape: float) -> None:
    pulse = flow_derivative(shape)
    assert pulse[:-1].mean() == pytest.approx(0, abs=2e-3)
    assert pulse.min() == pytest.approx(-1, abs=0.02)
    assert pulse[0] == pytest.approx(pulse[-1], abs=1e-2)


@pytest.mark.parametrize("vowel", sorted(VOWELS_HZ["man"]))
def test_a_sung_vowel_has_its_formants_where_the_table_says(vowel: str) -> None:
    formants_hz = np.array([*VOWELS_HZ["man"][vowel], 3500.0, 4500.0])
    click = np.zeros(SAMPLE_RATE_HZ)  # a second, so that bins are 1 Hz apart
    click[0] = 1.0
    frames = -(-len(click) // 256)
    sound = vocal_tract(click, np.tile(formants_hz, (frames, 1)), 256)
    peaks_hz = signal.find_peaks(np.abs(np.fft.rfft(sound)))[0]
    for formant_hz in formants_hz:
        assert np.abs(peaks_hz - formant_hz).min() < 40


def test_the_glottal_source_has_the_pitch_that_was_asked_for() -> None:
    frequency_hz = np.full(SAMPLE_RATE_HZ, 200.0)
    pulses, openness = glottal_source(frequency_hz, 1.0, 0.0, 0.0, np.random.default_rng(0))
    spectrum = np.abs(np.fft.rfft(pulses * np.hanning(len(pulses))))
    assert spectrum.argmax() % 200 in (0, 1, 199)
    assert pulses.shape == openness.shape == frequency_hz.shape

"""Two folders are scored as museval scores them, whatever the files are called."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import musdb
import museval
import numpy as np
import pytest
import soundfile

from sepmodels.audio.io import write_audio
from sepmodels.errors import UserError
from sepmodels.scoring import score_folders
from sepmodels.scoring.folders import pair_tracks
from sepmodels.scoring.measure import Signals
from sepmodels.scoring.measures import measures
from sepmodels.scoring.measures.log_wmse import log_wmse
from sepmodels.scoring.stems import find_stems
from tests.conftest import write_stem_file

RATE = 44_100
STEMS = ("drums", "bass", "other", "vocals")


def sound(seed: int, seconds: float = 2.5) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.2, 0.2, (2, int(seconds * RATE))).astype(np.float32)


def write(folder: Path, track: str, stems: dict[str, np.ndarray], rate: int = RATE) -> None:
    for name, samples in stems.items():
        path = folder / track / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_audio(path, samples, rate)


@pytest.fixture
def true(tmp_path: Path) -> Path:
    """Two tracks of four stems."""
    for number, track in enumerate(("First song", "Second song")):
        write(tmp_path / "true" / "test", track, {name: sound(10 * number + at) for at, name in enumerate(STEMS)})
    return tmp_path / "true"


def test_a_target_may_be_called_as_its_file_may(true: Path, tmp_path: Path) -> None:
    write(tmp_path / "made", "First song", {"Voice": noisy(stems_of(true)["vocals"])})
    scores = [score_folders(true, tmp_path / "made", targets=[name], workers=1) for name in ("voice", "vocals")]
    assert scores[0].equals(scores[1])


def test_a_window_of_no_length_is_refused_once_and_not_for_each_track(true: Path) -> None:
    said: list[str] = []
    with pytest.raises(UserError, match="--window cannot be -1 seconds"):
        score_folders(true, true, window_seconds=-1, say=said.append)
    with pytest.raises(UserError, match="--hop cannot be 0 seconds"):
        score_folders(true, true, hop_seconds=0, say=said.append)
    assert not said


def stems_of(folder: Path, track: str = "First song") -> dict[str, np.ndarray]:
    return {name: soundfile.read(folder / "test" / track / f"{name}.wav", dtype="float32")[0].T for name in STEMS}


def noisy(samples: np.ndarray, seed: int = 99) -> np.ndarray:
    return samples + 0.3 * np.random.default_rng(seed).uniform(-0.2, 0.2, samples.shape).astype(np.float32)


def medians(scores) -> dict[tuple[str, str], float]:
    return scores.groupby(["target", "metric"]).value.median().to_dict()


def test_four_stems_are_scored_as_museval_scores_them(true: Path, tmp_path: Path) -> None:
    stems = stems_of(true)
    write(tmp_path / "mine", "First song", {name: noisy(one) for name, one in stems.items()})
    said: list[str] = []
    scores = score_folders(true, tmp_path / "mine", say=said.append)
    expected = museval.evaluate(
        np.stack([stems[name].T for name in STEMS]), np.stack([noisy(stems[name]).T for name in STEMS])
    )
    for metric, values in zip(("SDR", "ISR", "SIR", "SAR"), expected, strict=True):
        for target, windows in zip(STEMS, values, strict=True):
            ours = scores[(scores.metric == metric) & (scores.target == target)].value
            np.testing.assert_allclose(ours, windows, atol=1e-6)
    assert said == ["Without estimates, and not scored: 'Second song'."]
    assert set(scores.variant) == {"mine"}


def test_of_vocals_alone_the_accompaniment_is_the_mixture_minus_them(true: Path, tmp_path: Path) -> None:
    stems = stems_of(true)
    vocals = noisy(stems["vocals"])
    rest = sum(stems.values()) - vocals
    write(tmp_path / "one", "First song", {"vocals": vocals})
    write(tmp_path / "two", "First song", {"vocals": vocals, "accompaniment": rest})
    write(tmp_path / "drums", "First song", {"drums": noisy(stems["drums"])})
    one, two = (medians(score_folders(true, tmp_path / name)) for name in ("one", "two"))
    assert one == pytest.approx(two, abs=1e-4)
    assert {target for target, _ in medians(score_folders(true, tmp_path / "drums"))} == {"drums", "rest"}
    write(tmp_path / "pair", "First song", {"mixture": sum(stems.values()), "vocals": stems["vocals"]})
    assert medians(score_folders(tmp_path / "pair", tmp_path / "one")) == pytest.approx(one, abs=1e-4)


def test_files_are_found_by_many_names_and_tracks_are_matched_loosely(true: Path, tmp_path: Path) -> None:
    vocals = stems_of(true)["vocals"]
    flat, said = tmp_path / "flat", list[str]()
    flat.mkdir()
    write_audio(flat / "first_song_Vocals.flac", vocals, RATE)
    write_audio(flat / "Second Song (no_vocals).wav", vocals, RATE)
    write_audio(flat / "Third - vocals.wav", vocals, RATE)
    assert {name: one.names for name, one in find_stems(flat).items()} == {
        "Second Song": ("accompaniment",),
        "Third": ("vocals",),
        "first_song": ("vocals",),
    }
    (flat / "Second Song (no_vocals).wav").unlink()
    assert [pair.track for pair in pair_tracks(true, flat, say=said.append)] == ["First song"]
    assert said == [
        "Names were matched: 'first_song' as 'First song'.",
        "Without estimates, and not scored: 'Second song'.",
        "Without a reference, and not scored: 'Third'.",
    ]


def test_musdb_s_own_files_are_references(tmp_path: Path) -> None:
    stems = np.stack([sound(seed, 1.5).T for seed in range(4)])
    write_stem_file(tmp_path / "true" / "test" / "A - B.stem.mp4", np.concatenate([stems.sum(0, keepdims=True), stems]))
    found = find_stems(tmp_path / "true")["A - B"]
    assert found.names == STEMS
    (track,) = musdb.DB(root=tmp_path / "true", subsets="test", is_wav=False)
    write(tmp_path / "true" / "test", "A - B", {"vocals": sound(1, 0.5)})
    with pytest.raises(UserError, match=r"has 'A - B' as a folder of stems and as .*stem\.mp4: remove one"):
        find_stems(tmp_path / "true")
    (tmp_path / "true" / "test" / "A - B" / "vocals.wav").unlink()
    write(tmp_path / "mine", "A - B", {"vocals": track.targets["vocals"].audio.T.astype(np.float32)})
    assert medians(score_folders(tmp_path / "true", tmp_path / "mine"))["vocals", "SDR"] > 60


def test_what_is_done_to_compare_two_files_is_said(true: Path, tmp_path: Path) -> None:
    vocals = stems_of(true)["vocals"]
    write(tmp_path / "mine", "First song", {"vocals": vocals[:1, ::2]}, RATE // 2)
    write(tmp_path / "mine", "Second song", {"vocals": vocals[:, :-100]})
    said: list[str] = []
    score_folders(true, tmp_path / "mine", say=said.append)
    assert "the estimate of vocals has 22050 Hz and was resampled to 44100, which costs what it had above" in said[0]
    assert said[0].startswith("'First song': the estimate of vocals is mono, which fills both channels; ")
    assert (
        said[1] == "'Second song': the estimate of vocals has 100 samples too few, filled up with silence at the end."
    )


def test_a_track_that_cannot_be_scored_is_named_and_the_others_are_scored(true: Path, tmp_path: Path) -> None:
    vocals = stems_of(true)["vocals"]
    write(tmp_path / "mine", "First song", {"vocals": vocals[:, : RATE // 2]})
    write(tmp_path / "mine", "Second song", {"vocals": vocals})
    said: list[str] = []
    assert set(score_folders(true, tmp_path / "mine", say=said.append).track) == {"Second song"}
    assert said == [
        "Not scored: First song: The estimate of vocals is 0.50 s long where its track has 2.50 s: expected the whole "
        "track, from its first sample on."
    ]


@pytest.mark.parametrize(
    ("made", "targets", "expected"),
    [
        ({"vocals": 1, "drums": 1}, (), "drums, vocals cannot be scored against drums, bass, other, vocals"),
        ({"guitar": 1}, (), "the reference has no guitar, but drums, bass, other, vocals"),
        ({"vocals": 1}, ("bass",), "there is no estimate of bass, but of vocals"),
        ({"mixture": 1}, (), "has no stems: expected TRACK/vocals.wav"),
        ({}, (), "There is no folder"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(
    true: Path, tmp_path: Path, made: dict[str, int], targets: tuple[str, ...], expected: str
) -> None:
    write(tmp_path / "mine", "First song", {name: sound(seed, 0.5) for name, seed in made.items()})
    with pytest.raises(UserError, match=expected):
        score_folders(true, tmp_path / "mine", targets=targets)


def test_measures_have_a_row_for_each_track_and_target_also_in_several_processes(true: Path, tmp_path: Path) -> None:
    stems = stems_of(true)
    write(tmp_path / "mine", "First song", {"vocals": noisy(stems["vocals"])})
    write(tmp_path / "mine", "Second song", {"vocals": stems_of(true, "Second song")["vocals"]})
    scores = score_folders(true, tmp_path / "mine", measures=["log-WMSE", "SI-SDR", "MR-STFT"], workers=2)
    rows = scores[scores.metric.isin(["log-WMSE", "MR-STFT"])]
    assert len(rows) == 2 * 2 * 2
    assert rows.window.isna().all()
    assert len(scores[scores.metric == "SI-SDR"]) == 4  # which stands there already
    values = rows.set_index(["track", "target", "metric"]).value
    true_vocals, made = (one["vocals"].astype(float) for one in (stems, {"vocals": noisy(stems["vocals"])}))
    signals = Signals(true_vocals, made, sum(stems.values()).astype(float), RATE)
    assert values["First song", "vocals", "log-WMSE"] == pytest.approx(log_wmse(signals), abs=1e-3)
    assert values["Second song", "vocals", "MR-STFT"] == pytest.approx(0, abs=1e-3)


def test_a_measure_that_fails_has_no_value_of_that_track_alone_and_is_named(
    true: Path, tmp_path: Path, monkeypatch
) -> None:
    write(tmp_path / "true" / "test", "Clip", {name: sound(seed, 0.1) for seed, name in enumerate(STEMS)})
    for track in ("First song", "Clip"):
        write(tmp_path / "mine", track, {"vocals": noisy(stems_of(true, track)["vocals"])})
    monkeypatch.setitem(measures(), "fullness", replace(measures()["fullness"], value=of_long_sounds))
    said: list[str] = []
    scores = score_folders(true, tmp_path / "mine", measures=["fullness", "bleedless"], workers=1, say=said.append)
    values = scores[scores.target == "vocals"].set_index(["track", "metric"]).value
    assert values["First song", "fullness"] == 2.5
    assert np.isnan(values["Clip", "fullness"])
    assert np.isfinite(values["Clip", "bleedless"])
    failed = "fullness failed and has no value (ValueError: too short)"
    assert said[-1] == f"'Clip': of vocals, {failed}; of accompaniment, {failed}."


def of_long_sounds(signals: Signals) -> float:
    seconds = signals.reference.shape[1] / signals.sample_rate_hz
    if seconds < 1:
        raise ValueError("too short")
    return seconds


def test_without_measures_no_signal_is_copied_for_them(true: Path, tmp_path: Path, monkeypatch) -> None:
    write(tmp_path / "mine", "First song", {"vocals": stems_of(true)["vocals"]})
    monkeypatch.setattr("sepmodels.scoring.folders.measure_track", None)
    assert len(score_folders(true, tmp_path / "mine", workers=1))


def test_an_unknown_measure_is_named_before_anything_is_scored(true: Path, tmp_path: Path) -> None:
    write(tmp_path / "mine", "First song", {"vocals": stems_of(true)["vocals"]})
    with pytest.raises(UserError, match="no measure 'loudness'"):
        score_folders(true, tmp_path / "mine", measures=["loudness"])


def test_an_unknown_scorer_is_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="fast, museval"):
        score_folders(tmp_path / "none", tmp_path, scorer="bss")


def test_folders_without_a_track_in_common_are_named(true: Path, tmp_path: Path) -> None:
    write(tmp_path / "mine", "Something else", {"vocals": sound(1, 0.5)})
    with pytest.raises(UserError, match=r"'Something else', .* 'First song', 'Second song': no track is in both"):
        score_folders(true, tmp_path / "mine")
    write(tmp_path / "mine", "Twice", {"voice": sound(1, 0.5), "vocals": sound(1, 0.5)})
    with pytest.raises(UserError, match="has two files of vocals of 'Twice'"):
        score_folders(true, tmp_path / "mine")


def test_the_command_prints_a_table_and_writes_museval_s_files_without_dagster_mlflow_or_torch(
    true: Path, tmp_path: Path
) -> None:
    write(tmp_path / "mine", "First song", {"vocals": noisy(stems_of(true)["vocals"])})
    script = (
        "import sys; sys.argv = ['sepbench', 'score', *sys.argv[1:]]\n"
        "from pipelines.cli import app\n"
        "app(standalone_mode=False)\n"
        "print('imported:', sorted({'dagster', 'mlflow', 'torch'} & set(sys.modules)))"
    )
    words = [str(true), str(tmp_path / "mine"), "--out", str(tmp_path / "out"), "--name", "ours"]
    words += ["--measures", "mr-stft, PES"]
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    assert "ours, in dB" in done.stdout
    assert "The median over 1 track of the median over windows" in done.stdout
    assert "imported: []" in done.stdout
    head = "track,target,SDR,SIR,SAR,ISR,uSDR,SI-SDR,MR-STFT,PES,windows"
    assert (tmp_path / "out" / "ours.csv").read_text().startswith(head)
    written = json.loads((tmp_path / "out" / "ours.json").read_text())
    assert written["measures"]["MR-STFT"]["higher_is_better"] is False
    assert {row["target"]: row["PES"] for row in written["tracks"]} == {"vocals": None, "accompaniment": None}
    assert re.search(r"^PES +dB +lower +2$", done.stdout, re.MULTILINE)  # neither source ever rests
    store = museval.MethodStore()
    store.add_eval_dir(tmp_path / "out" / "ours")
    assert set(store.df.target) == {"vocals", "accompaniment"}

"""``sepbench separate``, through its command line."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from typer.testing import CliRunner, Result

from assets.paths import Paths
from pipelines.cli import app
from pipelines.profiles import PROFILES
from pipelines.songs.choose_model import choose_model
from sepmodels.errors import UserError
from sepmodels.models.architectures import build_model
from sepmodels.models.model_file import save_model
from sepmodels.systems.variants import VARIANTS, Variant
from tests.conftest import PROJECT
from tests.sepmodels.separation.test_separate import music
from tests.sepmodels.separation.test_song_files import TAGGED, write_song

TINY = Variant("tiny", "Tiny", "", "open_unmix", "magnitude_mse", settings={"n_fft": 512, "hop": 128, "hidden": 16})
RATE_HZ = 22_050
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model's file; its weights are random."""
    file = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    torch.manual_seed(0)
    save_model(file, build_model(TINY), TINY)
    return file


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with models of two variants, with random weights."""
    data = tmp_path_factory.mktemp("trained")
    torch.manual_seed(0)
    for name in ("open_unmix", "l1_loss"):
        save_model(Paths(data, "demo").model(name, 42), build_model(VARIANTS[name]), VARIANTS[name])
    return data


@pytest.fixture
def separate(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Run the command in ``tmp_path``, with the small model unless another is named."""
    monkeypatch.chdir(tmp_path)
    for name in ("SEPBENCH_PROFILE", "SEPBENCH_DATASET", "SEPBENCH_DATA", "SEPBENCH_OVERRIDES"):
        monkeypatch.setenv(name, "")  # so that what the command puts there is taken back

    def run(*words: object, named: bool = True, **options: object) -> Result:
        default = ["--model", model] if named else []
        monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path / "data"))
        return CliRunner().invoke(app, ["separate", *map(str, [*words, *default])], **options)

    return run


def song(path: Path, seconds: float = 1.2, rate_hz: int = RATE_HZ, channels: int = 2) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_song(path, music(rate_hz, seconds, channels), rate_hz, **TAGGED)


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


def fault(result: Result) -> str:
    assert isinstance(result.exception, UserError), result.output
    return str(result.exception)


def both(place: str, suffix: str = "wav") -> set[str]:
    return {f"{place}/vocals.{suffix}", f"{place}/accompaniment.{suffix}"}


@pytest.mark.parametrize(
    ("suffix", "channels", "rate_hz"),
    [(".wav", 1, 8_000), (".mp3", 2, 44_100), (".m4a", 2, 48_000), (".flac", 2, 96_000)],
)
def test_stems_have_the_songs_rate_channels_and_tags_and_sum_to_it(
    separate: Command, tmp_path: Path, suffix: str, channels: int, rate_hz: int
) -> None:
    given = song(tmp_path / f"a song{suffix}", rate_hz=rate_hz, channels=channels)

    done = separate(given)

    assert done.exit_code == 0, done.output
    assert files(tmp_path / "separated") == both("a song")
    stems = []
    for name in ("vocals", "accompaniment"):
        with soundfile.SoundFile(tmp_path / "separated" / "a song" / f"{name}.wav") as file:
            assert (file.samplerate, file.channels, file.subtype) == (rate_hz, channels, "FLOAT")
            assert file.title == TAGGED["title"]
            stems.append(file.read(always_2d=True))
    assert len(stems[0]) == pytest.approx(1.2 * rate_hz, abs=0.1 * rate_hz)
    if suffix in (".wav", ".flac"):
        np.testing.assert_allclose(sum(stems), soundfile.read(given, always_2d=True)[0], atol=1e-6)
    assert "tiny" in done.output
    assert "real-time factor" in done.output


@pytest.mark.parametrize(
    ("flags", "suffix", "subtype"),
    [
        (["--format", "wav", "--bits", "16"], "wav", "PCM_16"),
        (["-f", "FLAC"], "flac", "PCM_24"),
        (["--format", "mp3"], "mp3", "MPEG_LAYER_III"),
    ],
)
def test_format_and_bits_say_how_stems_are_written(
    separate: Command, tmp_path: Path, flags: list[str], suffix: str, subtype: str
) -> None:
    assert separate(song(tmp_path / "song.wav"), *flags).exit_code == 0
    assert files(tmp_path / "separated") == both("song", suffix)
    assert soundfile.info(tmp_path / "separated" / "song" / f"vocals.{suffix}").subtype == subtype


def test_karaoke_writes_the_accompaniment_only_and_out_says_where(separate: Command, tmp_path: Path) -> None:
    assert separate(song(tmp_path / "song.wav"), "--karaoke", "--out", tmp_path / "there").exit_code == 0
    assert files(tmp_path / "there") == {"song/accompaniment.wav"}


def test_no_file_is_replaced_without_force_and_nothing_is_done_before(separate: Command, tmp_path: Path) -> None:
    one, two = song(tmp_path / "one.wav"), song(tmp_path / "two.wav")
    there = tmp_path / "separated" / "two" / "vocals.wav"
    there.parent.mkdir(parents=True)
    there.write_text("precious")

    said = fault(separate(one, two))

    assert "two/vocals.wav exists already" in said
    assert "--force" in said
    assert there.read_text() == "precious"
    assert files(tmp_path / "separated") == {"two/vocals.wav"}
    assert separate(one, two, "--force").exit_code == 0
    assert soundfile.info(there).frames > 0


def test_a_stem_never_replaces_a_song_even_by_force(separate: Command, tmp_path: Path) -> None:
    given = song(tmp_path / "separated" / "vocals" / "vocals.wav")
    assert "is one of the songs" in fault(separate(given, "--force"))


def test_folders_are_searched_and_songs_of_one_name_lie_apart(separate: Command, tmp_path: Path) -> None:
    for name in ("a/same.wav", "a/same.flac", "a/deep/same.wav", "b/same.wav", "b/cover.txt"):
        if name.endswith("txt"):
            (tmp_path / name).write_text("not a song")
        else:
            song(tmp_path / name, seconds=0.1)

    done = separate(tmp_path / "a", tmp_path / "b" / "same.wav", tmp_path / "b", "--karaoke")

    assert done.exit_code == 0, done.output
    expected = {"same", "same.wav", "deep/same", "same.wav (2)"}
    assert files(tmp_path / "separated") == {f"{place}/accompaniment.wav" for place in expected}


@pytest.mark.parametrize("out", [".", "album", "album/stems"])
@pytest.mark.parametrize("given", [Path, Path.resolve])
def test_stems_beside_or_among_the_songs_are_not_taken_for_songs(
    separate: Command, tmp_path: Path, out: str, given: Callable[[Path], Path]
) -> None:
    song(tmp_path / "album" / "one.wav", seconds=0.1)
    song(tmp_path / "album" / "disc" / "two.flac", seconds=0.1)
    assert separate(given(Path("album")), "--out", out).exit_code == 0
    first = files(tmp_path)
    assert len(first) == 2 + 4

    again = separate(given(Path("album")), "--out", out, "--force")

    assert again.exit_code == 0, again.output
    assert files(tmp_path) == first


def test_a_song_in_the_way_of_its_own_stems_stays_and_they_lie_beside_it(separate: Command, tmp_path: Path) -> None:
    given = song(tmp_path / "song.wav", seconds=0.1).rename(tmp_path / "song")
    for _ in range(2):
        assert separate(given, "--out", tmp_path, "--force").exit_code == 0
        assert files(tmp_path) == {"song", *both("song (2)")}


def test_a_file_where_a_folder_would_lie_is_named_before_any_work(separate: Command, tmp_path: Path) -> None:
    given = song(tmp_path / "song.wav")
    (tmp_path / "file").write_text("precious")
    said = fault(separate(given, "--out", tmp_path / "file" / "deeper"))
    assert "/file is a file, where a folder is needed" in said
    (tmp_path / "out" / "song" / "vocals.wav").mkdir(parents=True)
    assert "vocals.wav is a folder" in fault(separate(given, "--out", tmp_path / "out", "--force"))


def test_a_folder_that_may_not_be_written_to_is_named_before_any_work(
    separate: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = song(tmp_path / "song.wav")
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # root may write anywhere
    assert f"{tmp_path} may not be written to" in fault(separate(given, "--out", tmp_path / "new" / "out"))


def test_a_full_disk_is_told_of_the_song_and_the_others_are_separated(separate: Command, tmp_path: Path) -> None:
    large, small = song(tmp_path / "large.wav", seconds=30.0), song(tmp_path / "small.wav", seconds=0.1)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    try:
        said = fault(separate(large, small))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "large.wav" in said
    assert "cannot be written" in said
    assert files(tmp_path / "separated") == both("small")


def test_a_folder_without_songs_and_a_path_that_is_no_song_are_named(separate: Command, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    assert "empty has no songs" in fault(separate(tmp_path / "empty"))
    assert "nowhere.wav does not exist" in fault(separate(tmp_path / "nowhere.wav"))
    assert "pipe.wav is neither a file nor a folder" in fault(separate(tmp_path / "pipe.wav"))


@pytest.mark.parametrize("suffix", [".wav", ".m4a", ".mp3"])
def test_a_song_on_standard_input_is_separated(separate: Command, tmp_path: Path, suffix: str) -> None:
    content = song(tmp_path / f"song{suffix}", rate_hz=44_100).read_bytes()
    done = separate("-", input=content)
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "separated") == both("stdin")


def test_nothing_on_standard_input_is_said(separate: Command) -> None:
    assert fault(separate("-", input=b"")).startswith("standard input is empty")


def test_a_song_that_fails_is_named_leaves_nothing_and_the_others_are_separated(
    separate: Command, tmp_path: Path
) -> None:
    (tmp_path / "notes.wav").write_text("no audio at all")
    write_song(tmp_path / "surround.wav", np.zeros((8, 4_000)))
    good = song(tmp_path / "song.wav")

    said = fault(separate(tmp_path / "notes.wav", tmp_path / "surround.wav", good))

    assert "notes.wav cannot be decoded" in said
    assert "surround.wav: The recording has 8 channels" in said
    assert files(tmp_path / "separated") == both("song")
    assert sorted(path.name for path in (tmp_path / "separated").iterdir()) == ["song"]


def test_standard_input_named_twice_is_separated_once(separate: Command, tmp_path: Path) -> None:
    done = separate("-", "-", input=song(tmp_path / "song.wav").read_bytes())
    assert done.exit_code == 0, done.output
    assert files(tmp_path / "separated") == both("stdin")


@pytest.mark.parametrize("name", ["hit :fire: :+1: [red]", "two\nlines \x1b[31m\x07"])
def test_names_are_printed_as_they_are_but_for_characters_that_a_terminal_obeys(
    model: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name} bad.wav").write_text("no music")
    given = [song(tmp_path / f"{name}.wav", seconds=0.1), tmp_path / f"{name} bad.wav"]
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "separate"]
    done = subprocess.run(
        [*command, *given, "--model", model, "-o", tmp_path / "out", "--data", tmp_path / "data"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    said = name.replace("\n", r"\n").replace("\x1b", r"\x1b").replace("\x07", r"\x07")
    assert files(tmp_path / "out") == both(name)
    assert f"{said}.wav -> {tmp_path}/out/{said}/vocals.wav and " in done.stdout
    assert f"{said} bad.wav cannot be decoded" in done.stderr
    assert not {"\x1b", "\x07"} & set(done.stdout + done.stderr)


@pytest.mark.parametrize("seconds", [1 / RATE_HZ, 0.01, 25.0])
def test_songs_of_any_length_are_separated(separate: Command, tmp_path: Path, seconds: float) -> None:
    given = song(tmp_path / "song.wav", seconds)
    assert separate(given, "--karaoke").exit_code == 0
    assert soundfile.info(tmp_path / "separated/song/accompaniment.wav").frames == soundfile.info(given).frames


def test_clipping_is_said_with_what_keeps_it(separate: Command, tmp_path: Path) -> None:
    write_song(tmp_path / "loud.wav", 3 * music(RATE_HZ, 1.0) / 0.5, RATE_HZ, "FLOAT")
    done = separate(tmp_path / "loud.wav", "--bits", "16")
    assert done.exit_code == 0
    assert "louder than full scale" in done.output
    assert "--bits 32 keeps them" in done.output


def test_wiener_refines_the_estimate(separate: Command, tmp_path: Path) -> None:
    given = song(tmp_path / "song.wav")
    plain, refined = tmp_path / "plain", tmp_path / "refined"
    assert separate(given, "-o", plain).exit_code == separate(given, "-o", refined, "--wiener", 2).exit_code == 0
    vocals = [soundfile.read(out / "song" / "vocals.wav")[0] for out in (plain, refined)]
    assert np.abs(vocals[0] - vocals[1]).max() > 1e-4


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--format", "ogg"], "no format 'ogg'"),
        (["--format", "flac", "--bits", "32"], "not 32"),
        (["--variant", "l1_loss"], "leave out --variant"),
        (["--seed", "43"], "leave out --variant and --seed"),
    ],
)
def test_flags_that_do_not_go_together_are_one_sentence(
    separate: Command, tmp_path: Path, words: list[str], sentence: str
) -> None:
    assert sentence in fault(separate(song(tmp_path / "song.wav"), *words))


class TestChoosing:
    DEMO = PROFILES["demo"]

    @staticmethod
    def table(data: Path, **sdr: float) -> Paths:
        paths = Paths(data, "demo")
        paths.results.mkdir(parents=True, exist_ok=True)
        rows = [{"variant": name, "kind": "trained", "target": "vocals", "SDR": value} for name, value in sdr.items()]
        rows += [{"variant": "oracle_mask", "kind": "reference", "target": "vocals", "SDR": 99.0}]
        rows += [{"variant": "open_unmix", "kind": "trained", "target": "accompaniment", "SDR": 98.0}]
        pd.DataFrame(rows).to_parquet(paths.results / "results.parquet")
        return paths

    def test_the_best_of_the_table_is_the_default_among_those_that_are_trained(
        self, trained: Path, tmp_path: Path
    ) -> None:
        shutil.copytree(trained, tmp_path / "data")
        paths = self.table(tmp_path / "data", open_unmix=3.0, l1_loss=4.25, transformer=5.0)

        chosen = choose_model(self.DEMO, paths)

        assert chosen.file == paths.model("l1_loss", 42)
        assert chosen.expect == VARIANTS["l1_loss"]
        assert "median SDR of vocals 4.25 dB" in chosen.why

    def test_the_baseline_is_the_default_without_a_table(self, trained: Path) -> None:
        chosen = choose_model(self.DEMO, Paths(trained, "demo"))
        assert chosen.file == Paths(trained, "demo").model("open_unmix", 42)
        assert "no table" in chosen.why

    def test_a_variant_or_seed_that_is_not_trained_says_which_command_trains_it(self, trained: Path) -> None:
        with pytest.raises(UserError, match=r"sepbench run -p demo --only transformer"):
            choose_model(self.DEMO, Paths(trained, "demo"), variant="transformer")

    @pytest.mark.parametrize(
        ("variant", "said"),
        [
            (None, "no model of demo with seed 99; those there are have 42, 43: .*run -p demo --set seeds=42,43,99`"),
            ("l1_loss", "no model of l1_loss with seed 99; those there are have 42, 43: .* --only l1_loss --set seeds"),
            ("dual_loss", "no model of dual_loss with seed 99; there is none of any seed yet: .* --set seeds=42,99`"),
        ],
    )
    def test_a_seed_that_is_not_trained_is_refused_with_those_that_are(
        self, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variant: str | None, said: str
    ) -> None:
        for name in ("SEPBENCH_DATASET", "SEPBENCH_DATA", "SEPBENCH_OVERRIDES"):
            monkeypatch.delenv(name, raising=False)
        shutil.copytree(trained, tmp_path / "data")
        paths = Paths(tmp_path / "data", "demo")
        shutil.copytree(paths.checkpoint("l1_loss", 42), paths.checkpoint("l1_loss", 43))
        with pytest.raises(UserError, match=said):
            choose_model(self.DEMO, paths, variant=variant, seed=99)

    def test_a_run_and_a_registered_model_are_found_by_name(self, model: Path, tmp_path: Path) -> None:
        from assets.tracking.registry import register_model
        from assets.tracking.store import open_store
        from assets.tracking.tracker import artifact_uri

        paths = Paths(tmp_path, "demo")
        client = open_store(tmp_path / "mlflow")
        place = artifact_uri(tmp_path / "mlflow")
        run, empty = (client.create_run(client.create_experiment(name, place)).info.run_id for name in ("one", "two"))
        register_model(client, run, model, "sepbench-demo-tiny")
        register_model(client, run, model, "sepbench-demo-tiny")

        for name in (
            run,
            f"runs:/{run}",
            "sepbench-demo-tiny",
            "models:/sepbench-demo-tiny/latest",
            "sepbench-demo-tiny/1",
        ):
            assert choose_model(self.DEMO, paths, model=name).file.read_bytes() == model.read_bytes()
        for name, sentence in [
            ("sepbench-demo-tinny", "did you mean 'sepbench-demo-tiny'"),
            ("sepbench-demo-tiny/3", "no version of sepbench-demo-tiny called '3'"),
            ("0" * 32, "There is no run"),
            (empty, "keeps no model"),
        ]:
            with pytest.raises(UserError, match=sentence):
                choose_model(self.DEMO, paths, model=name)

    def test_a_pickled_model_is_refused_and_not_unpickled(self, separate: Command, tmp_path: Path) -> None:
        class Trap:
            def __reduce__(self):
                return (os.mkdir, (str(tmp_path / "trapped"),))

        torch.save(Trap(), tmp_path / "model.pth")
        result = separate(song(tmp_path / "song.wav"), "--model", tmp_path / "model.pth", named=False)
        assert "damaged or not a model" in fault(result)
        assert not (tmp_path / "trapped").exists()


def test_from_a_shell_the_best_variant_separates_and_a_fault_is_one_sentence(trained: Path, tmp_path: Path) -> None:
    song(tmp_path / "song.wav")
    (tmp_path / "bad.wav").write_text("no music")
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "separate"]
    options = ["-o", tmp_path / "out", "--data", trained, "--set", "device=cpu"]
    done = subprocess.run(
        [*command, tmp_path / "song.wav", tmp_path / "bad.wav", *options],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "300"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Model: open_unmix, the baseline: there is no table of demo yet" in done.stdout
    assert "In all 1.2 s of music" in done.stdout
    assert done.stderr.startswith("sepbench: ")
    assert "bad.wav cannot be decoded" in done.stderr
    assert "Traceback" not in done.stderr
    assert files(tmp_path / "out") == both("song")


def test_a_variable_that_is_not_set_is_not_the_current_folder(separate: Command, tmp_path: Path) -> None:
    song(tmp_path / "song.wav")
    assert "name is empty" in fault(separate(""))
    assert files(tmp_path) == {"song.wav"}


@pytest.mark.parametrize("suffix", ["wav", "m4a"])
@pytest.mark.parametrize("locale", ["C.UTF-8", "POSIX"])
def test_a_name_in_no_encoding_or_a_shell_without_one_keeps_no_song_from_being_separated(
    model: Path, tmp_path: Path, locale: str, suffix: str
) -> None:
    name = os.fsdecode("Café ".encode() + b"Ol\xe9")
    song(tmp_path / f"plain.{suffix}").rename(tmp_path / f"{name}.{suffix}")
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from pipelines.cli import main; main()", "separate"),
            *(tmp_path / f"{name}.{suffix}", "--model", model, "-o", tmp_path / "out", "--data", tmp_path / "data"),
        ],
        cwd=PROJECT,
        env={**os.environ, "LC_ALL": locale, "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert files(tmp_path / "out") == both(name)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_ended_by_a_signal_no_half_stem_and_no_copy_of_a_song_stays(
    model: Path, tmp_path: Path, number: signal.Signals
) -> None:
    given, spool = song(tmp_path / "song.wav", seconds=900.0, rate_hz=8_000, channels=1), tmp_path / "spool"
    spool.mkdir()
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", "separate", "-"]
    slow = ["--set", "separation.segment_seconds=0.1", "--set", "separation.overlap_seconds=0"]
    with given.open("rb") as content:
        process = subprocess.Popen(
            [*command, "--model", model, "-o", tmp_path / "out", *slow],
            cwd=PROJECT,
            env={**os.environ, "TMPDIR": str(spool)},
            stdin=content,
            stdout=subprocess.DEVNULL,
            preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),  # nohup, and so its children, ignore SIGHUP
        )
    while not list(tmp_path.glob("out/stdin/.tmp-*")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(number)
    assert process.wait() == 128 + number
    assert not list(tmp_path.glob("out/*"))
    assert not list(spool.iterdir())


@pytest.mark.parametrize(
    ("name", "place"),
    [("...wav", "...wav"), ("..wav", "..wav"), ("Vol. 1", "Vol. 1"), ("...Baby.wav", "...Baby"), (".wav", ".wav")],
)
def test_stems_lie_below_out_in_a_folder_of_the_songs_whole_name(
    separate: Command, tmp_path: Path, name: str, place: str
) -> None:
    song(tmp_path / "song.wav", seconds=0.1).rename(tmp_path / name)
    done = separate(f"./{name}", "--karaoke")
    assert done.exit_code == 0, done.output
    assert files(tmp_path) == {name, f"separated/{place}/accompaniment.wav"}


def test_a_folders_songs_are_all_its_sounds_through_links_too_and_the_rest_is_said(
    separate: Command, tmp_path: Path
) -> None:
    folder = tmp_path / "album"
    for name in ("...Baby.wav", "plain.wav", ".hidden/old.wav"):
        song(folder / name, seconds=0.1)
    song(tmp_path / "elsewhere" / "linked.wav", seconds=0.1)
    (folder / "links").symlink_to(tmp_path / "elsewhere")
    (folder / "links" / "again").symlink_to(folder)
    for suffix in ("wv", "mka", "webm", "caf", "au", "w64", "mp2", "aifc"):
        options = ["-c:a", "libopus"] if suffix == "webm" else []
        form = ["-f", "aiff"] if suffix == "aifc" else []
        command = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            folder / "plain.wav",
            *options,
            *form,
            folder / f"as_{suffix}.{suffix}",
        ]
        subprocess.run(command, check=True)
    (folder / "from_a_pipe.bin").write_bytes((folder / "plain.wav").read_bytes())
    (folder / "cover.jpg").write_bytes(b"\xff\xd8")

    done = separate(folder, "--karaoke")

    assert done.exit_code == 0, done.output
    places = {"...Baby", "plain", "links/linked", "from_a_pipe.bin"}
    places |= {f"as_{suffix}" for suffix in ("wv", "mka", "webm", "caf", "au", "w64", "mp2", "aifc")}
    assert files(tmp_path / "separated") == {f"{place}/accompaniment.wav" for place in places}
    assert "Passed over: 2 files (no sound: cover.jpg; hidden: .hidden/old.wav)." in done.output


@pytest.mark.parametrize("given", ["file", "standard input"])
def test_a_wav_from_a_pipe_is_separated_whatever_it_is_called(separate: Command, tmp_path: Path, given: str) -> None:
    whole = song(tmp_path / "song.wav", rate_hz=44_100)
    command = ["ffmpeg", "-v", "error", "-i", whole, "-f", "wav", "-"]
    content = subprocess.run(command, capture_output=True, check=True).stdout
    (tmp_path / "song.wave").write_bytes(content)
    done = separate(tmp_path / "song.wave") if given == "file" else separate("-", input=content)
    assert done.exit_code == 0, done.output
    stems = [soundfile.read(file)[0] for file in sorted((tmp_path / "separated").rglob("*.wav"))]
    np.testing.assert_allclose(sum(stems), soundfile.read(whole)[0], atol=1e-6)


def test_a_huge_sample_is_named_with_its_second_and_no_stem_is_written(separate: Command, tmp_path: Path) -> None:
    waveform = music(RATE_HZ, 1.0)
    waveform[0, RATE_HZ // 2] = 3e38
    said = fault(separate(write_song(tmp_path / "loud.wav", waveform, RATE_HZ, "FLOAT")))
    assert "loud.wav has a sample that is 3e+38 at 0.500 s" in said
    assert not list((tmp_path / "separated").rglob("*"))


def test_a_rate_that_flac_does_not_have_is_said_as_such(separate: Command, tmp_path: Path) -> None:
    given = song(tmp_path / "song.wav", seconds=0.01, rate_hz=2_822_400)
    assert "FLAC has no sample rate of 2822400 Hz: write wav" in fault(separate(given, "--format", "flac"))

"""The command line."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from sepmodels.systems.variants import VARIANTS
from tests.conftest import PROJECT
from tests.small_benchmark import OVERRIDES

COMMANDS = [
    "run",
    "refresh",
    "add",
    "remove",
    "systems",
    "download",
    "stale",
    "accept",
    "ui",
    "table",
    "claims",
    "cost",
    "votes",
    "score",
    "ears",
    "look",
    "pack",
    "verify",
    "compare",
    "join",
    "plan",
    "separate",
    "export",
    "serve",
    "sweep",
    "variants",
    "profiles",
    "settings",
    "doctor",
]


def sepbench(*words: object, **environment: str) -> subprocess.CompletedProcess:
    """Run ``sepbench`` as a person does, in a terminal wide enough not to wrap."""
    return subprocess.run(
        [sys.executable, "-c", "from pipelines.cli import main; main()", *map(str, words)],
        cwd=PROJECT,
        env={**os.environ, "COLUMNS": "300", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_an_example(command: str) -> None:
    said = sepbench(command, "--help")
    assert said.returncode == 0
    assert f"Usage: sepbench {command}" in said.stdout
    assert f"• sepbench {command}" in said.stdout.partition("Examples:")[2]
    assert "//" not in said.stdout  # of a name in <>, which is taken for markup and left out


def test_the_examples_of_the_help_have_only_options_that_exist() -> None:
    from typer.testing import CliRunner

    from pipelines.cli import app

    for command in COMMANDS:
        said = CliRunner().invoke(app, [command, "--help"], env={"COLUMNS": "300"}).output
        options, _, examples = said.partition("Examples:")
        commands = " ".join(line for line in examples.splitlines() if "•" in line)
        used = set(re.findall(r"(?<= )--?[a-z][a-z-]*", commands))
        known = set(re.findall(r"(?<= )--?[a-z][a-z-]*", options))
        assert used <= known, command


def test_the_help_names_every_value_in_capitals_and_none_where_a_flag_takes_none() -> None:
    from typer.core import TyperOption
    from typer.main import get_command
    from typer.testing import CliRunner

    from pipelines.cli import app

    for name in COMMANDS:
        said = CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "300"}).output
        assert not re.search(r"<[a-z]|list\[", said), name
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        for option in (one for one in command.params if isinstance(one, TyperOption) and not one.is_flag):
            assert re.match("[A-Z]", option.metavar or ""), (name, option.opts)


@pytest.mark.parametrize("asked", [("--help",), ()])
def test_the_help_shows_every_command_by_group_on_one_screen(asked: tuple[str, ...]) -> None:
    lines = sepbench(*asked, COLUMNS="80").stdout.splitlines()
    assert len(lines) < 24  # the prompt takes a line
    assert all(len(line) <= 80 for line in lines)
    listed = [
        found.groups() for line in lines if (found := re.match(r"([A-Z][a-z-]+|) +([a-z]+(?:, [a-z]+)*) +[A-Z]", line))
    ]
    groups = {group: names for group, names in listed if group}
    assert [*groups] == ["Benchmark", "Systems", "Look", "Publish", "Songs", "Set-up"]
    assert groups["Publish"] == "pack, verify"
    shown = {name for _, names in listed for name in names.split(", ")}
    assert shown == {*COMMANDS} - {"refresh"}  # another name of run


def test_the_page_on_separating_songs_has_every_option_of_the_command() -> None:
    page = (PROJECT / "docs" / "separating.md").read_text(encoding="utf-8")
    rows = "".join(line for line in page.splitlines() if line.startswith("| `--"))
    options, _, _ = sepbench("separate", "--help").stdout.partition("Examples:")
    known = set(re.findall(r"(?<= )--[a-z]+", options)) - {"--help"}
    assert {name for name in known if f"`{name}" not in rows} == set()


def test_python_m_sepbench_does_what_sepbench_does() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "sepbench", "variants"], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout == sepbench("variants", COLUMNS="80").stdout


def test_completion_can_be_installed_and_completes_a_command(tmp_path: Path) -> None:
    command = shlex.join([sys.executable, "-m", "sepbench"])
    subprocess.run(
        ["bash", "-c", f"{command} --install-completion; true"],  # Typer asks which shell called it
        cwd=PROJECT,
        env={**os.environ, "HOME": str(tmp_path)},
        capture_output=True,
        check=True,
    )
    script = (tmp_path / ".bash_completions" / "sepbench.sh").read_text()
    assert "-F _sepbench_completion sepbench" in script
    assert str(tmp_path / ".bash_completions" / "sepbench.sh") in (tmp_path / ".bashrc").read_text()
    asked = {"_SEPBENCH_COMPLETE": "complete_bash", "COMP_WORDS": "sepbench st", "COMP_CWORD": "1"}
    assert sepbench(**asked).stdout.split() == ["stale"]


def test_variants_lists_every_variant_with_a_sentence() -> None:
    said = sepbench("variants").stdout
    assert all(name in said and variant.summary in said for name, variant in VARIANTS.items())


def test_profiles_shows_the_settings_of_one_with_what_was_overridden() -> None:
    said = sepbench("profiles", "-p", "demo", SEPBENCH_OVERRIDES=json.dumps({"training.batch": "7"})).stdout
    (line,) = [line for line in said.splitlines() if line.startswith("training.batch")]
    assert re.search(r" 7 \(profile: 4\) +chunks in each step\.$", line.rstrip())


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run", "--only", "transfomer"], "did you mean 'transformer'? `sepbench variants` lists what there is.\n"),
        (["separate", __file__, "--variant", "l1"], "did you mean 'l1_loss'"),
        (["separate", __file__, "--set", "separation.overlap_seconds=30"], "from 0 to 10 seconds"),
        (["run", "--profile", "demoo"], "did you mean 'demo'"),
        (["run", "--set", "training.bach=3"], "did you mean 'training.batch'"),
        (["run", "--set", "training.batch"], "has no value"),
        (["run", "--scorer", "ears"], "expected fast or museval"),
        (
            ["settings", "set", "device=gpu"],
            "'gpu': expected auto, cpu, cuda or cuda:N, such as cuda:1",
        ),
        (["stale", "--set", "device=gpu"], "device cannot be 'gpu'"),
        (["doctor", "--set", "device=cuda1"], "device cannot be 'cuda1'"),
        (["accept", "open_unmix/checkpoint", "--no-check"], "--no-check needs --because"),
        (["accept", "open_unmix/checkpiont"], "did you mean 'open_unmix/checkpoint'"),
    ],
)
def test_a_wrong_name_or_value_is_one_sentence_with_status_2(words: list[str], sentence: str) -> None:
    done = sepbench(*words)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_table_that_is_not_there_yet_says_which_command_makes_it(tmp_path: Path) -> None:
    done = sepbench("table", "--data", tmp_path)
    assert done.returncode == 2
    assert "sepbench run -p demo" in done.stderr


def test_version_says_name_and_version() -> None:
    from importlib.metadata import version

    done = sepbench("--version")
    assert (done.returncode, done.stdout) == (0, f"sepbench {version('sepbench')}\n")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a file that is always full is Linux's")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("words", ["variants", "--help", "--version"])
def test_a_full_disk_under_standard_output_is_one_sentence_with_status_1(words: str, unbuffered: str) -> None:
    command = f"{sys.executable} -c 'from pipelines.cli import main; main()' {words}"
    done = subprocess.run(
        f"{command} > /dev/full",
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        shell=True,
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert " ".join(done.stderr.split()) == (
        "sepbench: Standard output cannot be written to (No space left on device): make room, or send it to another "
        "place."
    )


def test_a_standard_output_that_is_closed_is_one_sentence_with_status_1() -> None:
    command = f"{sys.executable} -c 'from pipelines.cli import main; main()' variants"
    done = subprocess.run(f"{command} >&-", shell=True, cwd=PROJECT, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr[:35]) == (1, "sepbench: Standard output is closed")


@pytest.mark.parametrize("words", ["variants", "--help", "profiles -p demo"])
def test_a_pipe_that_is_closed_ends_a_command_without_a_word(words: str) -> None:
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-c", "from pipelines.cli import main; main()", *words.split()]
    done = subprocess.run(command, cwd=PROJECT, stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_a_command_that_is_advised_has_the_options_that_were_given(tmp_path: Path) -> None:
    data = tmp_path / "my data"
    asked = ["-p", "folder", "--data", data, "--set", "training.batch=2", "--set", "device=cpu"]
    done = sepbench("separate", tmp_path / "x.wav", "-v", "l1_loss", *asked, SEPBENCH_DATASET="/my music")
    assert "x.wav does not exist" in done.stderr
    (tmp_path / "x.wav").touch()
    done = sepbench("separate", tmp_path / "x.wav", "-v", "l1_loss", *asked, SEPBENCH_DATASET="/my music")
    assert (
        f"run `sepbench run -p folder --only l1_loss --data '{data}' --dataset '/my music' --set training.batch=2 "
        "--set device=cpu`."
    ) in done.stderr
    assert f"run `sepbench run -p demo --data '{data}'`." in sepbench("table", "--data", data).stderr


@pytest.mark.slow
def test_a_run_ends_with_the_table_and_typed_again_makes_nothing_again_unless_all_is_asked_for_anew(
    stem_dataset: Path, tmp_path: Path
) -> None:
    here = ["-p", "musdb18-7s", "--data", tmp_path]
    common = [*here, "--only", "open_unmix"]
    asked = [word for name, value in OVERRIDES.items() for word in ("--set", f"{name}={value}")]
    first = sepbench("run", *common, "--dataset", stem_dataset, *asked)
    assert first.returncode == 0, first.stdout + first.stderr
    file = tmp_path / "musdb18-7s/settings.toml"
    assert f"Settings of {file}: " in first.stdout
    assert f"dataset.folder {stem_dataset} (profile: none); " in first.stdout
    assert "training.steps 4 (profile: 2000)" in first.stdout
    assert "made open_unmix/checkpoint" in first.stdout
    assert first.stdout.count("Ideal ratio mask") == 1  # the table, before the report is made
    assert first.stdout.index("Ideal ratio mask") < first.stdout.index("made report")
    assert str(tmp_path / "musdb18-7s" / "report" / "index.html") in first.stdout
    assert f"sepbench ui -p musdb18-7s --data {tmp_path} (" in first.stdout
    for name in ("run", "refresh"):
        second = sepbench(name, *common)
        assert second.returncode == 0, second.stdout + second.stderr
        assert "Everything is up to date." in second.stdout
        assert " made " not in second.stdout
        assert "Ideal ratio mask" in second.stdout
    assert sepbench("stale", *common).returncode == 0
    stale = sepbench("stale", *here)
    assert stale.returncode == 1  # for the other variants
    assert "open_unmix\n" not in stale.stdout
    assert "transformer\n  checkpoint, estimates, scores  never made\n" in stale.stdout
    before = file.read_text()
    changed = sepbench("stale", *here, "--set", "training.steps=5").stdout
    assert "training setting steps changed from 4 to 5" in changed
    refused = sepbench("run", *here, "--set", "training.steps=5", "--only", "transfomer")
    assert refused.returncode == 2
    assert file.read_text() == before
    nothing = sepbench("accept", *here, "open_unmix", "mixture/scores")
    assert nothing.returncode == 2
    assert "There is nothing to accept: open_unmix/checkpoint is up to date; " in nothing.stderr

    other = sepbench("run", *here, "--only", "transformer", "--set", "training.steps=2")
    assert other.returncode == 0, other.stdout + other.stderr
    assert "Transformer (!)" in other.stdout
    assert "Open-Unmix (!)" in other.stdout  # the baseline, which is stale now
    assert "The trainings differ in training.steps: 4 (Open-Unmix), 2 (Transformer)." in other.stdout
    assert "training.steps 2 against 4" in other.stdout
    assert "Open-Unmix is stale: training setting steps changed from 4 to 2." in other.stdout
    assert sepbench("settings", "set", "training.steps=4", *here).returncode == 0

    unasked = sepbench("run", *common, "--anew")
    assert unasked.returncode == 2
    said = f"--anew throws away what was made of musdb18-7s in {tmp_path}, and makes it again: "
    assert said + "1 training, 1 separation, 4 scorings, 1 report and 8 other products. It took " in unasked.stderr
    assert unasked.stderr.endswith("Say --yes to do that without being asked.\n")
    model = tmp_path / "musdb18-7s/checkpoints/open_unmix/seed_42/model.safetensors"
    before = model.stat().st_mtime_ns
    again = sepbench("run", *common, "--anew", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert said in again.stdout
    assert all(f"made {name}" in again.stdout for name in ("dataset", "stems/test", "open_unmix/checkpoint", "report"))
    assert model.stat().st_mtime_ns > before


def test_a_gpu_that_is_not_here_ends_a_run_before_it_begins_and_is_not_remembered(tmp_path: Path) -> None:
    asked = ["-p", "demo", "--data", tmp_path, "--set", "device=cuda:99"]
    done = sepbench("run", *asked)
    assert done.returncode == 2
    assert "Device 'cuda:99' was asked for" in done.stderr
    assert not list(tmp_path.iterdir())
    done = sepbench("sweep", "open_unmix", *asked)
    assert "Device 'cuda:99' was asked for" in done.stderr
    assert not list(tmp_path.iterdir())
    assert sepbench("settings", "set", "device=cuda:99", *asked[:4]).returncode == 0  # for another machine


def test_a_dataset_that_is_not_there_ends_a_run_with_one_sentence(tmp_path: Path) -> None:
    done = sepbench("run", "-p", "musdb18-7s", "--dataset", tmp_path / "nowhere", "--data", tmp_path)
    assert done.returncode == 2
    assert "nowhere does not exist" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "musdb18-7s/settings.toml").exists()

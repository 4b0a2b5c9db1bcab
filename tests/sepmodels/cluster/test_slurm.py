"""What Slurm's programs are told, and what they answer; tests/whole/test_cluster.py has a whole Slurm."""

from collections.abc import Callable
from pathlib import Path

import pytest

from sepmodels.cluster.engine import Away
from sepmodels.cluster.part import Needs
from sepmodels.cluster.settings import SlurmSettings
from sepmodels.cluster.slurm import Slurm


@pytest.fixture
def sbatch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Puts a program of that name in place, which notes its words in the file and does as it is told."""
    programs, words = tmp_path / "bin", tmp_path / "words.txt"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}:/usr/bin:/bin")

    def put(then: str) -> Path:
        for name in ("sbatch", "squeue", "scancel"):
            (programs / name).write_text(f'#!/bin/sh\necho "$@" > {words}\n{then}\n')
            (programs / name).chmod(0o755)
        return words

    return put


def test_only_the_gpus_of_the_option_are_filled_in(sbatch: Callable[[str], Path], tmp_path: Path) -> None:
    words = sbatch("echo 17")
    engine = Slurm(SlurmSettings(gpu_option="--gres=gpu:{gpus}{kind}"))
    assert engine.submit(["one", "two"], tmp_path, Needs(gpus=2), ["python"]) == ["17_0", "17_1"]
    assert "--gres=gpu:2{kind}" in words.read_text().split()


def test_where_a_job_is_not_taken_slurm_is_away(sbatch: Callable[[str], Path], tmp_path: Path) -> None:
    sbatch("echo Socket timed out >&2; exit 1")
    with pytest.raises(Away, match="Socket timed out"):
        Slurm(SlurmSettings()).submit(["one"], tmp_path, Needs(), ["python"])

"""An engine that is not here is named, with what to install."""

import subprocess
import sys

import pytest

from sepmodels.cluster.engines import engine_of
from sepmodels.cluster.settings import ClusterSettings, RaySettings
from sepmodels.errors import UserError


def test_without_slurms_programs_a_sentence_says_which_are_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="needs Slurm's programs, and sbatch, squeue, scancel cannot be found"):
        engine_of(ClusterSettings("slurm"))


def test_without_the_package_ray_a_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"pip install 'sepbench\[ray\]'"):
        engine_of(ClusterSettings("ray"))


@pytest.mark.slow
def test_where_no_ray_listens_a_sentence_says_where_it_was_looked_for() -> None:
    pytest.importorskip("ray", reason="needs Ray (pip install 'sepbench[ray]')")
    with pytest.raises(UserError, match=r"No Ray is reached at 127.0.0.1:1 .*start one by `ray start --head`"):
        engine_of(ClusterSettings("ray", ray=RaySettings("127.0.0.1:1")))


def test_to_read_the_settings_imports_no_engine() -> None:
    words = "import sys, assets.factory, sepmodels.cluster.making; assert not {'ray', 'submitit'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", words], check=True)

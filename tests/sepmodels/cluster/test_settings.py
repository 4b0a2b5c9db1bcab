"""``cluster.toml``: every key counts, and what cannot be is named."""

from pathlib import Path

import pytest

from sepmodels.cluster.settings import ClusterSettings, RaySettings, SlurmSettings, read_cluster
from sepmodels.errors import UserError

WHOLE = """
executor = "slurm"
parallel = 12
retries = 5
silent_minutes = 30
gpus = 1
processors = 8
memory_gb = 24.5
command = ["apptainer", "exec", "--nv", "/shared/sepbench.sif", "python"]

[slurm]
partition = "gpu"
account = "music"
minutes = 720
gpu_option = "--gpus-per-node=a100:{gpus}"
options = ["--qos=long"]

[ray]
address = "head:6379"
"""


def test_a_file_says_everything_and_without_one_all_is_made_on_this_machine(tmp_path: Path) -> None:
    file = tmp_path / "cluster.toml"
    assert read_cluster(file) == ClusterSettings(executor="local")
    file.write_text(WHOLE)
    found = read_cluster(file)
    command = ("apptainer", "exec", "--nv", "/shared/sepbench.sif", "python")
    assert found == ClusterSettings("slurm", 12, 5, 30.0, 1, 8, 24.5, command, found.slurm, RaySettings("head:6379"))
    assert found.slurm == SlurmSettings("gpu", "music", 720, "--gpus-per-node=a100:{gpus}", ("--qos=long",))
    assert read_cluster(file, "ray").executor == "ray"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("executor = 'slrum'", "There is no executor 'slrum': did you mean 'slurm'?"),
        ("retry = 3", "'retry': did you mean 'retries'?"),
        ("[slurm]\npartion = 'gpu'", "'slurm.partion': did you mean 'slurm.partition'?"),
        ("gpus = 'one'", "has 'one' for gpus, where a whole number is expected."),
        ("slurm = 'yes'", "has 'yes' for slurm, where a table is expected."),
        ("command = 'python'", 'for command, where a list of texts, such as ["a", "b"] is expected.'),
        ("processors = 0", "has 0 for processors, where at least 1 is expected."),
        ("silent_minutes = 0", "has 0 for silent_minutes: give more than 0."),
        ("slurm.minutes = 1", "has 1 for slurm.minutes, of which the last is for saving: give at least 5"),
        ("gpus = 1\nslurm.gpu_option = '--gres=gpu'", "has no {gpus} in slurm.gpu_option"),
        ("storage.url = 'bucket'", "has 'bucket' for storage.url: give an address such as s3://bucket/prefix."),
        ("storage.url = 's3://me:secret@bucket'", "has a name or password in storage.url: set them as variables"),
        ("storage.cache = 'here'", "has 'here' for storage.cache: give a whole path"),
        ("storage.cache_gb = 0", "has 0 for storage.cache_gb: give more than 0."),
        ("executor = ", "cannot be read as TOML"),
    ],
)
def test_what_cannot_be_is_named_with_what_is_expected(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "cluster.toml").write_text(text)
    with pytest.raises(UserError) as fault:
        read_cluster(tmp_path / "cluster.toml")
    assert said in str(fault.value)

"""A Slurm cluster for tests: Debian's programs, in a folder of its own, without systemd; "GPUs" are licences."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tests.ports import any_ports

CONFIG = """
ClusterName=sepbench
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/none
CredType=cred/none
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1
Licenses=fakegpu:2
ReturnToService=2
KillWait=20
MpiDefault=none
SwitchType=switch/none
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
SlurmctldParameters=idle_on_node_suspend
NodeName=node1 NodeHostname={host} NodeAddr=127.0.0.1 CPUs={processors} State=UNKNOWN
PartitionName=all Nodes=node1 Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:4
"""


class SlurmCluster:
    """A running cluster of one node."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "slurm.conf"
        self.daemons: dict[str, subprocess.Popen] = {}

    def start(self, daemon: str) -> None:
        """slurmctld or slurmd, as a child of this process."""
        words = {"slurmctld": ["-D", "-f", str(self.config)], "slurmd": ["-D", "-f", str(self.config), "-N", "node1"]}
        with (self.folder / f"{daemon}.txt").open("ab") as output:
            self.daemons[daemon] = subprocess.Popen(
                [f"/usr/sbin/{daemon}", *words[daemon]], stdout=output, stderr=output, start_new_session=True
            )

    def wait_until_up(self) -> None:
        """Until jobs can be sent."""
        until = time.monotonic() + 60
        while "idle" not in self.ask("sinfo", "--noheader", "--format=%T"):
            if time.monotonic() > until:
                pytest.fail(f"Slurm does not start: {(self.folder / 'slurmctld.log').read_text()[-2000:]}")
            time.sleep(0.2)

    def ask(self, *words: str) -> str:
        done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, "SLURM_CONF": str(self.config)})
        return done.stdout

    def stop(self) -> None:
        """End all jobs and both daemons."""
        if "slurmctld" in self.daemons:
            self.ask("scancel", "--user=root", "--quiet")
        family = [one for daemon in self.daemons.values() for one in _family(daemon.pid)]
        for process in family:
            with suppress(psutil.NoSuchProcess):  # it ended with its parent
                process.kill()
        psutil.wait_procs(family, timeout=20)
        for daemon in self.daemons.values():
            daemon.wait()


def _family(number: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(number)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


@contextmanager
def slurm() -> Iterator[SlurmCluster]:
    """A cluster that runs within the block; the test is skipped where Slurm is not installed, or nobody is root."""
    if not Path("/usr/sbin/slurmctld").exists() or not Path("/usr/sbin/slurmd").exists():
        pytest.skip("needs Slurm (apt-get install slurm-wlm)")
    if os.geteuid() != 0:
        pytest.skip("needs root, as slurmd does")
    folder = Path(tempfile.mkdtemp(prefix="sepbench-slurm-"))
    for name in ("state", "spool"):
        (folder / name).mkdir()
    cluster = SlurmCluster(folder)
    cluster.config.write_text(
        CONFIG.format(
            folder=folder, host=socket.gethostname(), ports=any_ports(2), user="root", processors=os.cpu_count()
        )
    )
    try:
        cluster.start("slurmctld")
        cluster.start("slurmd")
        cluster.wait_until_up()
        yield cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)

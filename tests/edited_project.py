"""A copy of the project with a small benchmark of one variant, made for real, whose code tests edit and run.

Each piece of work runs in a process of its own, forked from one that has the libraries already: the edited code is
imported anew, and torch is not.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from assets.paths import Paths
from tests.conftest import PROJECT
from tests.small_benchmark import OVERRIDES
from tests.stand_ins import copy_code

PROFILE = "musdb18-7s"
DATA = ("dataset", "tracks", "stems/train", "stems/valid", "stems/test", "statistics")
CHAIN = ("open_unmix/checkpoint", "open_unmix/estimates", "open_unmix/scores", "mixture/scores")

_PARENT = """
import json, os, sys, uuid
import dagster, matplotlib.figure, mlflow.pyfunc, mlflow.store.db.utils, museval, numpy, pandas  # noqa: F401
import mlflow.store.tracking.sqlalchemy_store, scipy.signal, scipy.stats, soundfile, torch, torch._dynamo, torchaudio
from pathlib import Path

def main(work, answers):
    sys.argv = ["execute", "--job", work["job"], "--command", (name := str(uuid.uuid4())),
                "--config", json.dumps(work["config"]), "--select", *work["select"]]
    sys.path.insert(0, os.getcwd())
    from pipelines.running import execute
    status = execute.main()
    from pipelines.running.reasons import failures
    answers.write(json.dumps({"status": status, "reasons": dict(failures(name))}))

for line in sys.stdin:
    work = json.loads(line)
    files = {path: Path(path).read_text() if Path(path).exists() else None for path, *_ in work["edits"]}
    for path, old, new in work["edits"]:
        before = Path(path).read_text() if Path(path).exists() else ""
        assert old in before, (path, old)
        Path(path).write_text(before.replace(old, new) if old else new)
    read, write = os.pipe()
    if not (child := os.fork()):
        os.dup2(2, 1)
        with os.fdopen(write, "w") as answers:
            main(work, answers)
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as answers:
        print(answers.read() or "null", flush=True)
    os.waitpid(child, 0)
    if not work["stays"]:
        for path, text in files.items():
            Path(path).write_text(text) if text is not None else Path(path).unlink()
"""


@dataclass(frozen=True)
class Work:
    """Edits (file, old text, new text; a whole new file where there is no old text), and a job run after them.

    stays: whether the edits are still there for what comes after.
    """

    edits: tuple[tuple[str, str, str], ...]
    select: tuple[str, ...]
    job: str = "accept"
    because: str = ""
    check: str = "always"
    stays: bool = False


@dataclass(frozen=True)
class Outcome:
    """The status of the job, and of each product that failed the reason."""

    status: int
    reasons: dict[str, str]


class EditedProject:
    """The copy; ``overrides`` are settings of the profile beside those of the small benchmark."""

    def __init__(self, folder: Path, dataset: Path, **overrides: str) -> None:
        self.root = copy_code(folder / "project")
        (self.root / "pyproject.toml").write_text((PROJECT / "pyproject.toml").read_text())
        self.paths = Paths(folder / "data", PROFILE)
        self.dataset = dataset
        self.overrides = overrides
        (outcome,) = self.do(Work((), (*DATA, *CHAIN, "results"), job="refresh"))
        assert outcome == Outcome(0, {})

    def do(self, *works: Work, **overrides: str) -> list[Outcome]:
        """Do each in turn."""
        lines = [json.dumps({**asdict(work), **self._run(work)}) for work in works]
        done = subprocess.run(
            [sys.executable, "-c", _PARENT],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONDONTWRITEBYTECODE": "1",  # two edits of a second may be of one size
                "SEPBENCH_PROFILE": PROFILE,
                "SEPBENCH_DATASET": str(self.dataset),
                "SEPBENCH_DATA": str(self.paths.data),
                "SEPBENCH_OVERRIDES": json.dumps({**OVERRIDES, **self.overrides, **overrides}),
            },
            input="\n".join(lines),
            capture_output=True,
            text=True,
            check=False,
        )
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(answers) == len(works), done.stderr
        assert None not in answers, done.stderr
        return [Outcome(**answer) for answer in answers]

    def _run(self, work: Work) -> dict[str, object]:
        why = {"because": work.because, "check": work.check}
        config = {"resources": {"acceptance": {"config": why}}} if work.job == "accept" else {}
        return {"select": [f"{PROFILE}/{name}" for name in work.select], "config": config}

    def files(self, names: Sequence[str]) -> dict[str, bytes]:
        """What is in the files below folders of the profile."""
        found = (file for name in names for file in sorted((self.paths.root / name).rglob("*")) if file.is_file())
        return {str(file.relative_to(self.paths.root)): file.read_bytes() for file in found}

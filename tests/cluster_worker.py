"""The worker of a cluster as a script: without Dagster, MLflow and databases, and with the parts that tests have.

It stands where ``cluster.toml`` has the words that start Python: ``python tests/cluster_worker.py -P -m MODULE ...``.
"""

import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

FORBIDDEN = ("dagster", "mlflow", "sqlalchemy", "alembic", "psycopg2", "pipelines")
MAKES: list[Path] = []  # of a part that came by object storage, where it lies here


def _refuse_in_place(event: str, given: tuple) -> None:
    """What a part makes may be sent at any moment, so a file is written beside its place."""
    if event != "open" or not isinstance(given[0], str) or not given[2] & (os.O_WRONLY | os.O_RDWR):
        return
    place = Path(given[0])
    is_made = any(place.is_relative_to(one) for one in MAKES)
    if is_made and not any(part.startswith(".tmp-") for part in place.parts):
        raise RuntimeError(f"A part writes {place} in its place.")


class _Refuses(MetaPathFinder):
    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name.partition(".")[0] in FORBIDDEN:
            raise ImportError(f"A worker imports {name}.")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.meta_path.insert(0, _Refuses())
    sys.addaudithook(_refuse_in_place)
    from sepmodels.cluster import worker, working_folder
    from sepmodels.cluster.part import Part
    from sepmodels.progress import Say

    class Watched(working_folder.WorkingFolder):
        def prepare(self, say: Say) -> Part:
            part = super().prepare(say)
            assert self.part
            MAKES.extend(map(self._here, self.part.files.makes))
            return part

    working_folder.SEND_SECONDS = 0.5
    worker.WorkingFolder = Watched
    worker.PACKAGES = (*worker.PACKAGES, "tests")
    assert sys.argv[1:4] == ["-P", "-m", "sepmodels.cluster.worker"]
    del sys.argv[1:4]
    sys.exit(worker.main())

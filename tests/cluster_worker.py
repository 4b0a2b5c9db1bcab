"""The worker of a cluster as a script: without Dagster, MLflow and databases, and with the parts that tests have.

It stands where ``cluster.toml`` has the words that start Python: ``python tests/cluster_worker.py -P -m MODULE ...``.
"""

import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

FORBIDDEN = ("dagster", "mlflow", "sqlalchemy", "alembic", "psycopg2", "pipelines")


class _Refuses(MetaPathFinder):
    def find_spec(self, name: str, _path: object = None, _target: object = None) -> None:
        if name.partition(".")[0] in FORBIDDEN:
            raise ImportError(f"A worker imports {name}.")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    sys.meta_path.insert(0, _Refuses())
    from sepmodels.cluster import worker

    worker.PACKAGES = (*worker.PACKAGES, "tests")
    assert sys.argv[1:4] == ["-P", "-m", "sepmodels.cluster.worker"]
    del sys.argv[1:4]
    sys.exit(worker.main())

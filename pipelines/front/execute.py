"""``python -m pipelines.front.execute``: the front page's server, as ``sepbench ui`` starts it."""

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from pipelines.front.app import front_app
from pipelines.options import use_options
from pipelines.serve.app import MAX_MINUTES, page_app
from pipelines.serve.work import PageWork


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser()
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--dagster", required=True, help="address of Dagster's server, without its prefix")
    parser.add_argument("--mlflow", required=True, help="the same of MLflow's")
    asked = parser.parse_args()
    profile, paths = use_options()
    with TemporaryDirectory(prefix="sepbench-serve-") as folder:
        work = PageWork(profile, paths, Path(folder), 60 * MAX_MINUTES)
        songs = page_app(work, hosts=["*"])  # the front page has asked
        app = front_app(profile, paths, host=asked.host, dagster=asked.dagster, mlflow=asked.mlflow, songs=songs)
        try:
            uvicorn.run(app, host=asked.host, port=asked.port, log_level="warning", timeout_graceful_shutdown=2)
        finally:
            work.close()


if __name__ == "__main__":
    main()

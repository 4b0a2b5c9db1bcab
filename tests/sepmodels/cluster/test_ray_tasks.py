"""A task of Ray's, without Ray; tests/whole/test_cluster.py has whole clusters."""

import sys
from pathlib import Path

from sepmodels.cluster.ray_tasks import _task


def test_what_a_worker_prints_is_beside_its_parts_folder(tmp_path: Path) -> None:
    output = tmp_path / "ray-1.txt"
    words = "import os, sys; print(os.environ['GIVEN']); print('a fault', file=sys.stderr); sys.exit(3)"
    assert _task()([sys.executable, "-c", words], {"GIVEN": "this was given"}, str(output), 1.0) == 3
    assert set(output.read_text().splitlines()) == {"this was given", "a fault"}

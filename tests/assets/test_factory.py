"""What stands before a step: room on the disk."""

from collections import namedtuple
from pathlib import Path

import pytest

from assets.factory import _make_with_room
from assets.job import Job
from assets.paths import Paths
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.errors import UserError
from sepmodels.systems.variants import VARIANTS

Usage = namedtuple("Usage", "total used free")


def test_a_training_is_not_begun_where_its_files_have_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sepmodels.machine.disk_room.shutil.disk_usage", lambda place: Usage(10**9, 10**9, 399_000_000))

    def train(_: Job) -> None:
        raise AssertionError("began")

    step = Step(("open_unmix", "checkpoint"), train, group="models", description="")
    job = Job(PROFILES["demo"], Paths(tmp_path, "demo"), VARIANTS["open_unmix"])
    with pytest.raises(
        UserError, match=r"has 399 MB free, and a training takes about 400 MB there: make room, or name"
    ):
        _make_with_room(step)(job)

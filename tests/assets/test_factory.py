"""What stands before a step, and what Dagster shows of whose it is."""

from collections import namedtuple
from pathlib import Path

import dagster as dg
import pytest

from assets.factory import _make_with_room, _owners
from assets.job import Job
from assets.paths import Paths
from assets.step import Step
from pipelines.profiles import PROFILES
from sepmodels.errors import UserError
from sepmodels.systems.program import Program
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


@pytest.mark.parametrize(
    ("owner", "shown"),
    [("", []), ("me@example.org", ["me@example.org"]), ("Audio group", ["team:Audio group"]), ("team:us", ["team:us"])],
)
def test_a_row_has_the_owner_that_was_given_as_dagster_takes_it(owner: str, shown: list[str]) -> None:
    row = Program(name="prog", title="", summary="", command="prog", vocals="v.wav", owner=owner)
    assert _owners(row) == shown
    dg.AssetSpec("row", owners=shown)  # which refuses what it does not take


def test_what_ships_with_the_project_has_no_owner() -> None:
    assert _owners(VARIANTS["open_unmix"]) == _owners(None) == []

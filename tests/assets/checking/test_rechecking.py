"""A refresh checks again only what changed, and forgets no finding."""

import dagster as dg
import pytest

from assets.checking import checks, verdicts
from assets.checking.rechecking import rechecked
from assets.staleness.code import version
from assets.staleness.standing import REFRESH_TAGS

KEY = dg.AssetCheckKey(dg.AssetKey(["demo", "tracks"]), "are_loud")


class Checked:
    """An asset and its check, in an instance of their own; what they give can be changed between runs."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance = instance
        self.data, self.code, self.passes, self.looks = "some", "a digest", True, 0

    def run(self, tags=REFRESH_TAGS) -> dg.AssetCheckEvaluation:
        @dg.asset(key=KEY.asset_key, check_specs=[dg.AssetCheckSpec(KEY.name, asset=KEY.asset_key)])
        def tracks(context: dg.AssetExecutionContext):
            yield dg.MaterializeResult(data_version=dg.DataVersion(self.data))
            yield rechecked(KEY, self.code, context, self.look)

        (found,) = dg.materialize(
            [tracks],
            instance=self.instance,
            tags=tags,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
        ).get_asset_check_evaluations()
        return found

    def look(self) -> dg.AssetCheckResult:
        self.looks += 1
        severity = dg.AssetCheckSeverity.WARN
        return dg.AssetCheckResult(
            passed=self.passes, severity=severity, description=f"look {self.looks}", metadata={"tracks": 3}
        )


@pytest.fixture
def checked():
    with dg.DagsterInstance.ephemeral() as instance:
        yield Checked(instance)


def test_what_was_found_of_the_same_data_by_the_same_code_is_kept_as_it_was(checked):
    checked.passes = False
    first, second, third = (checked.run() for _ in range(3))
    assert checked.looks == 1
    assert not third.passed
    for again in (second, third):
        assert (again.passed, again.severity, again.description, again.metadata) == (
            first.passed,
            first.severity,
            first.description,
            first.metadata,
        )


@pytest.mark.parametrize("changed", ["data", "code"])
def test_other_data_or_another_check_is_looked_at_again(checked, changed):
    checked.run()
    setattr(checked, changed, "another")
    assert checked.run().description == "look 2"


def test_another_version_of_a_library_that_the_product_rests_on_is_another_check(monkeypatch):
    def code() -> str:
        return checks._code.__wrapped__(verdicts.one_track_scores_as_by_museval, ("museval", "numpy"))

    before = code()
    assert code() == before
    monkeypatch.setattr(version, "_library_version", lambda _name: "99.0")
    assert code() != before


def test_a_run_that_is_no_refresh_checks_everything_again(checked):
    checked.run()
    assert checked.run(tags={}).description == "look 2"

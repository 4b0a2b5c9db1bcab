"""What was accepted stands as today's until it is made again, and is told wherever the results are shown."""

import json

import dagster as dg
import pytest

import assets.accepting.accept
import assets.factory
from assets.accepting.accept import PartCheck
from assets.staleness.acceptance import ACCEPT_TAGS
from assets.staleness.standing import REFRESH_TAGS
from pipelines.graph.jobs import accept_config
from sepmodels.errors import UserError
from sepmodels.systems.variants import VARIANTS
from tests.stand_ins import Benchmark, check_stale, copy_code, matching, with_setting

LOSS = ("sepmodels/training/losses.py", "magnitude_mse")


@pytest.fixture
def runnable(tmp_path, monkeypatch):
    """Two variants, all fresh, in an instance of its own; git knows who works here."""
    monkeypatch.setattr(assets.accepting.accept, "person", lambda: "A. Person")
    with dg.DagsterInstance.ephemeral() as instance:
        benchmark = Benchmark(copy_code(tmp_path / "project"), instance, monkeypatch)
        benchmark.variants = {name: VARIANTS[name] for name in ("open_unmix", "transformer")}
        benchmark.run()
        yield benchmark


@pytest.fixture(autouse=True)
def check(monkeypatch):
    """Stands in for the check of every product: it finds no difference, and takes no time."""
    check = {"seconds": 0.0, "make": lambda: "20 steps"}
    monkeypatch.setattr(assets.factory, "_check", lambda *_: PartCheck(**check))
    return check


def accept(benchmark: Benchmark, *names: str, because: str = "renamed a loss", how: str = "auto") -> dict[str, str]:
    """Accept those products; gives the reasons of those that were not."""
    return benchmark.attempt(
        names or ("open_unmix/checkpoint", "transformer/checkpoint"),
        tags={**REFRESH_TAGS, **ACCEPT_TAGS},
        config=accept_config(because, how),
    )


def test_what_was_accepted_is_fresh_with_the_same_data_and_nothing_is_made(runnable):
    runnable.edit(*LOSS)
    before = runnable.last("open_unmix/checkpoint")
    assert accept(runnable) == {}
    assert runnable.made == []
    check_stale(runnable, "results", "report")  # which tell of it, once they are made
    after = runnable.last("open_unmix/checkpoint")
    assert (after.data_version, after.inputs, after.made_by) == (before.data_version, before.inputs, before.made_by)
    (acceptance,) = after.acceptances
    assert (acceptance.because, acceptance.by) == ("renamed a loss", "A. Person")
    assert acceptance.changes == ("sepmodels/training/losses.py changed (function `magnitude_mse`)",)
    assert acceptance.evidence == "Equal over 20 steps; did not run: `magnitude_mse`."
    assert "accepted by A. Person on 20" in after.metadata["accepted"].value


def test_the_table_and_the_report_are_made_to_tell_of_it_and_again_when_it_has_really_been_made(runnable):
    runnable.edit(*LOSS)
    accept(runnable)
    reasons = check_stale(runnable, "results", "report")
    assert reasons["results"][0].startswith("open_unmix/checkpoint was accepted by A. Person on ")
    assert reasons["results"][0].endswith(": renamed a loss. Equal over 20 steps; did not run: `magnitude_mse`.")
    assert runnable.run() == {"results", "report"}
    assert runnable.run() == set()
    assert runnable.last("open_unmix/checkpoint").acceptances  # it was carried over
    runnable.edit(*LOSS)
    assert runnable.run() == {"open_unmix/checkpoint", "transformer/checkpoint", "results", "report"}
    assert not runnable.last("open_unmix/checkpoint").acceptances
    assert "open_unmix/checkpoint was made again after it had been accepted" in runnable.reasons("results")
    assert runnable.run() == set()


def test_of_a_product_that_was_accepted_what_other_code_made_is_kept_and_a_part_that_is_kept_keeps_the_note(
    runnable,
):
    runnable.edit(*LOSS)
    accept(runnable)
    runnable.profile = with_setting(runnable.profile, "seeds", (42, 43))
    runnable.keeps_accepted = True
    runnable.run()
    (acceptance,) = runnable.last("open_unmix/checkpoint").acceptances
    assert runnable.accepted_versions["open_unmix/checkpoint"] == (acceptance.before,)
    runnable.keeps_accepted = False
    runnable.profile = with_setting(runnable.profile, "seeds", (42, 43, 44))
    runnable.run()
    assert not runnable.last("open_unmix/checkpoint").acceptances


def test_an_acceptance_holds_for_the_code_that_was_accepted_and_for_no_later_edit(runnable):
    runnable.edit(*LOSS)
    accept(runnable)
    runnable.edit(*LOSS)
    runnable.run()
    assert runnable.accepted_versions["open_unmix/checkpoint"] == ()


def test_a_check_that_finds_a_difference_refuses_whatever_is_said(runnable, check):
    def differ():
        raise UserError("the loss of step 3 was 0.5 and is 0.25.")

    check["make"] = differ
    runnable.edit(*LOSS)
    for because in ("", "it is the same"):
        refused = accept(runnable, "open_unmix/checkpoint", because=because)
        said = "open_unmix/checkpoint is not accepted: the loss of step 3 was 0.5 and is 0.25."
        assert refused == {"open_unmix/checkpoint": said}
    check_stale(runnable, "*/checkpoint")


@pytest.mark.parametrize("seconds", [None, 61.0])
def test_without_a_check_that_takes_less_than_a_minute_a_reason_is_needed_and_the_note_says_not_checked(
    runnable, check, seconds
):
    check["seconds"] = seconds
    runnable.edit(*LOSS)
    assert "say --check" in accept(runnable, "open_unmix/checkpoint", because=" ")["open_unmix/checkpoint"]
    assert accept(runnable, "open_unmix/checkpoint") == {}
    assert runnable.last("open_unmix/checkpoint").acceptances[0].evidence == "Not checked."
    assert accept(runnable, "transformer/checkpoint", because="", how="always") == {}
    assert runnable.last("transformer/checkpoint").acceptances[0].because == "the check found no difference"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (
            lambda benchmark: with_setting(benchmark.profile, "training.steps", 7),
            "training setting steps changed from 200 to 7",
        ),
        (lambda benchmark: with_setting(benchmark.profile, "name", "other"), "it has never been made"),
    ],
    ids=["a setting", "never made"],
)
def test_what_no_code_decides_is_never_accepted(runnable, harm, told):
    runnable.profile = harm(runnable)
    assert told in accept(runnable, "open_unmix/checkpoint")["open_unmix/checkpoint"]


def test_new_data_is_never_accepted(runnable):
    runnable.edit("sepmodels/dataset/bin_statistics.py", "bin_statistics")
    runnable.contents = {"statistics": "others"}
    runnable.run(selection=["statistics"])
    refused = accept(runnable, "open_unmix/checkpoint")
    assert "cannot be accepted: statistics has new data." in refused["open_unmix/checkpoint"]


def test_another_version_of_a_library_is_accepted_after_a_check_alone(runnable, monkeypatch):
    monkeypatch.setattr("assets.staleness.code.version._library_version", lambda name: f"another {name}")
    refused = accept(runnable, "open_unmix/checkpoint", how="never")
    assert "cannot be accepted without a check: library " in refused["open_unmix/checkpoint"]
    assert accept(runnable, "open_unmix/checkpoint", how="always") == {}
    assert runnable.states()["open_unmix/checkpoint"] == "waiting"  # for the statistics, which numpy decides too


def test_what_is_fresh_is_carried_over_by_a_run_that_accepts(runnable):
    runnable.edit(*LOSS)
    everything = matching(runnable.subjects(), "*") - {"results", "report"}
    assert accept(runnable, *everything) == {}
    assert json.dumps(runnable.states()).count("stale") == 2  # the table and the report

"""A refresh makes what is stale and what follows from it, and nothing else."""

import re
import shutil
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

import assets.factory
from assets.staleness.durations import seconds_to_make
from assets.staleness.last_made import SECONDS
from assets.staleness.products import alone
from assets.staleness.standing import ANEW_TAGS, CARRIED, NOT_MADE_AGAIN, PARTS, REASONS, REFRESH_TAGS, asset_name
from pipelines.graph.refresh_sensor import refresh_sensor
from sepmodels.systems.variants import VARIANTS
from tests.stand_ins import Benchmark, check_stale, copy_code, matching, with_setting


@pytest.fixture
def runnable(tmp_path, monkeypatch):
    """Two variants, all fresh, in an instance of its own."""
    with dg.DagsterInstance.ephemeral() as instance:
        benchmark = Benchmark(copy_code(tmp_path / "project"), instance, monkeypatch)
        benchmark.variants = {name: VARIANTS[name] for name in ("open_unmix", "transformer")}
        benchmark.run()
        yield benchmark


def test_nothing_is_made_where_all_is_fresh_and_what_was_known_is_kept(runnable):
    before = runnable.metadata("transformer/checkpoint")
    assert runnable.run() == set()
    assert set(runnable.states().values()) == {"fresh"}
    after = runnable.metadata("transformer/checkpoint")
    assert after.keys() - {CARRIED} == before.keys()
    assert after[PARTS] == before[PARTS]
    assert after[REASONS].value == f"{NOT_MADE_AGAIN}\n\n{before[REASONS].value}"
    runnable.run()
    assert runnable.metadata("transformer/checkpoint") == after  # it names the run that really made it


def test_what_is_carried_over_adds_no_point_to_dagsters_plots_over_time(runnable):
    numbers = (dg.IntMetadataValue, dg.FloatMetadataValue)
    before = runnable.metadata("transformer/checkpoint")
    assert isinstance(before[SECONDS], numbers)
    runnable.run()
    after = runnable.metadata("transformer/checkpoint")
    assert not [name for name, value in after.items() if isinstance(value, numbers)]
    assert float(after[SECONDS].value) == before[SECONDS].value


def test_a_refresh_makes_one_edited_variant_its_scores_and_the_table_and_no_other_variant(runnable):
    runnable.edit("sepmodels/models/architectures/transformer.py", "Model.sequence")
    runnable.contents = {f"transformer/{part}": "other" for part in ("checkpoint", "estimates", "scores")}
    assert runnable.run() == {
        "transformer/checkpoint",
        "transformer/estimates",
        "transformer/scores",
        "results",
        "claims",
        "report",
    }
    assert set(runnable.states().values()) == {"fresh"}
    reason = "sepmodels/models/architectures/transformer.py changed (function `sequence` of `Model`)"
    assert reason in runnable.metadata("transformer/checkpoint")[REASONS].value
    assert "transformer/scores has new data" in runnable.metadata("results")[REASONS].value


def test_a_refresh_stops_where_what_was_made_again_is_the_same(runnable):
    runnable.edit("sepmodels/dataset/tracks.py", "describe_tracks")
    assert runnable.run() == {"tracks"}
    assert set(runnable.states().values()) == {"fresh"}


def test_a_replaced_test_track_is_separated_and_scored_again_and_trains_nothing(runnable):
    runnable.edit("sepmodels/dataset/layouts.py", "find_tracks")
    runnable.contents = dict.fromkeys(("dataset", "tracks", "stems/test"), "with another track")
    below = ["dataset", "tracks", "stems/*", "*/estimates", "*/scores", "results", "report"]
    assert runnable.run() == matching(runnable.subjects(), *below)


def test_an_edit_of_a_module_that_is_only_imported_inside_a_function_is_seen(runnable):
    helper = runnable.root / "sepmodels/novel.py"
    helper.write_text("def fade():\n    return 1\n")
    first = "        from sepmodels.separation.separate import separate\n"
    lazy = "        from sepmodels import novel\n\n        novel.fade()\n"
    runnable.rewrite("assets/making/estimates.py", lambda source: source.replace(first, first + lazy, 1))
    assert runnable.run() == matching(runnable.subjects(), "*/estimates")
    helper.write_text("def fade():\n    return 2\n")
    reasons = check_stale(runnable, "*/estimates")
    assert reasons["transformer/estimates"] == ("sepmodels/novel.py changed (function `fade`)",)


def test_a_run_that_is_no_refresh_makes_everything(runnable):
    assert runnable.run(tags={}) == matching(runnable.subjects(), "*")
    assert runnable.metadata("results")[REASONS].value == "- it was asked for"


def test_what_was_made_before_is_kept_unless_a_product_is_made_only_because_it_was_asked_for(runnable):
    runnable.edit("sepmodels/training/losses.py", "magnitude_mse")
    everything = matching(runnable.subjects(), "*")
    assert runnable.run(tags={}) == everything
    assert runnable.made_anew == everything - {"open_unmix/checkpoint", "transformer/checkpoint"}


def test_a_run_that_asks_for_all_anew_keeps_nothing_not_even_of_what_was_broken_off(runnable):
    runnable.edit("sepmodels/training/losses.py", "magnitude_mse")
    assert runnable.run(tags=ANEW_TAGS) == runnable.made_anew == matching(runnable.subjects(), "*")


def test_each_product_keeps_how_long_it_took_and_of_parts_that_may_be_kept_all_of_them_count(runnable):
    keys = [subject.key for subject in runnable.subjects()]
    seconds = seconds_to_make(keys, runnable.instance)
    assert seconds.keys() == set(keys)
    runnable.profile = with_setting(runnable.profile, "seeds", (1, 2, 3))
    runnable.figures = {"seconds": 3600.0}  # of each training, and of a separation in all
    runnable.run()
    after = {asset_name(key): found for key, found in seconds_to_make(keys, runnable.instance).items()}
    assert after["transformer/checkpoint"] == 3 * 3600
    assert after["transformer/estimates"] == 3600
    assert after["tracks"] == seconds[dg.AssetKey(["demo", "tracks"])]  # which was carried over


def test_what_a_step_says_of_itself_is_not_overwritten_by_what_is_noted_of_its_files(runnable):
    runnable.edit("sepmodels/dataset/tracks.py", "describe_tracks")
    runnable.figures = {"files": "Files are: 3 vocals."}
    assert "tracks" in runnable.run()
    assert runnable.metadata("tracks")["files"].value == "Files are: 3 vocals."


def test_each_product_keeps_the_parts_of_its_code_version(runnable):
    parts = runnable.metadata("open_unmix/checkpoint")[PARTS].value
    assert "sepmodels/training/losses.py::magnitude_mse" in parts
    assert "sepmodels/training/losses.py::dual" not in parts


def test_a_product_whose_making_was_broken_off_is_made_again_even_if_the_edit_is_taken_back(runnable, monkeypatch):
    model = runnable.root / "sepmodels/models/architectures/transformer.py"
    before = model.read_text()
    runnable.edit("sepmodels/models/architectures/transformer.py", "Model.sequence")
    with monkeypatch.context() as patch:
        patch.setattr(assets.factory, "_make", lambda *_: {}["killed"])
        with pytest.raises(KeyError, match="killed"):
            runnable.run()
    model.write_text(before)
    reasons = check_stale(runnable, "transformer/checkpoint")
    assert reasons["transformer/checkpoint"] == ("a run began to make it again and has not ended that",)
    assert runnable.run() == {"transformer/checkpoint"}
    check_stale(runnable)
    runnable.run()  # carried over by another run than the one that made it
    check_stale(runnable)


@pytest.mark.parametrize(
    ("asset", "product"),
    [("mixture/scores", lambda paths: paths.scores("mixture")), ("dataset", lambda paths: paths.dataset)],
    ids=["scores", "the demo's songs"],
)
def test_a_product_whose_file_is_gone_is_made_again(runnable, asset, product):
    gone = product(runnable.paths)
    shutil.rmtree(gone)
    reasons = check_stale(runnable, asset)
    assert reasons[asset] == (f"{gone} is not there",)
    assert runnable.run() == {asset}
    check_stale(runnable)


@pytest.mark.parametrize("harm", [Path.unlink, lambda file: file.write_text("m")], ids=["gone", "cut short"])
@pytest.mark.parametrize(
    ("asset", "product"),
    [
        ("stems/test", lambda paths: paths.stems("test")),
        ("transformer/estimates", lambda paths: paths.estimates("transformer", 42)),
    ],
    ids=["stems", "estimates"],
)
def test_a_product_is_made_again_where_one_of_its_files_is_not_as_it_was_made(runnable, asset, product, harm):
    file = product(runnable.paths) / "part.npy"
    harm(file)
    reasons = check_stale(runnable, asset)
    assert reasons[asset] == (f"{file} is gone or of another size",)
    assert runnable.run() == {asset}
    check_stale(runnable)


def test_no_other_run_can_make_a_product_meanwhile(runnable, monkeypatch):
    make, tried = assets.factory._make, []

    def make_and_try(step, *others):
        with pytest.raises(Waited), alone(runnable.paths.begun(step.path), "another", wait):
            pass
        tried.append("/".join(step.path))
        return make(step, *others)

    def wait(_sentence):
        raise Waited

    monkeypatch.setattr(assets.factory, "_make", make_and_try)
    assert runnable.run(tags={}) == set(tried)
    with alone(runnable.paths.begun(("tracks",)), "another", wait):
        pass  # nobody makes it now


class Waited(Exception):
    """Instead of waiting."""


def test_after_the_wait_for_another_run_what_that_one_made_is_carried_over(runnable, monkeypatch):
    runnable.edit("sepmodels/dataset/tracks.py", "describe_tracks")
    first = [True]

    @contextmanager
    def waited(note, _run, _say):
        if note.name == "tracks" and first:
            first.clear()
            assert runnable.run() == {"tracks"}  # the other run, to its end
        yield

    monkeypatch.setattr(assets.factory, "alone", waited)
    runnable.run()
    assert runnable.made == ["tracks"]  # by the other, once


def test_code_edited_after_a_run_has_begun_is_not_taken_for_what_made_the_product(runnable, monkeypatch):
    def edit_then_make(*_):
        runnable.edit("sepmodels/scoring/track.py", "score_track")
        return dg.MaterializeResult(data_version=dg.DataVersion("made meanwhile"))

    runnable.edit("sepmodels/dataset/stem_cache.py", "build_cache")
    monkeypatch.setattr(assets.factory, "_make", edit_then_make)
    with pytest.raises(dg.Failure, match=r"track\.py changed .* after this run had begun"):
        runnable.run()
    assert runnable.states()["open_unmix/scores"] == "stale"


def test_of_much_that_was_edited_meanwhile_three_things_are_named(runnable, monkeypatch):
    def edit_then_make(*_):
        for path in (runnable.root / "sepmodels").rglob("*.py"):
            path.write_text(re.sub("return (?!lambda)", "return None or ", path.read_text()))
        return dg.MaterializeResult(data_version=dg.DataVersion("made meanwhile"))

    runnable.edit("sepmodels/dataset/demo/__init__.py", "make_demo")
    monkeypatch.setattr(assets.factory, "_make", edit_then_make)
    with pytest.raises(dg.Failure) as raised:
        runnable.run()
    said = raised.value.description
    assert said.count(" changed (") == said.count("function") == 3
    assert re.search(r" and \d+ more, after this run had begun\. Start a new run\.$", said)


# The sensor


def test_the_sensor_starts_one_refresh_for_an_edit_once_it_is_left_alone(runnable):
    look = refresh_sensor(lambda: runnable.profile, runnable.paths, runnable.systems)

    def tick(cursor):
        return look(dg.build_sensor_context(runnable.instance, cursor))

    assert tick(None).skip_reason.skip_message == "Everything is up to date."
    runnable.edit("sepmodels/dataset/tracks.py", "describe_tracks")
    seen = tick(None)
    assert not seen.run_requests
    (request,) = tick(seen.cursor).run_requests
    assert REFRESH_TAGS.items() <= request.tags.items()
    assert tick(seen.cursor).run_requests[0].run_key == request.run_key  # which Dagster runs once
    assert runnable.run(tags=request.tags) == {"tracks"}
    assert tick(seen.cursor).skip_reason.skip_message == "Everything is up to date."


def test_the_sensor_refreshes_again_when_an_edit_that_was_taken_back_is_made_again(runnable):
    look = refresh_sensor(lambda: runnable.profile, runnable.paths, runnable.systems)
    file = runnable.root / "sepmodels/dataset/tracks.py"
    sources = [file.read_text()]
    runnable.edit("sepmodels/dataset/tracks.py", "describe_tracks")
    sources.append(file.read_text())
    keys = []
    for source in (sources[1], sources[0], sources[1]):
        file.write_text(source)
        seen = look(dg.build_sensor_context(runnable.instance))
        (request,) = look(dg.build_sensor_context(runnable.instance, seen.cursor)).run_requests
        keys.append(request.run_key)  # of those that are the same Dagster runs one
        assert runnable.run(tags=request.tags) == {"tracks"}
    assert len(set(keys)) == 3


def test_the_sensor_sees_a_change_of_settings_without_a_reload(runnable):
    look = refresh_sensor(lambda: runnable.profile, runnable.paths, runnable.systems)
    assert look(dg.build_sensor_context(runnable.instance)).skip_reason.skip_message == "Everything is up to date."
    runnable.profile = with_setting(runnable.profile, "training.steps", 20)
    cursor = look(dg.build_sensor_context(runnable.instance)).cursor
    assert look(dg.build_sensor_context(runnable.instance, cursor)).run_requests
    assert runnable.run() >= {"open_unmix/checkpoint", "transformer/checkpoint"}
    assert look(dg.build_sensor_context(runnable.instance)).skip_reason.skip_message == "Everything is up to date."


def test_the_sensor_asks_for_a_reload_where_settings_ask_for_other_variants(runnable):
    look = refresh_sensor(lambda: runnable.profile, runnable.paths, runnable.systems)
    runnable.profile = with_setting(runnable.profile, "extra_variants", ("time_domain_22khz",))
    said = look(dg.build_sensor_context(runnable.instance)).skip_reason.skip_message
    assert said.endswith('press "Reload definitions" (time_domain_22khz).')


def test_the_sensor_waits_while_a_file_is_half_written(runnable):
    look = refresh_sensor(lambda: runnable.profile, runnable.paths, runnable.systems)
    runnable.rewrite("sepmodels/dataset/tracks.py", lambda source: source + "\ndef half(")
    said = look(dg.build_sensor_context(runnable.instance)).skip_reason.skip_message
    assert said.startswith("sepmodels/dataset/tracks.py, line ")

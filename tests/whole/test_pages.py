"""The pages, in a real browser: make, terminate, edit, refresh and compare, from Dagster's and MLflow's.

The tests follow one another, as a person's clicks do, on one copy of the project with two variants.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest

from assets.paths import Paths
from assets.tracking.store import open_store
from tests.browser import PATIENCE_MS, chromium
from tests.conftest import PROJECT, words_of
from tests.small_benchmark import OVERRIDES
from tests.stand_ins import copy_code

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECOND = 1000  # Playwright counts milliseconds
PROFILE = "musdb18-7s"
VARIANTS = ("open_unmix", "transformer")
LOCATION = "pipelines.graph.definitions"
STATES = "{ assetNodes { assetKey { path } staleStatus assetMaterializations(limit: 1) { runId } } }"
RUNS = "{ runsOrError(limit: 1) { ... on Runs { results { runId status } } } }"


class Pages:
    """``sepbench ui`` as a person starts it, on a small dataset, in a copy of the project with two variants."""

    def __init__(self, dataset: Path, folder: Path) -> None:
        self.project = copy_code(folder / "project")
        for name in ("pyproject.toml", "workspace.yaml"):
            shutil.copy(PROJECT / name, self.project)
        self.edit(
            "sepmodels/systems/variants.py", "by_name(_ALL)", f"by_name(one for one in _ALL if one.name in {VARIANTS})"
        )
        self.edit("pipelines/profiles.py", "extra_variants=_FOR_CLAIMS,", "")
        self.data = folder / "data"
        self.data.mkdir()
        self.output = self.data / "ui.txt"
        words = ["ui", "--no-browser", "--profile", PROFILE, "--dataset", str(dataset), "--data", str(self.data)]
        ports = ["--port", "3300"]
        settings = json.dumps({**OVERRIDES, "training.steps": "100"})
        with self.output.open("wb") as stream:
            self.process = subprocess.Popen(
                [sys.executable, "-c", "from pipelines.cli import main; main()", *words, *ports],
                cwd=self.project,
                env={
                    **os.environ,
                    "PYTHONPATH": str(self.project),
                    "SEPBENCH_OVERRIDES": settings,
                    "COLUMNS": "200",
                    "PYTHONUNBUFFERED": "1",
                },
                stdout=stream,
                stderr=stream,
                start_new_session=True,
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
            )
        while "Ctrl-C ends them" not in self.output.read_text():
            assert self.process.poll() is None, self.output.read_text()
            time.sleep(0.2)
        self.printed = dict(re.findall(r"(Pages|Dagster|MLflow)\s+(http://\S+)", self.output.read_text()))
        self.dagster, self.mlflow = self.printed["Dagster"], self.printed["MLflow"].partition("/#")[0]

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.project / path
        before = file.read_text()
        file.write_text(before.replace(old, new))
        assert file.read_text() != before


@pytest.fixture(scope="module")
def pages(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    pages = Pages(stem_dataset, tmp_path_factory.mktemp("pages"))
    try:
        yield pages
    finally:
        if pages.process.poll() is None:
            pages.process.send_signal(signal.SIGINT)
        pages.process.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(120 * SECOND)
        yield page


def ask(pages: Pages, browser, query: str) -> dict:
    answer = browser.request.post(f"{pages.dagster}/graphql", data={"query": query}, timeout=120 * SECOND).json()
    assert "errors" not in answer, answer
    return answer["data"]


def newest_run(pages: Pages, browser) -> dict[str, str]:
    return ask(pages, browser, RUNS)["runsOrError"]["results"][0]


def wait_for_end(pages: Pages, browser) -> str:
    """The status of the newest run, once it has ended; meanwhile the browser shows nothing, which costs nothing."""
    browser.goto("about:blank")
    while (status := newest_run(pages, browser)["status"]) not in ("SUCCESS", "FAILURE", "CANCELED"):
        time.sleep(0.5)
    return status


def materialize_all(pages: Pages, browser, address: str) -> None:
    browser.goto(f"{pages.dagster}/{address}", wait_until="domcontentloaded")
    browser.get_by_role("button", name="Materialize all").first.click()
    browser.get_by_text("Launched run").first.wait_for()


def refresh_on_the_front_page(pages: Pages, browser) -> None:
    browser.goto(pages.printed["Pages"], wait_until="domcontentloaded")
    browser.get_by_role("heading", name="transformer").wait_for()
    browser.get_by_role("button", name="Refresh").click()
    browser.get_by_text("The run has begun").wait_for()


def reload_definitions(pages: Pages, browser) -> None:
    browser.goto(f"{pages.dagster}/asset-groups", wait_until="domcontentloaded")
    browser.get_by_role("button", name="Reload definitions").click()
    browser.get_by_text("Definitions reloaded").first.wait_for()


def not_fresh(pages: Pages, browser) -> set[str]:
    nodes = ask(pages, browser, STATES)["assetNodes"]
    assert len(nodes) == 6 + 3 * len(VARIANTS) + 3 + 3
    return {"/".join(node["assetKey"]["path"][1:]) for node in nodes if node["staleStatus"] != "FRESH"}


def expect_marks(pages: Pages, browser, group: str, count: int) -> None:
    """So many assets of a group are marked as unsynced in the graph."""
    from playwright.sync_api import expect

    browser.goto(f"{pages.dagster}/locations/{LOCATION}/asset-groups/{group}/lineage", wait_until="domcontentloaded")
    browser.get_by_text("Materialized", exact=True).nth(2).wait_for()  # all three have loaded their state
    browser.wait_for_timeout(SECOND)  # marks that must not be there would come now
    expect(browser.get_by_text(re.compile(r"^Unsynced"))).to_have_count(count, timeout=120 * SECOND)


def mlflow_statuses(pages: Pages, name: str) -> list[str]:
    """Of the runs of an asset, the newest first."""
    client = open_store(pages.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{PROFILE}").experiment_id
    return [
        run.info.status for run in client.search_runs([experiment], f"tags.`dagster.asset_key` = '{PROFILE}/{name}'")
    ]


def show_compared(pages: Pages, browser, part: str) -> None:
    """Open MLflow's page on the newest runs of that part of both variants."""
    client = open_store(pages.data / "mlflow")
    experiment = client.get_experiment_by_name(f"sepbench/{PROFILE}").experiment_id
    assets = [f"tags.`dagster.asset_key` = '{PROFILE}/{variant}/{part}'" for variant in VARIANTS]
    runs = [client.search_runs([experiment], asset)[0].info.run_id for asset in assets]
    query = f"runs={quote(json.dumps(runs))}&experiments={quote(json.dumps([experiment]))}"
    browser.goto("about:blank")  # another address of the page that is open would not load it anew
    browser.goto(f"{pages.mlflow}/#/compare-runs?{query}&workflowType=machine_learning", wait_until="domcontentloaded")


def test_terminate_in_the_middle_of_a_training_ends_its_process_its_run_in_mlflow_and_its_slot(
    pages: Pages, browser
) -> None:
    materialize_all(pages, browser, "asset-groups")
    browser.goto(f"{pages.dagster}/runs/{newest_run(pages, browser)['runId']}", wait_until="domcontentloaded")
    browser.get_by_role("button", name="Terminate").first.wait_for()  # before the training, which goes on meanwhile
    begun = Paths(pages.data, PROFILE).begun(("open_unmix", "checkpoint"))
    while not begun.exists():
        assert newest_run(pages, browser)["status"] in ("QUEUED", "STARTING", "STARTED")
        time.sleep(0.1)
    browser.get_by_role("button", name="Terminate").first.click()
    browser.get_by_role("dialog").get_by_role("button", name="Terminate 1 run").click()
    browser.get_by_text("Canceling").or_(browser.get_by_text("Canceled")).first.wait_for()
    run_id = newest_run(pages, browser)["runId"]
    assert wait_for_end(pages, browser) == "CANCELED"
    browser.goto(f"{pages.dagster}/runs/{run_id}", wait_until="domcontentloaded")
    browser.get_by_text("The run was stopped: what is made is kept.").first.wait_for()
    browser.get_by_text("goes on from there.").first.wait_for()
    assert browser.get_by_text("Stack Trace").count() == 0
    family = psutil.Process(pages.process.pid).children(recursive=True)
    _, left = psutil.wait_procs([one for one in family if "forkserver" in str(words_of(one))], timeout=120)
    assert left == []
    # On a busy machine Dagster may kill the process before it has ended its run; then the next run does, as seen below.
    assert set(mlflow_statuses(pages, "open_unmix/checkpoint")) <= {"KILLED", "RUNNING"}


def test_materialize_all_after_it_goes_on_and_makes_everything_green(pages: Pages, browser) -> None:
    materialize_all(pages, browser, "asset-groups")
    assert wait_for_end(pages, browser) == "SUCCESS"
    assert not_fresh(pages, browser) == set()
    assert mlflow_statuses(pages, "open_unmix/checkpoint") == ["FINISHED"]  # it went on in the one that was broken off


def test_a_runs_page_leads_from_a_training_to_its_live_curves_and_to_its_run_in_mlflow(pages: Pages, browser) -> None:
    run_id = newest_run(pages, browser)["runId"]
    browser.goto(f"{pages.dagster}/runs/{run_id}?logs=type:ASSET_OBSERVATION", wait_until="domcontentloaded")
    browser.get_by_text("live_curves_and_time_left").first.wait_for()
    assert browser.locator("a[href^='/mlflow/']").count() > 0


def test_an_edited_model_marks_its_own_chain_and_the_front_pages_refresh_makes_all_green_again(
    pages: Pages, browser
) -> None:
    pages.edit("sepmodels/models/architectures/transformer.py", "x = layer(x)", "x = x + layer(x)")
    reload_definitions(pages, browser)
    assert not_fresh(pages, browser) == {"transformer/checkpoint", "transformer/estimates"}
    expect_marks(pages, browser, "transformer", 2)
    expect_marks(pages, browser, "open_unmix", 0)
    refresh_on_the_front_page(pages, browser)
    assert wait_for_end(pages, browser) == "SUCCESS"
    assert not_fresh(pages, browser) == set()
    expect_marks(pages, browser, "transformer", 0)
    assert mlflow_statuses(pages, "transformer/checkpoint") == ["FINISHED"] * 2
    assert mlflow_statuses(pages, "open_unmix/checkpoint") == ["FINISHED"]  # no other variant was trained again


def test_materialize_unsynced_makes_an_edited_report_alone(pages: Pages, browser) -> None:
    pages.edit("sepmodels/report/table.py", "was not trained here.", "has no training here.")
    reload_definitions(pages, browser)
    assert not_fresh(pages, browser) == {"report"}
    browser.get_by_role("button").filter(has=browser.get_by_label("arrow_drop_down")).last.click()
    browser.get_by_role("menuitem", name="Materialize unsynced").click()
    browser.get_by_role("button", name="Materialize 1 asset").click()
    browser.get_by_text("Launched run").first.wait_for()
    assert wait_for_end(pages, browser) == "SUCCESS"
    assert not_fresh(pages, browser) == set()


def test_the_assets_link_opens_its_run_in_mlflow(pages: Pages, browser) -> None:
    browser.goto(f"{pages.dagster}/assets/{PROFILE}/transformer/checkpoint", wait_until="domcontentloaded")
    link = browser.locator("a[href^='/mlflow/']").first
    link.wait_for()
    browser.goto(f"{pages.printed['Pages']}{link.get_attribute('href')}", wait_until="domcontentloaded")
    browser.get_by_text("transformer: sequence of Model").first.wait_for()  # what was edited
    browser.get_by_text("Made because").first.wait_for()
    browser.get_by_text("Finished").first.wait_for()


def test_on_the_front_page_stand_the_table_and_what_is_to_be_made_and_the_report_leads_to_the_pages_beside_it(
    pages: Pages, browser
) -> None:
    from playwright.sync_api import expect

    browser.goto(pages.printed["Pages"], wait_until="domcontentloaded")
    browser.get_by_text(f"All {6 + 3 * len(VARIANTS) + 3 + 3} products are up to date.").wait_for()
    browser.get_by_role("row", name="Open-Unmix").wait_for()
    browser.get_by_role("link", name="Report").click()
    link = browser.get_by_role("link", name="results in Dagster", include_hidden=True)
    expect(link).to_have_attribute("href", f"/dagster/assets/{PROFILE}/results", timeout=120 * SECOND)


def test_the_printed_address_of_mlflow_leads_to_the_profiles_runs(pages: Pages, browser) -> None:
    browser.goto("about:blank")
    browser.goto(pages.printed["MLflow"], wait_until="domcontentloaded")
    browser.get_by_text("transformer: first training").first.wait_for()


def test_the_front_pages_link_to_mlflow_shows_each_training_once_the_best_in_the_test_first(
    pages: Pages, browser
) -> None:
    browser.set_viewport_size({"width": 2600, "height": 1000})  # MLflow draws no column that is out of sight
    browser.goto(pages.printed["Pages"], wait_until="domcontentloaded")
    browser.goto(f"{pages.printed['Pages']}{browser.get_by_role('link', name='MLflow').get_attribute('href')}")
    browser.get_by_text(f"{len(VARIANTS) + 1} matching runs").wait_for()  # one was trained again
    names = browser.locator("[role=row] a[href*='/runs/']").all_inner_texts()
    assert sorted(name.partition(":")[0] for name in names) == ["open_unmix", "transformer", "transformer"]
    head, *scores = browser.locator("[role=row] [col-id='metrics.`test_SDR_db`']").all_inner_texts()
    assert scores == sorted(scores, key=float, reverse=True)
    assert len(scores) == len(names)
    columns = {head, *browser.locator("[role=columnheader]").all_inner_texts()}
    assert {"test_SDR_db", "test_SDR_low_db", "test_SDR_high_db", "variant.learning_rate", "seeds"} <= columns


@pytest.mark.parametrize(
    ("part", "name", "metric"),
    [("checkpoint", ": ", "best_validation_sdr_db"), ("scores", "/scores", "vocals_SDR_db")],
)
def test_two_variants_are_compared_in_mlflow(pages: Pages, browser, part: str, name: str, metric: str) -> None:
    show_compared(pages, browser, part)
    for variant in VARIANTS:
        browser.get_by_text(f"{variant}{name}").first.wait_for()
    browser.get_by_text(metric, exact=True).first.wait_for()


def test_the_loss_curves_of_two_variants_are_drawn_together_in_mlflow(pages: Pages, browser) -> None:
    show_compared(pages, browser, "checkpoint")
    link = browser.get_by_role("link", name="loss", exact=True).first
    browser.goto(f"{pages.mlflow}/{link.get_attribute('href')}")  # a click is lost where the page draws itself anew
    curves = browser.locator(".js-plotly-plot .scatterlayer .trace")
    curves.nth(len(VARIANTS) - 1).wait_for(state="attached", timeout=PATIENCE_MS)


def test_after_kill_9_of_the_command_both_servers_end_by_themselves(pages: Pages) -> None:
    family = psutil.Process(pages.process.pid).children(recursive=True)
    assert len(family) > 5
    pages.process.kill()
    pages.process.wait()
    _, left = psutil.wait_procs(family, timeout=120)
    assert left == []

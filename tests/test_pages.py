"""The pages, in a real browser: the whole benchmark from Dagster's, and its runs in MLflow's."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser import chromium
from tests.conftest import PROJECT
from tests.small_benchmark import OVERRIDES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SECOND = 1000  # Playwright counts milliseconds
VARIANTS = 6


@pytest.fixture(scope="module")
def addresses(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """``sepbench ui`` as a person starts it, on a small dataset; gives each server's address."""
    data = tmp_path_factory.mktemp("data")
    output = data / "ui.txt"
    command = ["ui", "--no-browser", "--profile", "musdb18-7s", "--dataset", str(stem_dataset), "--data", str(data)]
    with output.open("wb") as stream:
        launched = subprocess.Popen(
            [sys.executable, "-c", "from pipelines.cli import main; main()", *command],
            cwd=PROJECT,
            env={**os.environ, "SEPBENCH_OVERRIDES": json.dumps(OVERRIDES), "COLUMNS": "200", "PYTHONUNBUFFERED": "1"},
            stdout=stream,
            stderr=stream,
            start_new_session=True,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        )
    try:
        while "Ctrl-C ends both" not in output.read_text():
            assert launched.poll() is None, output.read_text()
            time.sleep(0.2)
        yield dict(re.findall(r"(Dagster|MLflow)\s+(http://\S+)", output.read_text()))
    finally:
        launched.send_signal(signal.SIGINT)
        launched.wait(60)


@pytest.fixture(scope="module")
def page() -> Iterator:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(60 * SECOND)
        yield page


@pytest.fixture(scope="module")
def run_page(addresses: dict[str, str], page) -> str:
    """The page of the run that "Materialize all" launched, once it ended; the test fails unless it succeeded."""
    page.goto(f"{addresses['Dagster']}/asset-groups", wait_until="domcontentloaded")
    page.get_by_role("button", name="Materialize all").first.click()
    page.get_by_text("Launched run").wait_for()
    page.goto(f"{addresses['Dagster']}/runs", wait_until="domcontentloaded")
    link = page.locator("a[href*='/runs/']").first
    link.wait_for()
    address = addresses["Dagster"] + link.get_attribute("href")
    page.goto(address, wait_until="domcontentloaded")
    page.get_by_text(re.compile(r"^(Success|Failure|Canceled)$")).first.wait_for(timeout=480 * SECOND)
    return address


def test_materialize_all_makes_every_asset_green(run_page: str, addresses: dict[str, str], page) -> None:
    page.goto(run_page, wait_until="domcontentloaded")
    page.get_by_text(re.compile(r"^Success$")).first.wait_for()
    query = "{ assetNodes { assetKey { path } assetMaterializations(limit: 1) { runId } } }"
    answer = page.request.post(f"{addresses['Dagster']}/graphql", data={"query": query}).json()
    nodes = answer["data"]["assetNodes"]
    assert len(nodes) == 3 * VARIANTS + 2 + 6 + 2
    assert [node["assetKey"]["path"] for node in nodes if not node["assetMaterializations"]] == []


@pytest.mark.usefixtures("run_page")
def test_the_assets_link_opens_its_run_in_mlflow(addresses: dict[str, str], page) -> None:
    asset = f"{addresses['Dagster']}/assets/musdb18-7s/transformer/checkpoint"
    page.goto(asset, wait_until="domcontentloaded")
    link = page.locator(f"a[href^='{addresses['MLflow']}']").first
    link.wait_for()
    page.goto(link.get_attribute("href"), wait_until="domcontentloaded")
    page.get_by_text("transformer/checkpoint").first.wait_for()
    page.get_by_text("Finished").first.wait_for()

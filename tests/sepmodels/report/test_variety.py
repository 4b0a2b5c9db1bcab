"""The report's page on paper, and of benchmarks with several seeds, a shared title, or one variant alone."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from assets.job import Job
from assets.making.report import report_material
from sepmodels.report.material import Material
from sepmodels.report.site import write_site
from tests.browser import chromium, opened
from tests.scored_folder import REPORT, TRAINED, scored_job

pytestmark = pytest.mark.browser

SEEDS = (42, 43, 44)
TITLE = "A longer title"  # of two variants
PAPER = {"width": 680, "height": 970}  # A4 within its margins, in CSS pixels
DRAWN = "[...document.querySelectorAll('.plot')].filter((one) => one.querySelector('.main-svg')).length"


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    """Of which excerpts end within a second."""
    return scored_job(tmp_path_factory.mktemp("data"), replace(REPORT, tracks=2, excerpt_seconds=2.6))


@pytest.fixture(scope="module")
def material(job: Job) -> Material:
    """Of three seeds; two variants share a title."""
    found = report_material(job)
    shared = found.summary.variant.isin(["transformer", "l1_loss"])
    return replace(
        found,
        profile=replace(found.profile, seeds=SEEDS),
        summary=found.summary.assign(title=found.summary.title.mask(shared, TITLE)),
        histories=pd.concat([found.histories.assign(seed=seed) for seed in SEEDS]),
        trainings=pd.concat([found.trainings.assign(seed=seed) for seed in SEEDS]),
    )


@pytest.fixture(scope="module")
def address(material: Material, job: Job) -> str:
    return written(material, job.paths.report)


@pytest.fixture
def page(browser, address: str) -> Iterator:
    with opened(browser, address) as page:
        yield page


def written(material: Material, folder: Path) -> str:
    write_site(material, folder)
    return (folder / "index.html").as_uri()


def rgb(page, css: str, selector: str = "body") -> tuple[int, ...]:
    """A colour of an element, 0 to 255."""
    script = (
        "([css, selector]) => getComputedStyle(document.querySelector(selector))[css].match(/[\\d.]+/g).map(Number)"
    )
    return tuple(page.evaluate(script, [css, selector]))


def start_listening_test(page) -> None:
    page.locator("#listen").scroll_into_view_if_needed()
    page.locator("#listen .main:not([disabled])").wait_for()
    page.get_by_role("checkbox", name="listening test").check()


# On paper


@pytest.mark.parametrize("chosen", ["", "dark"], ids=["dark system", "dark chosen"])
def test_on_paper_every_figure_is_drawn_on_white_and_no_table_is_cut(browser, address: str, chosen: str) -> None:
    scheme = "light" if chosen else "dark"
    with opened(browser, address, color_scheme=scheme, viewport=PAPER) as page:
        page.get_by_label("Colours").select_option(chosen)
        assert max(rgb(page, "backgroundColor")) < 50
        page.emulate_media(media="print", color_scheme=scheme)
        page.wait_for_function(f"{DRAWN} === document.querySelectorAll('.plot').length")
        assert max(rgb(page, "color")) < 60
        assert max(rgb(page, "fill", ".plot .xtitle")) < 60
        cut = """[...document.querySelectorAll(".wide > table, .plot .main-svg")]
            .filter((one) => one.getBoundingClientRect().right > innerWidth + 1)"""
        assert page.evaluate(f"{cut}.length") == 0
        assert page.evaluate("document.documentElement.scrollWidth") <= PAPER["width"]
        assert page.locator("#heat td").first.is_visible()
        assert page.get_by_role("button", name="CSV").is_hidden()


def test_printing_draws_what_nobody_has_scrolled_to_and_leaves_the_screen_as_it_was(browser, address: str) -> None:
    with opened(browser, address, color_scheme="dark") as page:
        before = rgb(page, "backgroundColor")
        assert page.evaluate(DRAWN) < page.locator(".plot").count()
        page.locator("[data-figure^=distribution]").scroll_into_view_if_needed()  # drawn for the screen
        page.locator("[data-figure^=distribution] .main-svg").first.wait_for()
        widest = "Math.max(...[...document.querySelectorAll('.main-svg')].map((one) => one.clientWidth))"
        page.evaluate(f"addEventListener('beforeprint', () => {{ window.onPaper = [{DRAWN}, {widest}]; }})")
        assert page.pdf(format="A4").startswith(b"%PDF")
        drawn, width = page.evaluate("onPaper")
        assert drawn == page.locator(".plot").count()
        assert 600 < width <= PAPER["width"]
        curves = page.locator("[data-figure^=curves] .main-svg").first
        assert curves.bounding_box()["width"] > 1000
        assert rgb(page, "backgroundColor") == before
        assert min(rgb(page, "fill", ".plot .xtitle")) > 200


# The table and the figures


def test_the_table_of_results_fits_a_screen_of_1280_pixels(page) -> None:
    assert page.evaluate("(one => one.scrollWidth - one.clientWidth)(document.querySelector('#results .wide'))") == 0


def test_the_curves_of_a_variants_seeds_have_one_entry_in_the_legend_that_hides_them_all(page) -> None:
    plot = page.locator("[data-figure^=curves]")
    plot.scroll_into_view_if_needed()
    plot.locator(".legend").wait_for()
    lines = plot.locator(".scatterlayer .trace")
    assert plot.locator(".legend .traces").count() == len(TRAINED)
    assert lines.count() == len(TRAINED) * len(SEEDS)
    plot.locator(".legendtoggle").first.click()
    shown = (len(TRAINED) - 1) * len(SEEDS)
    page.wait_for_function(
        f"document.querySelectorAll('[data-figure^=curves] .scatterlayer .trace').length === {shown}"
    )
    assert page.get_by_text("Seed 42 is solid, 43 dashed, 44 dotted.").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_buttons_of_a_plot_are_seen_on_its_ground_and_none_sends_it_anywhere(
    browser, address: str, scheme: str
) -> None:
    with opened(browser, address, color_scheme=scheme) as page:
        plot = page.locator("[data-figure^=distribution]")
        plot.scroll_into_view_if_needed()
        plot.hover()
        bar = "[data-figure^=distribution] .modebar"
        page.locator(f"{bar}-btn").first.wait_for()
        assert rgb(page, "backgroundColor", f"{bar}-group")[3:] == (0,)  # seen through
        ground, icon = rgb(page, "backgroundColor", "#tracks"), rgb(page, "fill", f"{bar}-btn:not(.active) path")
        assert abs(sum(ground[:3]) - sum(icon[:3])) > 300
        said = page.locator(f"{bar}-btn").evaluate_all("(all) => all.map((one) => one.dataset.title)")
        assert "Download plot as a PNG" in said
        assert not [title for title in said if "Share" in title or "Cloud" in title]


def test_baselines_that_share_a_title_are_told_apart(page) -> None:
    offered = page.get_by_role("combobox", name="Baseline").locator("option").all_inner_texts()
    assert offered == ["Open-Unmix", f"{TITLE} (transformer)", f"{TITLE} (l1_loss)"]


# Listening


def test_of_a_last_second_that_is_cut_short_no_score_is_said(page) -> None:
    page.locator("#listen").scroll_into_view_if_needed()
    page.locator("#listen .main:not([disabled])").wait_for()
    page.get_by_role("radio", name="Open-Unmix, vocals").check(force=True)
    slider, said = page.get_by_role("slider", name="Position in seconds"), page.locator(".view > .note")
    slider.fill("1.5")
    assert "dB in this second" in said.inner_text()
    slider.fill("2.25")
    assert said.inner_text().endswith("0:02.2 into the track.")


def test_a_listening_test_ends_what_plays_by_its_name_below(page) -> None:
    endless = "() => { const play = HTMLMediaElement.prototype.play;"
    endless += " HTMLMediaElement.prototype.play = function () { this.loop = true; return play.call(this); }; }"
    page.evaluate(endless)  # the track is short, and what has ended is paused
    page.locator("#heat tbody tr:not(:has(.excerpt)) button:not([aria-disabled])").first.click()
    page.wait_for_function("document.querySelector('.elsewhere audio')?.paused === false")
    page.evaluate("window.below = document.querySelector('.elsewhere audio')")
    start_listening_test(page)
    assert page.locator(".elsewhere").count() == 0
    assert page.evaluate("below.paused")


def test_ratings_of_variants_that_share_a_title_are_told_apart(page) -> None:
    start_listening_test(page)
    for letter in "ABCDEF":
        page.get_by_role("slider", name=f"Rating of {letter}").fill("40")
    page.get_by_role("button", name="Save, and go on").click()
    page.get_by_role("button", name="Show the result").click()
    names = {text.strip() for text in page.locator(".votes th").all_inner_texts()}
    systems = {"Open-Unmix", f"{TITLE} (transformer)", f"{TITLE} (l1_loss)"}
    assert names == systems | {"The reference, hidden", "The mixture", "The reference below 3.5 kHz"}


def test_one_variant_alone_is_rated_beside_the_reference_and_the_anchors(
    browser, material: Material, tmp_path: Path
) -> None:
    def without_others(table: pd.DataFrame) -> pd.DataFrame:
        return table[~table.variant.isin(["transformer", "l1_loss"])]

    names = ("summary", "comparisons", "by_seed", "scores", "histories", "trainings", "separations")
    alone = replace(material, said={}, others={}, **{name: without_others(getattr(material, name)) for name in names})
    with opened(browser, written(alone, tmp_path)) as page:
        page.locator("#listen").scroll_into_view_if_needed()
        page.locator("#listen .main:not([disabled])").wait_for()
        assert page.get_by_role("checkbox", name="loop").is_visible()
        page.get_by_role("checkbox", name="listening test").check()
        assert page.locator(".rated").get_by_role("slider").count() == 4

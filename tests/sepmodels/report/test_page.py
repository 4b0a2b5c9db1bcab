"""The report's page in a real browser, opened from disk."""

import io
import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pandas as pd
import pytest
import soundfile

from assets.job import Job
from assets.making.report import make_report, report_material
from sepmodels.results.listening import read_ratings
from tests.browser import chromium, opened
from tests.scored_folder import HIGH_HZ, LOW_HZ, SECONDS, TRACKS, scored_job

pytestmark = pytest.mark.browser

# Listens in on whatever reaches the loudspeaker.
TAP = """
const connect = AudioNode.prototype.connect;
AudioNode.prototype.connect = function (to, ...rest) {
  if (to instanceof AudioDestinationNode) {
    window.tap ??= new AnalyserNode(this.context, { fftSize: 2048, smoothingTimeConstant: 0 });
    connect.call(this, window.tap);
  }
  return connect.call(this, to, ...rest);
};
window.listened = () => {
  const [levels, samples] = [new Float32Array(tap.frequencyBinCount), new Float32Array(tap.fftSize)];
  let time;
  do { // both must be of the same moment, also where the page is held up in between
    time = tap.context.currentTime;
    tap.getFloatFrequencyData(levels);
    tap.getFloatTimeDomainData(samples);
  } while (tap.context.currentTime - time > 0.01);
  const loudest = levels.indexOf(Math.max(...levels));
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length;
  const hertz = (loudest * tap.context.sampleRate) / tap.fftSize;
  return { time, hertz, level: 10 * Math.log10(power + 1e-12) };
};
"""


@pytest.fixture(scope="module")
def browser() -> Iterator:
    with chromium() as browser:
        yield browser


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return scored_job(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def address(job: Job) -> str:
    make_report(job)
    return (job.paths.report / "index.html").as_uri()


@pytest.fixture
def page(browser, address: str, request: pytest.FixtureRequest) -> Iterator:
    """The page, with the options of the window that the test is parametrized with."""
    mark = request.node.get_closest_marker("parametrize")
    options = request.node.callspec.params.get("options", {}) if mark else {}
    with opened(browser, address, TAP, **options) as page:
        yield page


def first_column(page) -> list[str]:
    return page.locator("table[data-table=vocals] tbody th").all_inner_texts()


def copied(page, form: str) -> str:
    """What the button gives to another program."""
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<textarea id=pasted></textarea>')")
    page.get_by_role("button", name=f"Copy the table as {form}").click()
    page.get_by_text(f"Copied as {form}").wait_for(state="attached")
    page.locator("#pasted").focus()
    page.keyboard.press("Control+V")
    return page.locator("#pasted").input_value()


def load_sounds(page) -> None:
    page.locator("#listen").scroll_into_view_if_needed()
    page.locator("#listen .main:not([disabled])").wait_for()


def play(page) -> None:
    load_sounds(page)
    page.get_by_role("button", name="Play", exact=True).click()
    page.wait_for_function("window.tap && listened().level > -60")


def choose_signal(page, name: str) -> None:
    page.get_by_role("radio", name=name, exact=True).check(force=True)


def steady_level(page) -> float:
    """In dB, once what is heard has filled what is measured."""
    before, level = -np.inf, -np.inf
    while not abs(level - before) < 0.5:
        page.wait_for_timeout(60)
        before, level = level, page.evaluate("listened().level")
    return level


# The table


def test_a_heading_sorts_by_click_and_by_keyboard_and_gives_the_first_order_back(page) -> None:
    given = first_column(page)
    heading = page.locator("table[data-table=vocals] thead button", has_text="SDR, dB")
    heading.click()
    assert first_column(page) == ["Ideal ratio mask", "L1 loss", "Open-Unmix", "Transformer", "Mixture"]
    assert page.locator("th[aria-sort=descending]").inner_text().strip().startswith("SDR, dB")
    heading.focus()
    page.keyboard.press("Enter")
    assert first_column(page) == ["Mixture", "Transformer", "Open-Unmix", "L1 loss", "Ideal ratio mask"]
    page.keyboard.press("Enter")
    assert first_column(page) == given
    page.locator("table[data-table=vocals] thead button", has_text="Million").click()
    assert first_column(page)[-1] in ("Mixture", "Ideal ratio mask")  # of which that is not known


def test_each_number_is_explained_under_the_mouse_and_in_focus(page) -> None:
    tip = page.get_by_role("tooltip")
    page.locator("table[data-table=vocals] tbody tr", has_text="L1 loss").locator("td").first.hover()
    assert re.search(r"L1 loss, vocals, SDR: .* the median over 8 tracks", tip.inner_text())
    page.locator("h1").hover()
    assert tip.is_hidden()
    page.locator("table[data-table=vocals] tbody [tabindex='0']").focus()
    for key in ("ArrowDown", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    assert "The baseline" in tip.inner_text()
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "tip"
    page.keyboard.press("Escape")
    assert tip.is_hidden()


@pytest.mark.parametrize("form", ["Markdown", "LaTeX", "CSV"])
def test_the_table_is_copied_in_the_order_shown_without_the_rows_that_have_no_tick(page, form: str) -> None:
    page.get_by_role("checkbox", name="Transformer").uncheck()
    page.locator("table[data-table=vocals] thead button", has_text="System").click()
    pasted = copied(page, form)
    names = ["Ideal ratio mask", "L1 loss", "Mixture", "Open-Unmix"]
    body = pasted.partition(r"\midrule")[2] or pasted
    places = [body.index(name) for name in names]
    assert places == sorted(places)
    assert "Transformer" not in body
    assert "Transformer" not in page.locator("table[data-table=vocals]").inner_text()
    if form == "CSV":
        assert list(pd.read_csv(io.StringIO(pasted)).title) == names
    else:
        assert {"Markdown": "| --- | ---:", "LaTeX": r"\begin{tabular}"}[form] in pasted


def test_the_other_target_has_its_own_table_and_figures(page) -> None:
    page.locator("#table-target").get_by_label("accompaniment").check()
    assert page.locator("table[data-table=vocals]").is_hidden()
    assert page.locator("table[data-table=accompaniment]").is_visible()
    plot = page.locator("[data-figure^=distribution]")
    plot.scroll_into_view_if_needed()
    plot.get_by_text("SDR, dB").wait_for()
    page.locator("#track-choice").get_by_label("SIR").check()
    plot.get_by_text("SIR, dB").wait_for()
    assert plot.locator("path.box").count() == 5


# The baseline


def choose_baseline(page, key: str, title: str) -> None:
    """By keyboard: the first that begins with this letter."""
    page.get_by_role("combobox", name="Baseline").focus()
    page.keyboard.press(key)
    page.get_by_text(f"Compared with {title}").wait_for(state="attached")


def differences_shown(page) -> dict[str, str]:
    """What the table says of each system's difference to the baseline."""
    cells = page.locator("table[data-table=vocals] tbody td:nth-child(3)").all_inner_texts()
    return dict(zip(first_column(page), [cell.strip() for cell in cells], strict=True))


def test_another_baseline_changes_the_table_its_copies_the_sentences_and_the_differences_by_track(
    page, job: Job
) -> None:
    table = report_material(job).against("transformer").comparisons.set_index(["variant", "target", "metric"])
    wanted = {name: f"{table.difference[name, 'vocals', 'SDR']:+.2f}" for name in ("l1_loss", "open_unmix")}
    plot = page.locator("[data-figure^=differences]")
    plot.scroll_into_view_if_needed()
    plot.get_by_text("Transformer").wait_for()
    choose_baseline(page, "T", "Transformer")
    found = differences_shown(page)
    assert (found["L1 loss"], found["Open-Unmix"], found["Transformer"]) == (*wanted.values(), "–")
    assert page.get_by_role("button", name="SDR against Transformer").is_visible()
    said = page.locator("#said").inner_text()
    assert f"L1 loss against Transformer on the vocals, on average over 8 tracks: SDR {wanted['l1_loss']}" in said
    assert "Open-Unmix against Transformer" in said
    assert "against Open-Unmix" not in said
    plot.get_by_text("Open-Unmix").wait_for()
    assert plot.locator("path.box").count() == 2
    assert plot.get_by_text("Transformer").count() == 0
    page.locator("#tracks").get_by_label("against Transformer").check()
    assert page.locator("#heat tbody tr").first.locator("button").nth(2).inner_text() == "0.0"
    latex = copied(page, "LaTeX")
    assert "differences to Transformer" in latex
    assert re.search(rf"Open-Unmix & .* & \${re.escape(wanted['open_unmix'])}\$ &", latex)
    choose_baseline(page, "O", "Open-Unmix")
    assert "L1 loss against Open-Unmix" in page.locator("#said").inner_text()


def test_a_table_that_is_sorted_by_differences_is_sorted_by_those_of_another_baseline(page) -> None:
    page.locator("table[data-table=vocals] [data-column=difference]").click()
    assert first_column(page)[:3] == ["L1 loss", "Open-Unmix", "Transformer"]
    page.locator("table[data-table=vocals] [data-column=difference]").click()
    choose_baseline(page, "L", "L1 loss")
    assert first_column(page)[:3] == ["Transformer", "Open-Unmix", "L1 loss"]


def test_the_address_keeps_the_baseline_beside_the_place_in_the_page(page, browser) -> None:
    given = page.url
    choose_baseline(page, "T", "Transformer")
    page.get_by_role("link", name="Tracks").click()
    assert page.url.endswith("?baseline=transformer#tracks")
    with opened(browser, page.url) as another:
        assert another.get_by_role("combobox", name="Baseline").input_value() == "transformer"
        assert differences_shown(another)["Transformer"] == "–"
    page.get_by_role("combobox", name="Baseline").select_option("open_unmix")
    assert page.url == f"{given}#tracks"
    with opened(browser, f"{given}?baseline=none_of_them") as another:
        assert differences_shown(another)["Open-Unmix"] == "–"


# Listening


def test_every_sound_of_every_track_is_heard_and_all_are_equally_loud(page) -> None:
    play(page)
    tabs = page.locator("input[name=heard-track]")
    assert tabs.count() == 3
    for number in range(tabs.count()):
        if number:
            tabs.nth(number).check(force=True)
            play(page)
        signals = page.locator("input[name=signal]")
        assert signals.count() == 3 + 2 * 4
        levels = []
        for place in range(signals.count()):
            signals.nth(place).check(force=True)
            levels.append(steady_level(page))
        assert min(levels) > -40
        assert max(levels) - min(levels) < 3


def test_another_sound_goes_on_at_the_same_place(page) -> None:
    play(page)
    page.wait_for_timeout(1000)  # until what the pitch is read from holds nothing of the silence before
    places = []
    for name in ("True vocals", "Open-Unmix, vocals", "L1 loss, accompaniment", "Mixture", "Ideal ratio mask, vocals"):
        before = page.evaluate("listened()")
        choose_signal(page, name)
        page.wait_for_timeout(150)
        places += [before, page.evaluate("listened()")]
    # the pitch tells the place in the track, whatever the page says of it
    heard = [(place["hertz"] - LOW_HZ) / (HIGH_HZ - LOW_HZ) * SECONDS for place in places]
    drift = np.array([seconds - place["time"] for seconds, place in zip(heard, places, strict=True)]) % SECONDS
    around = (drift - drift[0] + SECONDS / 2) % SECONDS - SECONDS / 2
    assert np.abs(around).max() < 0.05


def test_the_place_is_kept_in_pause_and_the_slider_moves_it_by_keyboard(page) -> None:
    play(page)
    page.get_by_role("button", name="Pause").click()
    slider = page.get_by_role("slider", name="Position in seconds")
    slider.focus()
    page.keyboard.press("End")
    assert float(slider.input_value()) == pytest.approx(SECONDS, abs=0.05)
    page.keyboard.press("Home")
    page.keyboard.press("PageUp")
    place = float(slider.input_value())
    choose_signal(page, "L1 loss, vocals")
    assert float(slider.input_value()) == place > 0
    page.locator(".scope").click(position={"x": 10, "y": 50})
    assert float(slider.input_value()) < 0.2


def test_arrow_keys_choose_sounds_and_space_plays(page) -> None:
    load_sounds(page)
    page.get_by_role("radio", name="Mixture", exact=True).focus()
    page.keyboard.press("ArrowDown")
    assert page.get_by_role("radio", name="True vocals").is_checked()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Pause").wait_for()
    page.keyboard.press("Space")
    page.get_by_role("button", name="Play", exact=True).wait_for()


def test_of_an_estimate_only_the_error_can_be_heard_and_the_truth_stays_as_it_is(page) -> None:
    play(page)
    choose_signal(page, "Open-Unmix, vocals")  # of level 0.2, where the truth has 0.25
    page.get_by_role("checkbox", name="equally loud").uncheck()
    whole = steady_level(page)
    page.get_by_role("checkbox", name="error only").check()
    page.wait_for_function(f"listened().level < {whole - 6}")
    assert steady_level(page) == pytest.approx(whole + 20 * np.log10(0.05 / 0.2), abs=1.5)
    choose_signal(page, "True vocals")
    page.wait_for_function(f"listened().level > {whole}")


def test_the_address_names_the_track_and_the_sound_and_opens_them_again(page, browser) -> None:
    load_sounds(page)
    page.locator("input[name=heard-track][value='1']").check(force=True)
    page.locator("#listen .main:not([disabled])").wait_for()
    choose_signal(page, "L1 loss, vocals")
    given = page.url
    assert "#track=" in given
    with opened(browser, given) as another:
        another.locator("#listen .main:not([disabled])").wait_for()
        assert another.locator("input[name=heard-track]:checked").get_attribute("value") == "1"
        assert another.get_by_role("radio", name="L1 loss, vocals").is_checked()


RATED = {"open_unmix", "transformer", "l1_loss", "(reference)", "(mixture)", "(low-pass)"}


def start_listening_test(page) -> None:
    load_sounds(page)
    page.get_by_role("checkbox", name="listening test").check()


def rate(page, letter: str, points: int) -> None:
    page.get_by_role("slider", name=f"Rating of {letter}").fill(str(points))


def test_a_listening_test_hides_names_outlives_a_reload_and_gives_ratings_that_the_statistics_read(
    page, tmp_path: Path
) -> None:
    start_listening_test(page)
    for number in range(3):
        shown = page.locator("#listen .desk").inner_text()
        assert not re.search("Open-Unmix|Transformer|L1 loss|SDR", shown)
        for place, letter in enumerate("ABCDEF"):
            choose_signal(page, letter)
            rate(page, letter, 100 - 10 * place)
            if (number, letter) == (1, "C"):  # in the middle of a track
                heard = page.locator("input[name=heard-track]:checked").get_attribute("value")
                page.reload()
                start_listening_test(page)
                page.get_by_text("1 of 3 tracks are rated").wait_for()
                page.locator(f"input[name=heard-track][value='{heard}']").check(force=True)
                assert page.get_by_role("slider", name="Rating of C").input_value() == "80"
        page.get_by_role("button", name="Save, and go on").click()
    page.get_by_text("Mean ratings of 1 listener on 3 tracks").wait_for()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the ratings").click()
    download.value.save_as(tmp_path / "ratings.csv")
    ratings = read_ratings([tmp_path / "ratings.csv"])
    assert ratings.track.nunique() == 3
    for _, rows in ratings.groupby("track"):
        assert set(rows.system) == RATED
        assert sorted(rows.rating) == [50, 60, 70, 80, 90, 100]


def test_the_next_listener_begins_anew_and_the_file_holds_both(page, tmp_path: Path) -> None:
    start_listening_test(page)
    for _ in range(2):
        for letter in "ABCDEF":
            rate(page, letter, 70)
        page.get_by_role("button", name="Save, and go on").click()
        page.get_by_text("1 of 3 tracks are rated").wait_for()
        page.get_by_role("button", name="Show the result").click()
        page.get_by_role("button", name="Next listener").click()
        page.get_by_text("0 of 3 tracks are rated").wait_for()
    page.get_by_role("button", name="Show the result").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the ratings").click()
    download.value.save_as(tmp_path / "ratings.csv")
    assert read_ratings([tmp_path / "ratings.csv"]).listener.nunique() == 2


def test_a_cell_of_the_heat_map_is_heard_in_its_player_or_from_the_estimates(page) -> None:
    heard = page.locator("#heat tr:has(.excerpt)").first
    heard.locator("button").nth(3).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause").wait_for()
    assert page.get_by_role("radio", name="L1 loss, vocals").is_checked()
    assert page.locator("#heat tbody tr").count() == len(TRACKS)
    other = page.locator("#heat tbody tr:not(:has(.excerpt))").first
    page.evaluate("document.addEventListener('play', (event) => { window.begun = event.target.src; }, true)")
    other.locator("button").nth(2).click()
    page.locator(".elsewhere audio").wait_for()
    page.wait_for_function("window.begun", polling=100)
    assert soundfile.info(url2pathname(urlsplit(page.evaluate("window.begun")).path)).duration == SECONDS
    page.get_by_role("button", name="Play", exact=True).wait_for()  # the player stopped
    assert other.locator("button").first.get_attribute("aria-disabled") == "true"  # the mixture has no file of its own


# For everyone


@pytest.mark.parametrize(
    "options",
    [
        {"color_scheme": "light"},
        {"color_scheme": "dark"},
        {"color_scheme": "light", "viewport": {"width": 390, "height": 844}, "has_touch": True},
    ],
    ids=["light", "dark", "phone"],
)
def test_the_page_has_no_fault_of_accessibility_and_no_width_beyond_the_screen(page, options) -> None:
    from axe_playwright_python.sync_playwright import Axe

    load_sounds(page)
    for element in page.locator(".plot").all():
        element.scroll_into_view_if_needed()
    page.locator("[data-figure^=resources] .bars").last.wait_for(state="attached")
    for details in page.locator("details").all():
        details.evaluate("(one) => { one.open = true; }")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]
    if "has_touch" not in options:
        page.get_by_role("checkbox", name="listening test").check()
        found = Axe().run(page, context="#listen")
        assert found.violations_count == 0, found.generate_report()


def test_the_colours_can_be_chosen(page) -> None:
    def ground() -> str:
        return page.evaluate("getComputedStyle(document.body).backgroundColor")

    light = ground()
    page.get_by_label("Colours").select_option("dark")
    assert ground() != light
    page.get_by_label("Colours").select_option("light")
    assert ground() == light

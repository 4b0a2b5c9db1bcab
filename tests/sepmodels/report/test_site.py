"""The report's parts: the table, what is heard, the sounds, the files."""

import base64
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.job import Job
from assets.making.report import command, make_report, report_material
from pipelines.profiles import PROFILES
from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.errors import UserError
from sepmodels.report import excerpts
from sepmodels.report.excerpts import cut_signals, encode, loudness_lufs, make_excerpts, matching_gains_db
from sepmodels.report.material import Material
from sepmodels.report.paper_figures import draw_curves
from sepmodels.report.site import render, write_site
from sepmodels.report.table import results_table
from sepmodels.report.track_choice import choose_start, choose_tracks, windows_of
from sepmodels.report.training_figures import training_figures
from sepmodels.results.claims.claims import CLAIMS
from sepmodels.settings import Profile, ReportSettings
from sepmodels.systems import known_systems
from sepmodels.systems.variants import VARIANTS, variants_of
from tests.scored_folder import LEVELS, ODD_NAME, SECONDS, TRACKS, TRAINED, scored_job


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory) -> Job:
    return scored_job(tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def material(job: Job) -> Material:
    return report_material(job)


@pytest.fixture(scope="module")
def site(job: Job) -> Path:
    make_report(job)
    return job.paths.report


def page_data(site: Path) -> dict:
    page = (site / "index.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])


# The claims


def test_every_claim_is_on_the_page_with_its_verdict_and_evidence(material: Material, site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    rows = re.findall(r'<tr class="(supported|refuted|undecided)">(.*?)</tr>', page, re.DOTALL)
    assert len(rows) == len(CLAIMS)
    for claim, (verdict, row) in zip(CLAIMS, rows, strict=True):
        assert claim.sentence in row
        assert claim.source in row
        assert f"<strong>{verdict}</strong>" in row
    judged = material.claims.set_index("claim")
    assert [verdict for verdict, _ in rows] == list(judged.verdict)
    assert judged.reason["mse_sounds_better"].startswith("one training each")
    assert "one training each" in rows[1][1]


# The table


def test_every_cell_says_what_its_number_is(material: Material) -> None:
    table = results_table(material, "vocals")
    for row in table.rows:
        assert all(len(cell.explanation) > 15 for cell in row.cells)
    (sdr,) = [row.cells[1] for row in table.rows if row.variant == "l1_loss"]
    assert f"{sdr.order:.2f} dB, the median over 8 tracks" in sdr.explanation
    assert f"95 % interval: {sdr.low:.2f} to {sdr.high:.2f} dB" in sdr.explanation


def test_the_listening_test_is_named_with_its_size_where_vocals_are_scored_and_nowhere_else(material: Material) -> None:
    said = {column.name: column.explanation for column in results_table(material, "vocals").columns}
    test = "listening test of Ward et al. 2018 (vocals of 16 songs by five systems from before 2018)"
    assert {name for name, text in said.items() if test in text} == {"SDR", "SIR", "SAR", "ISR", "uSDR", "SI-SDR"}
    authors = {name for name, text in said.items() if "with values that the test's authors computed" in text}
    assert authors == {"SIR", "SAR"}
    assert "0.51 [0.36, 0.64] for freedom from interference" in said["SDR"]
    assert not any(
        "listening test" in column.explanation for column in results_table(material, "accompaniment").columns
    )


def test_where_there_are_several_seeds_the_score_of_each_is_told(material: Material) -> None:
    summary = material.summary.assign(seeds=np.where(material.summary.variant == "l1_loss", 2, 1))
    others = material.by_seed[material.by_seed.variant == "l1_loss"].assign(seed=43, SDR=1.234)
    by_seed = pd.concat([material.by_seed, others])
    table = results_table(replace(material, summary=summary, by_seed=by_seed), "vocals")
    told = {row.variant: row.cells[1].explanation for row in table.rows}
    assert "mean over 2 seeds" in told["l1_loss"]
    assert re.search(r"Seed by seed: [\d.]+ \(42\), 1\.23 \(43\)\.$", told["l1_loss"])
    assert not any("eed" in text for variant, text in told.items() if variant != "l1_loss")


def test_the_copies_of_a_table_hold_its_numbers(material: Material) -> None:
    table = results_table(material, "vocals")
    text = "\n".join([table.heads["CSV"], *(row.copies["CSV"] for row in table.rows)])
    words = {"unequal": "", "remark": ""}
    read = pd.read_csv(io.StringIO(text)).astype(dict.fromkeys(words, object)).fillna(words)
    wanted = material.summary[material.summary.target == "vocals"].reset_index(drop=True)
    pd.testing.assert_frame_equal(read, wanted, check_dtype=False)
    for row in table.rows:
        assert f"{row.cells[1].order:.2f}" in row.copies["Markdown"]
        assert f"{row.cells[1].order:.2f}" in row.copies["LaTeX"]
        assert row.copies["LaTeX"].endswith(r"\\")
    assert table.heads["LaTeX"].count("&") == table.rows[0].copies["LaTeX"].count("&")


# What is heard


def test_the_baselines_best_median_and_worst_tracks_are_heard_and_where_variants_differ_most(
    material: Material,
) -> None:
    table = material.per_track()
    sdr = table[(table.target == "vocals") & (table.metric == "SDR")].pivot(
        index="track", columns="variant", values="value"
    )
    ranked = sdr.open_unmix.sort_values()
    chosen = {heard.track: " ".join(heard.reasons) for heard in choose_tracks(material, 4)}
    assert "the best of Open-Unmix" in chosen[ranked.index[-1]]
    assert "the worst of Open-Unmix" in chosen[ranked.index[0]]
    assert sum("the median of Open-Unmix" in why for why in chosen.values()) == 1
    spread = sdr[list(TRAINED)].max(axis=1) - sdr[list(TRAINED)].min(axis=1)
    assert "the most" in chosen[spread.idxmax()]


@pytest.mark.parametrize("most", [0, 1, 3, 5, 100])
def test_as_many_tracks_are_heard_as_the_settings_say_and_none_twice(material: Material, most: int) -> None:
    chosen = [heard.track for heard in choose_tracks(material, most)]
    assert len(chosen) == len(set(chosen)) == min(most, len(TRACKS))


@given(quiet=st.integers(0, 7), length=st.integers(1, 12))
def test_an_excerpt_lies_within_its_track_and_where_most_is_sung(quiet: int, length: int) -> None:
    rate_hz, whole = 100, 10
    vocals = np.ones((2, whole * rate_hz), np.int16)
    vocals[:, quiet * rate_hz : (quiet + 3) * rate_hz] = 1000
    start = choose_start(vocals, rate_hz, length)
    assert 0 <= start <= max(0, whole - length)
    if 3 <= length <= whole:
        assert start <= quiet
        assert start + length >= quiet + 3


def test_the_scores_beside_a_player_are_those_of_the_training_that_is_heard() -> None:
    scores = pd.DataFrame({"variant": ["a", "a", "mixture"], "seed": [42, 43, 0], "value": [1.0, 3.0, 5.0]})
    material = SimpleNamespace(scores=scores, trained=["a"], profile=SimpleNamespace(seeds=(42, 43)))
    assert list(excerpts._of_what_is_heard(material).value) == [1.0, 5.0]


def test_the_windows_of_an_excerpt_are_those_of_its_seconds_and_gaps_where_there_is_no_score() -> None:
    rows = [("a", 1, "t", "vocals", "SDR", window, float(window)) for window in range(5)]
    scores = pd.DataFrame(rows, columns=["variant", "seed", "track", "target", "metric", "window", "value"])
    scores.loc[2, "value"] = np.nan
    assert windows_of(scores, "a", "t", "vocals", 1, 5) == [1.0, None, 3.0, 4.0, None]


# The sounds


@settings(max_examples=12)
@given(levels=st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=5))
def test_matched_sounds_are_equally_loud_and_do_not_clip(levels: list[float]) -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, (2, SAMPLE_RATE_HZ)).astype(np.float32)
    sounds = [level * noise for level in levels]
    matched = [sound * 10 ** (gain / 20) for sound, gain in zip(sounds, matching_gains_db(sounds), strict=True)]
    loudness = [loudness_lufs(sound) for sound in matched]
    assert max(loudness) - min(loudness) < 31  # nothing is raised by more than 30 dB
    if max(levels) / min(levels) < 20:
        assert max(loudness) - min(loudness) < 0.1
    assert max(np.abs(sound).max() for sound in matched) <= 10 ** (-1 / 20) + 1e-6


def test_silence_and_a_very_short_sound_are_left_as_they_are() -> None:
    assert matching_gains_db([np.zeros((2, SAMPLE_RATE_HZ), np.float32), np.ones((2, 100), np.float32)]) == [0.0, 0.0]


@pytest.mark.parametrize("kbps", [64, 128, 320])
def test_an_mp3_has_the_bit_rate_that_was_asked_for_and_the_length_of_its_sound(kbps: int) -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 3 * SAMPLE_RATE_HZ)).astype(np.float32)
    encoded = encode(sound, ReportSettings(bitrate_kbps=kbps))
    assert len(encoded) * 8 / 3 == pytest.approx(1000 * kbps, rel=0.05)
    decoded, _ = soundfile.read(io.BytesIO(encoded))
    assert decoded.shape == (3 * SAMPLE_RATE_HZ, 2)


def test_a_lossless_sound_is_off_by_less_than_a_step_of_24_bits() -> None:
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (2, SAMPLE_RATE_HZ)).astype(np.float32)
    decoded, _ = soundfile.read(io.BytesIO(encode(sound, ReportSettings(lossless=True))))
    assert np.abs(decoded.T - sound).max() <= 2**-23


@pytest.mark.parametrize(
    "report", [ReportSettings(bitrate_kbps=8), ReportSettings(excerpt_seconds=0.2), ReportSettings(tracks=-1)]
)
def test_report_settings_that_cannot_be_are_refused_by_name(material: Material, report: ReportSettings) -> None:
    with pytest.raises(UserError, match=r"report\.(bitrate_kbps|excerpt_seconds|tracks)"):
        next(make_excerpts(replace(material, profile=replace(material.profile, report=report))))


def test_all_sounds_of_a_track_begin_and_end_together(material: Material) -> None:
    _, signals = cut_signals(material, ODD_NAME, 2.0)
    assert {signal.waveform.shape for signal in signals} == {(2, 2 * SAMPLE_RATE_HZ)}
    own = ["mixture", "vocals", "accompaniment", "low-pass/vocals", "low-pass/accompaniment"]
    assert [signal.key for signal in signals[: len(own)]] == own
    assert {signal.system for signal in signals[len(own) :]} == {*TRAINED, "oracle_mask"}
    middle = {signal.key: signal.waveform[:, 20_000:60_000] for signal in signals}
    for name in LEVELS:
        whole = middle[f"{name}/vocals"] + middle[f"{name}/accompaniment"]
        np.testing.assert_allclose(whole, middle["mixture"], atol=1e-4)


# The files


def test_a_ceiling_without_a_floor_is_not_called_the_floor(material: Material) -> None:
    alone = replace(material, summary=material.summary[material.summary.variant != "mixture"])
    page = render(alone, [], [])
    assert "<dt>Ceiling</dt>" in page
    assert "<dt>Floor</dt>" not in page


def test_a_curve_of_one_point_is_a_point_that_is_seen(material: Material) -> None:
    one = material.histories.groupby(["variant", "seed", "name"], sort=False).head(1)
    figures = training_figures(replace(material, histories=one))
    assert {line["mode"] for line in figures["curves/loss/step"]["data"]} == {"markers"}
    figure = draw_curves(replace(material, histories=one))
    assert {line.get_marker() for line in figure.axes[0].lines} == {"o"}


def test_the_page_is_one_file_that_loads_nothing_but_sounds(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert page.count("plotly.js v") == 1
    assert re.findall(r"<(?:script|img|iframe|audio)[^>]*\ssrc=", page) == []
    assert "<link" not in page
    of_edited_code = {"edits.patch"}
    files = {path.name for path in site.iterdir()} - of_edited_code
    assert files == {"index.html", "audio", "figures", "track_scores.csv"}


def test_a_name_with_markup_in_it_is_only_a_name(site: Path) -> None:
    page = (site / "index.html").read_text(encoding="utf-8")
    assert "A & B <script>" not in page
    assert ODD_NAME in page_data(site)["heat"]["tracks"]


def test_each_script_of_sounds_holds_one_tracks_sounds(site: Path) -> None:
    for entry in page_data(site)["listening"]:
        text = (site / entry["file"]).read_text()
        name, sounds = re.fullmatch(r'heard\("(\w+)", (\{.*\})\);\n', text).groups()
        assert entry["file"] == f"audio/{name}.js"
        sounds = json.loads(sounds)
        assert set(sounds) == {signal["key"] for signal in entry["signals"]}
        for address in sounds.values():
            decoded, _ = soundfile.read(io.BytesIO(base64.b64decode(address.partition(",")[2])))
            assert len(decoded) == round(SECONDS * SAMPLE_RATE_HZ)


def test_a_report_made_again_is_the_same_but_for_its_time_and_leaves_no_file_of_the_last(job: Job, site: Path) -> None:
    def files() -> dict[str, bytes]:
        minute = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d UTC")
        return {path.name: minute.sub(b"", path.read_bytes()) for path in site.rglob("*") if path.is_file()}

    before = files()
    (site / "audio" / "of_a_track_that_is_no_longer_heard.js").touch()
    make_report(job)
    assert files() == before


def test_figures_for_papers_are_there_as_png_and_svg(site: Path) -> None:
    names = {path.name for path in (site / "figures").iterdir()}
    wanted = ("scores", "differences", "heat_map", "curves")
    assert names == {f"{name}.{suffix}" for name in wanted for suffix in ("png", "svg")}
    assert all((site / "figures" / name).stat().st_size > 5000 for name in names)


def test_a_picture_of_one_estimate_is_drawn_for_dagsters_page(job: Job) -> None:
    from assets.showing.pictures import as_markdown, write_estimate_picture

    picture = write_estimate_picture(replace(job, system=known_systems()["l1_loss"]))
    assert picture.read_bytes().startswith(b"\xff\xd8")
    assert as_markdown(picture, "a sound").startswith("![a sound](data:image/jpeg;base64,")
    assert as_markdown(picture.with_name("none.jpg"), "a sound") == ""


def test_the_scores_of_every_track_are_beside_the_page(site: Path) -> None:
    table = pd.read_csv(site / "track_scores.csv")
    assert list(table.columns) == ["variant", "track", "target", "metric", "value"]
    assert table.groupby(["variant", "target", "metric"]).track.nunique().unique() == [len(TRACKS)]


def test_the_page_says_how_to_make_it_again() -> None:
    changed = (("training.steps", "10"), ("dataset.vocals", "the voice"), ("dataset.folder", "/my music"))
    profile = replace(PROFILES["musdb18-7s"], changed_settings=changed)
    given = command(profile, list(variants_of(profile)))
    assert given == "sepbench run -p musdb18-7s --dataset DIR --set training.steps=10 --set 'dataset.vocals=the voice'"
    assert command(PROFILES["demo"], list(variants_of(PROFILES["demo"]))) == "sepbench run -p demo"


def test_what_makes_the_page_again_trains_the_variants_that_it_shows_and_no_others(material: Material) -> None:
    only = " ".join(f"--only {name}" for name in material.trained)
    assert len(material.trained) < len(VARIANTS)
    assert material.command == f"sepbench run -p {material.profile.name} --dataset DIR {only}"


@pytest.mark.parametrize("edits", ["", "Edits.\n\ndiff --git a/x b/x\n"], ids=["none", "some"])
def test_what_makes_the_page_again_applies_the_edits_of_the_code_which_lie_beside_it(
    material: Material, tmp_path: Path, edits: str
) -> None:
    (tmp_path / "edits.patch").write_text("of an earlier page")
    silent_material = replace(material, edits=edits, commit="c" * 40, profile=without_sounds(material.profile))
    write_site(silent_material, tmp_path)
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    assert ("git apply edits.patch" in page) == bool(edits)
    assert (tmp_path / "edits.patch").exists() == bool(edits)
    if edits:
        assert (tmp_path / "edits.patch").read_text() == edits


def without_sounds(profile: Profile) -> Profile:
    return replace(profile, report=replace(profile.report, tracks=0))

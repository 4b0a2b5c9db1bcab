"""Variants that only a claim needs: who trains them, and how one asks for them."""

import dataclasses
import io
import json
from pathlib import Path

import pytest

from assets.graph import benchmark_steps
from assets.paths import Paths
from pipelines.graph.selection import select
from pipelines.looking.tables import show_variants
from pipelines.options import advised, use_options
from pipelines.profiles import OVERRIDES_VARIABLE, PROFILE_VARIABLE, PROFILES, chosen_profile
from pipelines.terminal import Terminal
from sepmodels.errors import UserError
from sepmodels.systems import systems_of
from sepmodels.systems.variants import BASELINE, VARIANTS, variants_of

PAPER = ("open_unmix", "time_domain", "transformer", "l1_loss", "dual_loss", "dual_loss_balanced")
ASKED = "time_domain_22khz"
BY_WHOM = {"demo": False, "folder": False, "karaoke": False, "musdb18-7s": True, "musdb18": True, "musdb18hq": True}


@pytest.mark.parametrize("name", PROFILES)
def test_each_profile_trains_all_variants_but_those_on_request_that_it_does_not_ask_for(name: str) -> None:
    papers = {name for name, variant in VARIANTS.items() if "paper" in variant.suites}
    assert set(variants_of(PROFILES[name])) == papers | ({ASKED} if BY_WHOM[name] else set())


def test_the_demo_trains_the_papers_six_and_no_more() -> None:
    assert list(variants_of(PROFILES["demo"])) == list(PAPER)


@pytest.mark.parametrize("suite", ["paper", "modern", "losses", "effects", "ladder"])
def test_a_suite_has_its_own_variants_and_the_baseline_that_they_are_compared_with(suite: str) -> None:
    trained = variants_of(dataclasses.replace(PROFILES["demo"], suite=suite))
    assert set(trained) == {BASELINE} | {name for name, one in VARIANTS.items() if suite in one.suites}
    assert len(trained) > 3


def test_all_is_every_variant() -> None:
    assert variants_of(dataclasses.replace(PROFILES["demo"], suite="all")) == VARIANTS


def test_a_suite_that_is_none_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(
        UserError, match=r"suite cannot be 'modem': expected paper or modern or losses or effects or ladder or all"
    ):
        chosen_profile({OVERRIDES_VARIABLE: json.dumps({"suite": "modem"})})


def test_a_new_variant_is_trained_by_every_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    novel = dataclasses.replace(VARIANTS["transformer"], name="novel")
    monkeypatch.setitem(VARIANTS, "novel", novel)
    assert all("novel" in variants_of(profile) for profile in PROFILES.values())


def test_the_table_of_a_profile_that_does_not_ask_knows_nothing_of_it() -> None:
    for step in benchmark_steps(PROFILES["demo"], systems_of(PROFILES["demo"], Path("none"))):
        assert ASKED not in json.dumps([step.path, step.needs, list(step.settings.items())], default=str)


def test_a_setting_asks_for_it_and_a_misspelt_name_is_refused_with_the_nearest() -> None:
    def asking(text: str) -> set[str]:
        return set(variants_of(chosen_profile({OVERRIDES_VARIABLE: json.dumps({"extra_variants": text})})))

    assert ASKED in asking(ASKED)
    assert ASKED not in asking("")
    with pytest.raises(UserError, match=f"did you mean '{ASKED}'"):
        asking("time_domain_22")


def test_naming_it_alone_with_only_asks_for_it_also_in_the_processes_and_commands_that_follow(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(PROFILE_VARIABLE, "demo")
    monkeypatch.setenv(OVERRIDES_VARIABLE, "")
    profile, paths = use_options("demo", settings=["training.steps=10"], only=[ASKED])
    assert f"demo/{ASKED}/checkpoint" in select(profile, paths, [ASKED])
    assert "demo/open_unmix/checkpoint" not in select(profile, paths, [ASKED])
    assert chosen_profile() == profile
    assert f"--set extra_variants={ASKED}" in advised("refresh", profile)
    assert f"demo/{ASKED}/checkpoint" not in select(PROFILES["demo"], paths, [])


def test_with_adds_a_variant_to_those_of_the_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROFILE_VARIABLE, "demo")
    monkeypatch.setenv(OVERRIDES_VARIABLE, "")
    profile, _ = use_options("demo", settings=["suite=modern"], besides=["l1_loss", "tfc_tdf"])
    assert {"open_unmix", "l1_loss", "tfc_tdf"} <= set(variants_of(profile))
    assert "transformer" not in variants_of(profile)
    assert profile.extra_variants == ("l1_loss",)
    with pytest.raises(UserError, match="did you mean 'tfc_tdf'"):
        use_options("demo", besides=["tfc_tfd"])


def test_the_list_of_variants_says_who_trains_it() -> None:
    console = Terminal(file=io.StringIO(), width=300)
    show_variants(PROFILES["demo"], Paths(Path("none"), "demo"), console)
    (line,) = [line for line in console.file.getvalue().splitlines() if line.startswith(ASKED)]
    assert line.rstrip().endswith(f"Trained in musdb18-7s, musdb18, musdb18hq; elsewhere with --only {ASKED}.")

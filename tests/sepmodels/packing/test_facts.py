"""What a pack says of itself is plain data, and what is not is refused in one sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from sepmodels.errors import UserError
from sepmodels.packing.facts import FORMAT, Facts, facts_of_system, packed_system, read_facts
from sepmodels.systems import known_systems
from sepmodels.systems.given_scores import GivenScores

SYSTEMS = [known_systems()[name] for name in ("open_unmix", "mixture", "oracle_mask", "repet_sim")]


def some_facts(**changes: Any) -> Facts:
    given = {
        "format": FORMAT,
        "sepbench": "0.1.0",
        "made": "2026-11-27",
        "profile": "demo",
        "settings": {"training.steps": "200"},
        "changed": {},
        "systems": [facts_of_system(one) for one in SYSTEMS],
        "missing": [],
        "baseline": "open_unmix",
        "processes": 1,
        "notes": [],
        "commit": "0" * 40,
        "edited": False,
        "lock": "",
        "command": "sepbench run -p demo",
        "title": "Some results",
        "authors": ["A group"],
        "licence": "CC-BY-4.0",
        "sounds_licence": "",
    }
    return Facts(**{**given, **changes})


def test_facts_are_read_as_they_were_written() -> None:
    assert read_facts(json.loads(some_facts().as_json()), "p.zip") == some_facts()


def test_a_packed_system_stands_in_the_table_as_the_system_did() -> None:
    given = GivenScores(name="theirs", title="Theirs", summary="", scores=Path(), trained_on_tracks=("a",))
    for system in (*SYSTEMS, given):
        packed = packed_system(json.loads(json.dumps(facts_of_system(system))))
        for name in ("name", "title", "summary", "kind", "says", "place", "seeded", "compared", "scored_here"):
            assert getattr(packed, name) == getattr(system, name)
    assert packed.learnt_from == given.learnt_from


def test_a_pack_of_a_newer_format_is_refused_with_what_reads_it() -> None:
    content = json.loads(some_facts(format=FORMAT + 1, sepbench="9.0").as_json())
    with pytest.raises(UserError, match=r"p.zip is a pack of format 2, and this sepbench reads format 1.* 9\.0\."):
        read_facts(content, "p.zip")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": "1"}, "says no format"),
        ({"format": True}, "says no format"),
        ({"systems": {}}, "without a sound 'systems'"),
        ({"edited": 1}, "without a sound 'edited'"),
        ({"settings": {"a": 1}}, "that is no text"),
        ({"systems": [{"name": "a"}]}, "with an odd system"),
        ({"systems": [{**facts_of_system(SYSTEMS[0]), "name": "../a"}]}, "with an odd system"),
        ({"baseline": "other"}, "not each there once"),
    ],
)
def test_odd_facts_are_refused_with_the_entry_that_is_odd(changes: dict[str, Any], said: str) -> None:
    content = json.loads(some_facts().as_json()) | changes
    with pytest.raises(UserError, match=f"p.zip has a pack.json .*{said}"):
        read_facts(content, "p.zip")

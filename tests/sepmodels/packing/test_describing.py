"""The description is an RO-Crate by what its specification asks for, and the citation a CITATION.cff."""

import json
from urllib.parse import unquote

import yaml

from sepmodels.packing.describing import citation, crate
from tests.sepmodels.packing.test_facts import some_facts

SIZES = {"pack.json": 10, "results/results.csv": 20, "museval/a/test/A & B #1 ü.json": 30}


def graph() -> dict[str, dict]:
    content = json.loads(crate(some_facts(), SIZES))
    assert content["@context"] == "https://w3id.org/ro/crate/1.1/context"
    found = {one["@id"]: one for one in content["@graph"]}
    assert len(found) == len(content["@graph"])  # each entity once
    return found


def test_the_descriptor_is_about_the_root_and_says_which_version_it_conforms_to() -> None:
    about = graph()["ro-crate-metadata.json"]
    assert about["@type"] == "CreativeWork"
    assert about["about"] == {"@id": "./"}
    assert about["conformsTo"] == {"@id": "https://w3id.org/ro/crate/1.1"}


def test_the_root_has_name_description_date_and_licence_and_every_file_as_a_part() -> None:
    found = graph()
    root = found["./"]
    assert root["@type"] == "Dataset"
    assert root["datePublished"] == "2026-11-27"
    assert root["name"]
    assert root["description"]
    assert found[root["license"]["@id"]]["name"] == "CC-BY-4.0"
    names = {unquote(part["@id"]) for part in root["hasPart"]}
    assert names == {*SIZES, "manifest-sha256.txt"}


def test_every_entity_has_a_type_and_every_reference_leads_to_one() -> None:
    found = graph()
    for one in found.values():
        assert one["@type"]
        values = (value if isinstance(value, list) else [value] for value in one.values())
        references = [entry["@id"] for value in values for entry in value if isinstance(entry, dict)]
        assert [name for name in references if name not in found and not name.startswith("https://w3id.org")] == []


def test_names_of_files_are_relative_addresses_without_what_an_address_cannot_have() -> None:
    assert "museval/a/test/A%20%26%20B%20%231%20%C3%BC.json" in graph()


def test_the_citation_names_title_authors_date_and_licence() -> None:
    said = yaml.safe_load(citation(some_facts()))
    assert said == {
        "cff-version": "1.2.0",
        "message": "If you use these results, please cite them, and the dataset.",
        "type": "dataset",
        "title": "Some results",
        "authors": [{"name": "A group"}],
        "date-released": "2026-11-27",
        "license": "CC-BY-4.0",
        "commit": "0" * 40,
    }
    nobody = yaml.safe_load(citation(some_facts(authors=[], licence="", commit="")))
    assert nobody["authors"] == [{"name": "whoever made this pack"}]
    assert "license" not in nobody

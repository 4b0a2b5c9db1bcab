"""What a pack is, for people who cite it and for machines: ``CITATION.cff`` and ``ro-crate-metadata.json``.

The second is RO-Crate 1.1 (https://w3id.org/ro/crate/1.1), written here and not by the package ``rocrate``, so that
the same content gives the same bytes (LOG.md).
"""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import yaml  # type: ignore[import-untyped]

from sepmodels.packing.container import MANIFEST
from sepmodels.packing.facts import FACTS, Facts
from sepmodels.packing.parts import (
    CITATION,
    CLAIMS,
    CRATE,
    CURVES,
    EDITS,
    HASHES,
    RESULTS,
    SCORES,
    SOURCES,
    TRACKS,
    TRAINING_EDITS,
    TRAININGS,
    VERSIONS,
)

SOFTWARE = "#sepbench"
NO_AUTHOR = "whoever made this pack"
NO_LICENCE = "No licence was stated: ask whoever made this pack."

# By the beginning of a part's name; the first that fits.
_MEANINGS = {
    FACTS: "What is known of the benchmark as a whole: profile, settings, systems, commit.",
    CITATION: "How to cite this pack.",
    f"{RESULTS}/results": "The table: every system's scores with their uncertainty, in dB.",
    f"{RESULTS}/": "What the table is made of: comparisons, control, seed by seed, sentences.",
    f"{CLAIMS}/": "Claims in words, each supported, refuted or undecided, with its evidence.",
    f"{SCORES}/": "Scores of every test track, target, metric and one-second window (BSSEval v4), in dB.",
    "museval/": "The same scores in museval's own format.",
    TRAININGS: "What came of each training: steps, times, device, precision, settings.",
    CURVES: "The curves of each training.",
    VERSIONS: "The code version of every product, with its parts, and the product's hash.",
    EDITS: "What the code differs in from the commit.",
    f"{TRAINING_EDITS}/": "What the code differed in from its commit when trainings were made.",
    TRACKS: "Every track of the dataset, measured, with the hash of its files.",
    HASHES: "SHA-256 of models and estimates.",
    SOURCES: "The packs that were joined: the name of each file, by the pack's hash.",
    "models/": "A trained model, as safetensors.",
    "estimates/": "A system's estimate of a test track's {target}.",
    "report/": "The report, to open in a browser from disk.",
}
_FORMATS = {
    "json": "application/json",
    "parquet": "application/vnd.apache.parquet",
    "csv": "text/csv",
    "md": "text/markdown",
    "html": "text/html",
    "png": "image/png",
    "svg": "image/svg+xml",
    "js": "text/javascript",
    "wav": "audio/wav",
    "cff": "application/yaml",
}


def citation(facts: Facts) -> str:
    """The text of ``CITATION.cff`` (Citation File Format 1.2.0)."""
    entries: dict[str, Any] = {
        "cff-version": "1.2.0",
        "message": "If you use these results, please cite them, and the dataset.",
        "type": "dataset",
        "title": facts.title,
        "authors": [{"name": name} for name in facts.authors or [NO_AUTHOR]],
        "date-released": facts.made,
    }
    if facts.licence:
        entries["license"] = facts.licence
    if facts.commit:
        entries["commit"] = facts.commit
    return str(yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=100))


def crate(facts: Facts, sizes: Mapping[str, int]) -> str:
    """The text of ``ro-crate-metadata.json``.

    sizes: the bytes of every part but this one and the manifest.
    """
    files = [_file(name, size, facts.target) for name, size in sorted(sizes.items())]
    separation = "singing-voice separation" if facts.target == "vocals" else f"the separation of {facts.target}"
    files.append({"@id": MANIFEST, "@type": "File", "name": "SHA-256 of every part", "encodingFormat": "text/plain"})
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": facts.title,
        "description": f"A benchmark of {separation}: {facts.profile}. `sepbench verify` checks it.",
        "datePublished": facts.made,
        "license": {"@id": _licence(facts)["@id"]},
        "author": [{"@id": one["@id"]} for one in _authors(facts)],
        "hasPart": [{"@id": one["@id"]} for one in files],
        "mentions": [{"@id": "#run"}],
    }
    run = {
        "@id": "#run",
        "@type": "CreateAction",
        "name": facts.command,
        "instrument": {"@id": SOFTWARE},
        "result": [{"@id": _address(name)} for name in sorted(sizes) if name.startswith((f"{RESULTS}/", f"{SCORES}/"))],
    }
    software = {
        "@id": SOFTWARE,
        "@type": "SoftwareApplication",
        "name": "sepbench",
        "softwareVersion": facts.sepbench,
        **({"version": facts.commit} if facts.commit else {}),
    }
    about = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": "https://w3id.org/ro/crate/1.1"},
    }
    graph = [about, root, run, software, _licence(facts), *_authors(facts), *files]
    content = {"@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _authors(facts: Facts) -> list[dict[str, str]]:
    names = facts.authors or [NO_AUTHOR]
    return [{"@id": f"#author-{n}", "@type": "Person", "name": name} for n, name in enumerate(names, 1)]


def _licence(facts: Facts) -> dict[str, str]:
    if not facts.licence:
        return {"@id": "#licence", "@type": "CreativeWork", "name": NO_LICENCE}
    return {"@id": f"https://spdx.org/licenses/{facts.licence}", "@type": "CreativeWork", "name": facts.licence}


def _file(name: str, size: int, target: str) -> dict[str, Any]:
    meaning = next((text.format(target=target) for start, text in _MEANINGS.items() if name.startswith(start)), name)
    entry = {"@id": _address(name), "@type": "File", "name": name, "description": meaning, "contentSize": str(size)}
    form = _FORMATS.get(name.rpartition(".")[2])
    return {**entry, "encodingFormat": form} if form else entry


def _address(name: str) -> str:
    """A part's name as a relative URI, as the specification asks for."""
    return quote(name)

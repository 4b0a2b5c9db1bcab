"""Checks of a pack that need nothing but the pack: each says how it was made, or what does not follow."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from sepmodels.errors import UserError
from sepmodels.packing.again import claims_again, figures_again, results_again, said_of
from sepmodels.packing.checked import Check, NotFollowingError, checked
from sepmodels.packing.comparing import require_same
from sepmodels.packing.container import MANIFEST, manifest
from sepmodels.packing.describing import citation, crate
from sepmodels.packing.facts import FACTS
from sepmodels.packing.parts import CITATION, CLAIMS, CRATE, FIGURES, MUSEVAL, RESULTS, TABLES, Packed
from sepmodels.results.claims.words import claims_markdown
from sepmodels.results.markdown import results_markdown
from sepmodels.scoring import write_museval_files


def checks_of_a_pack(packed: Packed, words: Check | None = None) -> Iterator[tuple[str, Check]]:
    """The checks that need nothing else, each with the sentence that it is on.

    words: the check of what is said, which needs to know whether the code here is that which packed; None: none.
    """
    yield "the files are those that were packed", lambda: files_are_as_packed(packed)
    yield "museval's files say the same as the scores", lambda: museval_follows(packed)
    yield "the figures beside the scores follow from the trainings", lambda: figures_follow(packed)
    yield "the table follows from the scores", lambda: table_follows(packed)
    yield "the claims follow from the scores and the trainings", lambda: claims_follow(packed)
    if words:
        yield "what is said of the table and the claims follows from them", words
    yield "the citation and the description follow from the rest", lambda: description_follows(packed)


def require_sound(packed: Packed, then: str) -> None:
    """Raise UserError at the first thing in a pack that does not follow from the rest.

    then: a sentence on what this means for whoever wanted the pack.
    """
    for one in checked(checks_of_a_pack(packed)):
        if one.state == "failed":
            raise UserError(f"{packed.pack.file} does not hold: it does not follow that {one.what} ({one.why}). {then}")


def files_are_as_packed(packed: Packed) -> str:
    """By the manifest: every part has its hash, none is missing, none is more."""
    pack = packed.pack
    listed = {}
    for line in pack.text(MANIFEST).splitlines():
        checksum, _, name = line.partition("  ")
        listed[name] = checksum
    there = [name for name in pack.names if name != MANIFEST]
    if gone := sorted(set(listed) - set(there)):
        raise NotFollowingError(f"{gone[0]} is missing")
    if more := sorted(set(there) - set(listed)):
        raise NotFollowingError(f"{more[0]} was not packed, but put in later")
    for name in there:
        if pack.hash_of(name) != listed[name]:
            raise NotFollowingError(f"{name} was changed after it was packed")
    if pack.text(MANIFEST) != manifest(listed):
        raise NotFollowingError(f"{MANIFEST} is not as sepbench writes it")
    return f"{len(there)} files by their SHA-256; this is the pack {pack.hash[:16]}"


def museval_follows(packed: Packed) -> str:
    """The files in museval's format are written again from the scores; of systems scored elsewhere there are none."""
    ours = packed.scores[packed.scores.variant.isin([one.name for one in packed.facts.scored if one.scored_here])]
    with tempfile.TemporaryDirectory() as folder:
        for _, rows in ours.groupby("variant", sort=False):
            write_museval_files(rows, Path(folder))
        again = {f"{MUSEVAL}/{file.relative_to(folder).as_posix()}": file for file in Path(folder).rglob("*.json")}
        there = packed.pack.below(MUSEVAL)
        if odd := sorted(set(again) ^ set(there)):
            raise NotFollowingError(f"{odd[0]} is {'missing' if odd[0] in again else 'of no scores'}")
        for name in there:
            if packed.pack.json(name) != json.loads(again[name].read_text(encoding="utf-8")):
                raise NotFollowingError(f"{name} has other scores than the table of scores")
    return f"{len(there)} files, written again from {len(ours):,} scores"


def figures_follow(packed: Packed) -> str:
    """Sizes, steps and times beside the scores, computed again from the trainings and separations."""
    if lost := sorted({*packed.trainings.variant, *packed.separations.variant} - {*packed.figures.index}):
        raise NotFollowingError(f"{FIGURES} has no {lost[0]}, which was trained or separated with")
    for name in packed.figures.index:
        again = figures_again(packed, name)
        row = packed.figures.loc[[name], [column for column in again if column in packed.figures]]
        require_same(row.reset_index(names="variant"), pd.DataFrame([{"variant": name, **again}]), FIGURES)
    return f"from {len(packed.trainings)} trainings"


def table_follows(packed: Packed) -> str:
    """The table and its comparisons, made again from the scores of every window."""
    again = results_again(packed)
    tables = {"results": again.summary, "comparisons": again.comparisons, "control": again.control}
    tables["by_seed"] = again.by_seed
    read = {name: packed.result(name) for name in TABLES}
    if "trained" not in read["comparisons"]:  # of before systems that are not trained here were tested
        untested = ~again.comparisons.trained.astype(bool)
        tables["comparisons"].loc[untested, ["low", "high", "p", "p_holm"]] = np.nan
        tables["comparisons"]["detectable"] = read["comparisons"].detectable  # they counted for it
    for name, table in tables.items():
        require_same(read[name], table, f"{RESULTS}/{name}.parquet")
    for name, table in read.items():
        _require_text(packed, f"{RESULTS}/{name}.csv", table.to_csv(index=False), f"{name}.parquet")
    return f"{len(packed.facts.scored)} systems on {packed.scores.track.nunique()} tracks, made again"


def words_follow(packed: Packed) -> str:
    """What is said of the table and the claims, written again: by other code, in other words perhaps."""
    again = results_again(packed)
    said, expected = packed.pack.json(f"{RESULTS}/said.json"), said_of(again)
    for name in sorted({*expected, *said}):
        if said.get(name) != expected.get(name):
            raise NotFollowingError(f"{RESULTS}/said.json says something else as {name} than comes out")
    read = {name: packed.result(name) for name in ("results", "comparisons", "by_seed")}
    shown = replace(again, summary=read["results"], comparisons=read["comparisons"], by_seed=read["by_seed"])
    _require_text(packed, f"{RESULTS}/results.md", results_markdown(shown), "the tables")
    _require_text(packed, f"{CLAIMS}/claims.md", claims_markdown(packed.claims), "claims.parquet")
    return f"{len(again.sentences)} sentences and {len(again.notes)} notes"


def claims_follow(packed: Packed) -> str:
    """The verdict on each claim, from the claim as it is packed, the scores and the trainings."""
    table, again = packed.claims, claims_again(packed)
    require_same(table, again, f"{CLAIMS}/claims.parquet")
    _require_text(packed, f"{CLAIMS}/claims.csv", table.to_csv(index=False), "claims.parquet")
    counts = ", ".join(f"{number} {verdict}" for verdict, number in table.verdict.value_counts(sort=False).items())
    return f"{len(table)} claims, judged again: {counts}"


def description_follows(packed: Packed) -> str:
    """The machine-readable description and the citation are written again."""
    _require_text(packed, CITATION, citation(packed.facts), FACTS)
    sizes = {name: packed.pack.size_of(name) for name in packed.pack.names if name not in (MANIFEST, CRATE)}
    _require_text(packed, CRATE, crate(packed.facts, sizes), FACTS)
    return f"{CITATION} and {CRATE}, written again from {FACTS}"


def _require_text(packed: Packed, name: str, again: str, source: str) -> None:
    if packed.pack.text(name) != again:
        raise NotFollowingError(f"{name} says something else than {source}")

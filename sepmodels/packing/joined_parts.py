"""The parts of a pack that several packs were joined into, with the results of all their trainings."""

import tempfile
from pathlib import Path

from sepmodels.packing import parts as named
from sepmodels.packing.again import claims_again, results_again, said_of
from sepmodels.packing.container import as_json, as_parquet
from sepmodels.packing.describing import citation, crate
from sepmodels.packing.facts import FACTS
from sepmodels.packing.joining import Joined
from sepmodels.results.claims.words import claims_markdown
from sepmodels.results.markdown import results_markdown
from sepmodels.scoring import write_museval_files


def joined_parts(joined: Joined) -> dict[str, bytes]:
    """All parts by name. Models, sounds, code versions and reports stay in the packs that were joined."""
    parts = _results(joined) | _scores(joined) | _museval(joined)
    parts[named.TRACKS] = joined.tracks
    parts[named.TRAININGS] = as_parquet(joined.trainings)
    parts[named.SEPARATIONS] = as_parquet(joined.separations)
    parts[named.CURVES] = as_parquet(joined.curves)
    parts[named.FIGURES] = as_parquet(joined.figures.rename_axis("variant").reset_index())
    parts[named.VERSIONS] = as_json({})
    parts[named.SOURCES] = as_json(dict(joined.sources))
    parts[FACTS] = joined.facts.as_json().encode()
    parts[named.CITATION] = citation(joined.facts).encode()
    parts[named.CRATE] = crate(joined.facts, {name: len(part) for name, part in parts.items()}).encode()
    return parts


def _results(joined: Joined) -> dict[str, bytes]:
    results, judged = results_again(joined), claims_again(joined)
    tables = {
        f"{named.RESULTS}/results": results.summary,
        f"{named.RESULTS}/comparisons": results.comparisons,
        f"{named.RESULTS}/control": results.control,
        f"{named.RESULTS}/by_seed": results.by_seed,
        f"{named.CLAIMS}/claims": judged,
    }
    parts = {f"{name}.parquet": as_parquet(table) for name, table in tables.items()}
    parts |= {f"{name}.csv": table.to_csv(index=False).encode() for name, table in tables.items()}
    parts[f"{named.RESULTS}/results.md"] = results_markdown(results).encode()
    parts[f"{named.RESULTS}/said.json"] = as_json(said_of(results))
    parts[f"{named.CLAIMS}/claims.md"] = claims_markdown(judged).encode()
    return parts


def _scores(joined: Joined) -> dict[str, bytes]:
    own = joined.scores.groupby("variant", sort=False)
    return {f"{named.SCORES}/{name}.parquet": as_parquet(rows) for name, rows in own}


def _museval(joined: Joined) -> dict[str, bytes]:
    """The scores in museval's format; of systems scored elsewhere there are none."""
    ours = joined.scores[joined.scores.variant.isin([one.name for one in joined.facts.scored if one.scored_here])]
    with tempfile.TemporaryDirectory() as folder:
        files = write_museval_files(ours, Path(folder))
        return {f"{named.MUSEVAL}/{file.relative_to(folder).as_posix()}": file.read_bytes() for file in files}

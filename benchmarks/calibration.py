"""How often the table claims a difference: where there is none, and where there is one.

    python benchmarks/calibration.py              # all 272 cells, about a quarter of an hour on two cores
    python benchmarks/calibration.py --cases 200  # rougher, sooner
    python benchmarks/calibration.py --csv FILE   # every cell as a row

Scores are drawn as sepmodels/results/crossed.py has them: tracks, recipes, trainings and a rest. All recipes are equal.
The project's own functions test them. A cell's *claims* are the share of cases with p < 0.05 for one variant. Its
*family* is the share in which any of five variants with the same baseline has p < 0.05 after Holm. Both should be 5 %
at most. *Power* is the share with p < 0.05 where one variant really is 0.2, 0.5 or 1 dB better. The standard error of
a share is the root of share x (1 - share) / cases: 0.7 points at 5 % and 1000 cases.

Sixteen cells have several tracks of each artist: 55 of 5, as of a karaoke set with five singers, and 50 of 46, about
as MUSDB18's test split (45). Half of the variance from track to track is the artists'. *By track* is what would be
claimed if each track were a sample.
"""

import argparse
import itertools
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from sepmodels.results.bootstrap import Float64, Indices
from sepmodels.results.comparisons import ALPHA, holm
from sepmodels.results.crossed import difference

VARIANTS = 5
REST_DB = 0.3
TRUE_DB = (0.2, 0.5, 1.0)
OF_ARTISTS = 0.5  # of the variance from track to track, where artists have several
HEAVY_TAIL_DEGREES = 3


@dataclass(frozen=True)
class Cell:
    """What scores are drawn from: numbers of tracks and seeds, standard deviations in dB, and the noise's shape.

    seed_db: between trainings of a recipe. track_db: of a recipe's own strengths from track to track.
    heavy_tailed: Student's t with three degrees of freedom in place of the normal distribution, for all three.
    artists: who share the tracks as evenly as they can; none: each track is of its own.
    """

    tracks: int
    seeds: int
    seed_db: float
    track_db: float
    heavy_tailed: bool
    artists: int | None = None

    @property
    def samples(self) -> Indices:
        """The artist of each track."""
        return np.arange(self.tracks) % (self.artists or self.tracks)

    def scores(self, rng: np.random.Generator) -> Float64:
        """Scores (track, seed) of one recipe, without what is common to all recipes on a track, which cancels."""
        strengths = self._noise(rng, self.tracks, 1)
        if self.artists:
            shared = self._noise(rng, self.artists, 1)[self.samples]
            strengths = OF_ARTISTS**0.5 * shared + (1 - OF_ARTISTS) ** 0.5 * strengths
        own = self.track_db * strengths + self.seed_db * self._noise(rng, 1, self.seeds)
        return own + REST_DB * self._noise(rng, self.tracks, self.seeds)

    def _noise(self, rng: np.random.Generator, *shape: int) -> Float64:
        if not self.heavy_tailed:
            return rng.standard_normal(shape)
        return rng.standard_t(HEAVY_TAIL_DEGREES, shape) / HEAVY_TAIL_DEGREES**0.5  # of variance 1


def cells() -> Iterator[Cell]:
    """Every cell of the simulation."""
    for values in itertools.product((5, 6, 14, 50), (2, 3, 5, 10), (0.0, 0.1, 0.2, 0.4), (0.3, 1.0), (False, True)):
        yield Cell(*values)
    for (tracks, artists), *values in itertools.product(((55, 5), (50, 46)), (3, 5), (0.2,), (0.3, 1.0), (False, True)):
        yield Cell(tracks, *values, artists=artists)


def simulate(cell: Cell, cases: int) -> dict[str, float]:
    """The shares of cases in which a difference is claimed; the same cell and number always give the same."""
    rng = np.random.default_rng([cell.tracks, cell.seeds, round(100 * cell.seed_db), round(100 * cell.track_db)])
    claims = np.zeros(3 + len(TRUE_DB))
    for _ in range(cases):
        baseline = cell.scores(rng)
        variants = [cell.scores(rng) for _ in range(VARIANTS)]
        p = pd.Series([difference(one, baseline, samples=cell.samples).p for one in variants])
        better = [difference(variants[0] + true, baseline, samples=cell.samples).p for true in TRUE_DB]
        by_track = difference(variants[0], baseline).p
        claims += np.array([p[0], holm(p).min(), by_track, *better]) < ALPHA
    shares = claims / cases
    powers = {f"power at {true:g} dB": share for true, share in zip(TRUE_DB, shares[3:], strict=True)}
    return {"claims": shares[0], "family": shares[1], "by track": shares[2], **powers}


def main() -> None:
    """Simulate every cell, and print the worst and the usual of each number of tracks and seeds."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=1000, help="draws of each cell")
    parser.add_argument("--csv", type=Path, help="write every cell here, too")
    options = parser.parse_args()
    chosen = list(cells())
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(simulate, chosen, itertools.repeat(options.cases)))
    table = pd.DataFrame([asdict(cell) | shares for cell, shares in zip(chosen, found, strict=True)])
    if options.csv:
        table.to_csv(options.csv, index=False)
    print(summary(table).to_markdown(index=False))
    print(f"\n{len(table)} cells of {options.cases} cases each; power where seed_db is 0.2, track_db 0.3. The worst:")
    print(table.sort_values("family").tail(3).to_markdown(index=False))


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """A row for each number of tracks, artists and seeds: the most claims of any cell, and a usual cell's power."""
    rows = []
    usual = table[(table.seed_db == 0.2) & (table.track_db == 0.3) & ~table.heavy_tailed]
    for (tracks, artists, seeds), group in table.groupby(["tracks", table.artists.fillna(table.tracks), "seeds"]):
        typical = usual.loc[usual.index.intersection(group.index)].iloc[0]
        row = {"tracks": tracks, "artists": int(artists), "seeds each": seeds}
        row |= {"most claims": f"{group.claims.max():.1%}", "by track": f"{group['by track'].max():.1%}"}
        row |= {"most in a family of five": f"{group.family.max():.1%}"}
        rows.append(row | {f"power at {true:g} dB": f"{typical[f'power at {true:g} dB']:.0%}" for true in TRUE_DB})
    return pd.DataFrame(rows)


if __name__ == "__main__":
    main()

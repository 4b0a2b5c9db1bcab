"""How often a listening test finds a difference where there is none, and how often it finds one: by simulation.

    python benchmarks/listening.py

Ratings differ by listener, by track and by chance (8 points of 100). A row shows the worst of five mixtures of the
first two.
"""

import argparse

import numpy as np

from sepmodels.results.listening import crossed_mean

TRACKS, LISTENERS = (3, 5, 10), (2, 3, 5, 10, 20)
SPREADS = ((0, 0), (5, 0), (0, 5), (5, 5), (10, 3))  # points: of tracks, of listeners
REST = 8.0
DIFFERENCE = 10.0  # points, for the power
ALPHA = 0.05


def share_found(tracks: int, listeners: int, spread: tuple[float, float], difference: float, draws: int) -> float:
    """The share of simulated tests with p below :data:`ALPHA`."""
    random = np.random.default_rng(0)
    found = 0
    for _ in range(draws):
        values = difference + spread[0] * random.standard_normal((tracks, 1))
        values = values + spread[1] * random.standard_normal((1, listeners))
        found += crossed_mean(values + REST * random.standard_normal((tracks, listeners)))[3] < ALPHA
    return found / draws


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--draws", type=int, default=1000)
    draws = parser.parse_args().draws
    print("| tracks | listeners | finds a difference where there is none, at most | finds 10 points, at least |")
    print("|---:|---:|---:|---:|")
    for tracks in TRACKS:
        for listeners in LISTENERS:
            wrong = max(share_found(tracks, listeners, spread, 0.0, draws) for spread in SPREADS)
            right = min(share_found(tracks, listeners, spread, DIFFERENCE, draws) for spread in SPREADS)
            print(f"| {tracks} | {listeners} | {wrong:.1%} | {right:.0%} |")


if __name__ == "__main__":
    main()

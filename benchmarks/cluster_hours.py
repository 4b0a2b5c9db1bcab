"""What a benchmark takes on a cluster, computed from what was measured: GPU hours, processor hours, disk, bytes read.

    python benchmarks/cluster_hours.py                       # MUSDB18, twelve systems, five seeds, 1 and 8 GPUs
    python benchmarks/cluster_hours.py --tracks 10000 --test-tracks 1000 --epochs 20

Nothing is run. Each figure of ``MEASURED`` is one of benchmarks/README.md, on two cores of an AMD EPYC; how fast a GPU
trains (``--tflops``) is assumed, because it was not measured.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

BYTES_A_SECOND = 44_100 * 2 * 2  # of one stereo stem, in 16 bits


@dataclass(frozen=True)
class Measured:
    """What one unit of each kind of work took."""

    decode: float = 1.75  # CPU s for four minutes of five streams (benchmarks/decoding.py)
    statistics: float = 22 / 69  # CPU s a minute of training music (benchmarks/full_scale.py)
    separate: float = 42 / 40  # CPU s a minute, Open-Unmix without a GPU (benchmarks/full_scale.py)
    score: float = 29 / 40  # CPU s a minute of one system and seed (benchmarks/full_scale.py)
    chunk_tflop: float = 0.0138  # of a training step, a chunk of six seconds: 259 frames of 8.87 M multiply-adds
    track_mb: float = 39.0  # a .stem.mp4 of four minutes (benchmarks/layouts.py)


@dataclass(frozen=True)
class Plan:
    """What is to be made. size: multiply-adds of the mean system, as a multiple of Open-Unmix's."""

    tracks: int
    test_tracks: int
    minutes: float
    systems: int
    seeds: int
    epochs: int
    chunks_a_track: int
    size: float
    tflops: float

    @property
    def trainings(self) -> int:
        return self.systems * self.seeds


MEASURED = Measured()


def training_hours(plan: Plan) -> float:
    """GPU hours of one training."""
    chunks = plan.epochs * plan.chunks_a_track * (plan.tracks - plan.test_tracks)
    return chunks * MEASURED.chunk_tflop * plan.size / plan.tflops / 3600


def read_mb_a_second(plan: Plan) -> float:
    """What one GPU's training reads of the stems, in MB/s: six seconds of four stems a chunk."""
    chunks_a_second = plan.tflops / (MEASURED.chunk_tflop * plan.size)
    return chunks_a_second * 4 * 6 * BYTES_A_SECOND / 1e6


def rows(plan: Plan, gpus: int, cores: int) -> Iterator[tuple[str, str]]:
    """A figure a row, each with its words. gpus: of the cluster. cores: of its machines, all together."""
    music = plan.tracks * plan.minutes
    heard = plan.test_tracks * plan.minutes * plan.trainings
    one = training_hours(plan)
    turns = -(-plan.trainings // gpus)  # a training is not divided
    yield "trainings", f"{plan.trainings} of {one:.2f} GPU hours: {plan.trainings * one:.0f} GPU hours"
    yield "all trainings", f"{turns * one:.1f} hours, in {turns} turns"
    decoding = music / 4 * MEASURED.decode + music * MEASURED.statistics
    yield "decoding, on the head", f"{decoding / 3600:.1f} processor hours"
    scoring = heard * (MEASURED.score + MEASURED.separate) / 3600
    yield "estimates and scores", f"{scoring:.0f} processor hours, {scoring / cores:.1f} hours on {cores} cores"
    yield "disk: tracks", size(music / 4 * MEASURED.track_mb / 1e3)
    yield "disk: stems", size(music * 60 * 5 * BYTES_A_SECOND / 1e9)
    yield "disk: estimates", size(heard * 60 * 2 * BYTES_A_SECOND / 1e9)  # float32: twice the bytes
    yield "read by all trainings", f"{min(gpus, plan.trainings) * read_mb_a_second(plan):,.0f} MB/s of stems"


def size(gigabytes: float) -> str:
    return f"{gigabytes / 1000:.1f} TB" if gigabytes >= 1000 else f"{gigabytes:.0f} GB"


def parsed(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--gpus", type=positive, nargs="+", default=[1, 8], help="a column each")
    parser.add_argument("--cores", type=positive, default=8, help="of each GPU's machine")
    parser.add_argument("--tflops", type=positive_number, default=10.0, help="TFLOP/s that a training sustains")
    parser.add_argument("--tracks", type=positive, default=150, help="all splits together")
    parser.add_argument("--test-tracks", type=positive, default=50)
    parser.add_argument("--minutes", type=positive_number, default=4.0, help="of a track")
    parser.add_argument("--systems", type=positive, default=12)
    parser.add_argument("--seeds", type=positive, default=5)
    parser.add_argument("--epochs", type=positive, default=300)
    parser.add_argument("--chunks-a-track", type=positive, default=64, help="in an epoch")
    parser.add_argument(
        "--size", type=positive_number, default=1.0, help="multiply-adds of the mean system, Open-Unmix is 1"
    )
    given = parser.parse_args(arguments)
    if given.test_tracks >= given.tracks:
        parser.error(f"--test-tracks {given.test_tracks} leaves no track to train on: give fewer than --tracks")
    return given


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise argparse.ArgumentTypeError(f"{text}: give 1 or more")
    return number


def positive_number(text: str) -> float:
    if not (number := float(text)) > 0:
        raise argparse.ArgumentTypeError(f"{text}: give more than 0")
    return number


def main(arguments: list[str] | None = None) -> None:
    given = vars(parsed(arguments))
    gpus, cores = given.pop("gpus"), given.pop("cores")
    plan = Plan(**given)
    columns = [list(rows(plan, number, number * cores)) for number in gpus]
    heads = [f"{number} GPU{'s' if number > 1 else ''}, {number * cores} cores" for number in gpus]
    print("| |", " | ".join(heads), "|")
    print("|---|" + "---|" * len(gpus))
    for together in zip(*columns, strict=True):
        print(f"| {together[0][0]} |", " | ".join(words for _, words in together), "|")


if __name__ == "__main__":
    main()

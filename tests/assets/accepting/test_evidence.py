"""An edit that changes no number is carried over bit for bit after a check; one that changes a number never is."""

import json
import re
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file, save_file

from assets.staleness.last_made import LastMade, last_made
from pipelines.graph.instance import use_instance
from tests.edited_project import PROFILE, EditedProject, Outcome, Work

pytestmark = pytest.mark.slow

CHECKPOINT = ("open_unmix/checkpoint",)
MIX_CHUNK = "def mix_chunk("


@pytest.fixture(scope="module")
def project(stem_dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> EditedProject:
    return EditedProject(tmp_path_factory.mktemp("edited"), stem_dataset)


def last(project: EditedProject, name: str, monkeypatch: pytest.MonkeyPatch) -> LastMade:
    monkeypatch.setenv("DAGSTER_HOME", str(use_instance(project.paths.data)))
    key = dg.AssetKey([PROFILE, *name.split("/")])
    with dg.DagsterInstance.get() as instance:
        return last_made([key], instance)[key]


# What changes a number

CHANGES = {
    "a dropout rate": (
        ("sepmodels/models/architectures/open_unmix.py", "dropout: float = 0.4", "dropout: float = 0.3"),
    ),
    "a gain": (
        (
            "sepmodels/training/augmentation.py",
            "gain / np.float32(FULL_SCALE)",
            "gain * np.float32(0.999) / np.float32(FULL_SCALE)",
        ),
    ),
    "an index that is off by one": (
        ("sepmodels/training/batches.py", "start : start + self.chunk]", "start + 1 : start + 1 + self.chunk]"),
    ),
    "another seed": (("sepmodels/training/step.py", "[seed, step, rank]", "[seed + 1, step, rank]"),),
}


@pytest.fixture(scope="module")
def refused(project: EditedProject) -> dict[str, Outcome]:
    works = [Work(edits, CHECKPOINT, because="it is the same") for edits in CHANGES.values()]
    return dict(zip(CHANGES, project.do(*works), strict=True))


@pytest.mark.parametrize("change", CHANGES)
def test_an_edit_that_changes_a_number_is_not_accepted_whatever_is_said_and_the_first_figure_is_named(
    refused: dict[str, Outcome], change: str
) -> None:
    outcome = refused[change]
    assert outcome.status == 1
    assert "is not accepted: the loss of step 1 was " in outcome.reasons[CHECKPOINT[0]]


# What was recorded, and has been changed since


@pytest.mark.parametrize("file", ["training.json", "model.safetensors", "history.parquet"])
def test_a_training_whose_notes_or_files_somebody_changed_is_not_compared_and_so_not_accepted(
    project: EditedProject, file: str
) -> None:
    path = project.paths.checkpoint("open_unmix", 42) / file
    before = path.read_bytes()
    if file == "training.json":
        note = json.loads(before)
        note["beginning"]["losses"][0] += 0.5
        path.write_text(json.dumps(note))
    elif file == "history.parquet":
        table = pd.read_parquet(path)
        table.assign(value=table.value + 1).to_parquet(path)
    else:
        save_file({name: np.asarray(values + 1) for name, values in load_file(path).items()}, path)
    try:
        (outcome,) = project.do(Work(RENAMED, CHECKPOINT, because="it is the same"))
    finally:
        path.write_bytes(before)
    assert outcome.status == 1
    assert re.search("not accepted: .* recorded", outcome.reasons[CHECKPOINT[0]])


# The other products

# file, text, another text that does the same, one that does not, and what is told of that
PARTS = {
    "results": (
        (
            "sepmodels/results/bootstrap.py",
            "total / np.maximum",
            "1.0 * total / np.maximum",
            "0.5 * total / np.maximum",
        ),
        "the table of results differ: SDR of row 0 ",
    ),
    "statistics": (
        ("sepmodels/dataset/bin_statistics.py", "moments.count)\n", "(1 * moments.count))\n", "(2 * moments.count))\n"),
        "the table of statistics differ: scale of row 0 ",
    ),
    "stems/test": (
        (
            "sepmodels/dataset/decoding.py",
            "(decode_int16(path, headers),",
            "(+decode_int16(path, headers),",
            "(-decode_int16(path, headers),",
        ),
        "the stems of Artist 4 - Song 4 differ: value ",
    ),
    "open_unmix/estimates": (
        ("sepmodels/separation/separate.py", "] = block\n", "] = +block\n", "] = 0.5 * block\n"),
        "the estimate of Artist 4 - Song 4 differ: value (0, 0) was ",
    ),
    "open_unmix/scores": (
        ("assets/making/sources.py", "both[1] -= both[0]\n", "both[1] -= 1 * both[0]\n", "both[1] -= 0.5 * both[0]\n"),
        "the scores of Artist 4 - Song 4 differ: value of row ",
    ),
}


@pytest.fixture(scope="module")
def tried(project: EditedProject) -> dict[str, tuple[Outcome, Outcome]]:
    """Of each product, what became of it after the edit that changes a number, and after the other."""
    works = []
    for name, ((file, text, same, other), _) in PARTS.items():
        works += [Work(((file, text, new),), (name,)) for new in (other, same)]
    outcomes = project.do(*works)
    return dict(zip(PARTS, zip(outcomes[::2], outcomes[1::2], strict=True), strict=True))


@pytest.mark.parametrize("name", PARTS)
def test_a_part_of_any_other_product_is_made_again_too_and_accepted_where_it_is_equal(
    tried: dict[str, tuple[Outcome, Outcome]], name: str
) -> None:
    refused, accepted = tried[name]
    assert PARTS[name][1] in refused.reasons[name]
    assert accepted == Outcome(0, {})


# What changes no number

RENAMED = (
    ("sepmodels/training/losses.py", "def build_loss(", "def loss_of("),
    ("sepmodels/training/preparation.py", "build_loss", "loss_of"),
)


def split(project: EditedProject) -> tuple[tuple[str, str, str], ...]:
    """The mixing of stems moves from its module into one of its own, in which its functions have other names."""
    source = (project.root / "sepmodels/training/augmentation.py").read_text()
    begin, middle = source.index("def mix("), source.index(MIX_CHUNK)
    moved = source[begin:].replace("def mix(", "def mix_batch(").replace(MIX_CHUNK, "def mix_one(")
    head = "import numpy as np\nimport torch\n\n"
    head += "from sepmodels.training.augmentation import FULL_SCALE, VOCALS, Floats, Int16s, Sequence\n\n\n"
    assert begin < middle
    return (
        ("sepmodels/mixing.py", "", '"""Stems to mixtures."""\n\n' + head + moved),
        ("sepmodels/training/augmentation.py", source[begin:], ""),
        ("sepmodels/training/batches.py", "augment.mix_chunk(", "mixing.mix_one("),
        ("sepmodels/training/batches.py", "augment.mix(", "mixing.mix_batch("),
        (
            "sepmodels/training/batches.py",
            "from sepmodels.training import augmentation as augment\n",
            "from sepmodels import mixing\nfrom sepmodels.training import augmentation as augment\n",
        ),
    )


def test_a_renamed_function_and_a_module_that_was_split_are_carried_over_and_every_product_is_the_same_bit_for_bit(
    project: EditedProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, first = project.files(["checkpoints", "estimates"]), last(project, CHECKPOINT[0], monkeypatch)
    (outcome,) = project.do(Work((*RENAMED, *split(project)), CHECKPOINT, stays=True))
    assert outcome == Outcome(0, {})
    after = last(project, CHECKPOINT[0], monkeypatch)
    assert after.data_version == first.data_version
    assert after.code_version != first.code_version
    (acceptance,) = after.acceptances
    assert acceptance.evidence.startswith("Equal over 3 steps of seed 42; ran: ")
    assert "`mix_one`" in acceptance.evidence.partition("did not run")[0]
    assert "`mix_batch`" in acceptance.evidence.partition("did not run")[2]
    assert project.files(["checkpoints", "estimates"]) == before

    (made,) = project.do(Work((), (*CHECKPOINT, "results"), job="refresh"))
    assert made == Outcome(0, {})
    assert project.files(["checkpoints", "estimates"]) == before
    table = (project.paths.results / "results.md").read_text()
    assert f"open_unmix/checkpoint was {acceptance.sentence()}" in table

    (added,) = project.do(Work((), CHECKPOINT, job="refresh"), seeds="42,43")
    assert added == Outcome(0, {})
    kept = project.files(["checkpoints/open_unmix/seed_42"])
    assert kept == {name: content for name, content in before.items() if "seed_42" in name and "checkpoints" in name}
    assert last(project, CHECKPOINT[0], monkeypatch).acceptances == [acceptance]  # seed 42 has not been made again

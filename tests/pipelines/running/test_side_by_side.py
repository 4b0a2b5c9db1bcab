"""Several trainings at once: how many, and that each is as it is alone."""

import json
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets.making.checkpoint import hash_weights
from assets.paths import Paths
from pipelines.graph.instance import use_instance
from pipelines.graph.slots import slots_here, training_slots
from pipelines.profiles import PROFILES, override
from tests.small_benchmark import OVERRIDES
from tests.whole.test_command_line import sepbench

DEMO = PROFILES["demo"]


@pytest.mark.parametrize(
    ("threads", "processors", "free_gib", "slots"),
    [
        (1, 8, 64.0, 8),
        (2, 8, 64.0, 4),
        (0, 8, 64.0, 1),
        (1, 1, 64.0, 1),
        (1, 8, 3.5, 2),
        (1, 8, 0.1, 1),
        (4, 2, 64.0, 1),
    ],
)
def test_trainings_on_a_cpu_share_its_processors_and_memory(
    threads: int, processors: int, free_gib: float, slots: int
) -> None:
    profile = override(DEMO, "training.threads", str(threads))
    assert training_slots(profile, gpus=0, processors=processors, free_gib=free_gib) == slots


@pytest.mark.parametrize(
    ("device", "gpus", "slots"),
    [("auto", 1, 1), ("auto", 4, 4), ("cuda", 4, 4), ("cuda:1", 4, 1), ("cuda", 0, 1), ("cpu", 4, 16)],
)
def test_on_a_gpu_trainings_take_turns_and_several_gpus_have_one_each(device: str, gpus: int, slots: int) -> None:
    profile = replace(DEMO, device=device)
    assert training_slots(profile, gpus=gpus, processors=16, free_gib=64.0) == slots


def test_a_training_that_takes_several_gpus_itself_is_alone() -> None:
    profile = override(override(PROFILES["musdb18"], "training.processes", "2"), "device", "cuda")
    assert training_slots(profile, gpus=4, processors=16, free_gib=64.0) == 1


def test_the_number_of_threads_bears_on_the_result_and_how_many_train_at_once_does_not() -> None:
    from sepmodels.settings import result_settings

    assert result_settings(DEMO)["training"]["threads"] == 1


@pytest.mark.slow
@pytest.mark.skipif(slots_here(DEMO) < 2, reason="needs two processors and a few GiB of free memory")
def test_variants_train_side_by_side_and_each_gives_the_weights_that_it_gives_alone(
    stem_dataset: Path, tmp_path: Path
) -> None:
    def weights(folder: str, *variants: str) -> dict[str, str]:
        data = tmp_path / folder
        only = [word for variant in variants for word in ("--only", variant)]
        done = sepbench(
            *("run", "-p", "musdb18-7s", "--dataset", stem_dataset, "--data", data, *only),
            SEPBENCH_OVERRIDES=json.dumps({**OVERRIDES, "training.steps": "40"}),
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return {name: hash_weights(Paths(data, "musdb18-7s").model(name, 42)) for name in variants}

    together = weights("together", "open_unmix", "l1_loss")
    assert weights("alone", "open_unmix")["open_unmix"] == together["open_unmix"]
    slots, spans = _slots_and_spans_of_trainings(tmp_path / "together")
    (_, first_end), (second_begin, _) = sorted(spans.values())
    assert slots == 1 or second_begin < first_end  # one, where other work took the memory in the meantime


def _slots_and_spans_of_trainings(data: Path) -> tuple[int, dict[str, tuple[float, float]]]:
    """How many may be at once, and when each began and ended, by its step."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(use_instance(data)))
        with dg.DagsterInstance.get() as instance:
            (run,) = instance.get_runs()
            steps = instance.get_run_step_stats(run.run_id)
            spans = {s.step_key: (s.start_time, s.end_time) for s in steps if s.step_key.endswith("__checkpoint")}
            return instance.event_log_storage.get_concurrency_info("gpu").slot_count, spans

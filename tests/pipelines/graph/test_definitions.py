"""The graph as Dagster shows it: what each asset says of itself, and which of them take turns."""

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets.factory import HEAD, benchmark_assets
from assets.graph import benchmark_steps
from assets.paths import Paths
from assets.runtime.hosts import POOL
from pipelines.graph import slots
from pipelines.profiles import PROFILES
from sepmodels.systems import known_systems
from sepmodels.systems.program import Program
from sepmodels.systems.variants import VARIANTS

PROFILE = PROFILES["musdb18-7s"]


@pytest.fixture(scope="module")
def specs() -> dict[str, dg.AssetSpec]:
    assets = benchmark_assets(PROFILE, Paths(Path("data"), PROFILE.name), known_systems().values())
    return {"/".join(spec.key.path[1:]): spec for asset in assets for spec in asset.specs}


def test_each_variant_is_a_group_of_its_own_and_all_else_is_in_four(specs: dict[str, dg.AssetSpec]) -> None:
    groups: dict[str, set[str]] = {}
    for name, spec in specs.items():
        groups.setdefault(spec.group_name, set()).add(name)
    assert set(groups) == {*VARIANTS, "data", "references", "classical", "results"}
    for name in VARIANTS:
        assert groups[name] == {f"{name}/{part}" for part in ("checkpoint", "estimates", "scores")}


def test_each_asset_says_what_it_is_of_what_kind_and_of_which_profile_and_system(
    specs: dict[str, dg.AssetSpec],
) -> None:
    for name, spec in specs.items():
        assert spec.description.endswith("."), name
        assert spec.kinds, name
        assert spec.code_version, name
        assert spec.tags["sepbench/profile"] == PROFILE.name
        system = name.partition("/")[0] if spec.group_name in (*VARIANTS, "references", "classical") else None
        assert spec.tags.get("sepbench/system") == system


def test_what_wants_a_gpu_is_in_its_pool_and_nothing_else() -> None:
    steps = benchmark_steps(PROFILE, known_systems().values())
    assert {step.path[-1] for step in steps if step.pool == POOL} == {"checkpoint", "estimates"}
    alone = [step for step in steps if step.pool is None]
    assert not [step.path for step in alone if step.path[-1] in ("checkpoint", "estimates") and step.name in VARIANTS]


def test_with_a_cluster_many_steps_wait_for_it_and_its_head_does_no_more_at_once_than_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEPBENCH_DATA", str(tmp_path))
    (tmp_path / "cluster.toml").write_text("executor = 'slurm'\nparallel = 8")
    monkeypatch.setattr(slots, "slots_here", lambda _: 1)
    added = Program(name="prog", title="", summary="", command="prog", vocals="v.wav")
    profile = replace(PROFILE, measures=("SI-SDR",))
    assets = benchmark_assets(profile, Paths(tmp_path, profile.name), [*known_systems().values(), added])
    on_head = {asset.key.path[-1] for asset in assets if HEAD.items() <= asset.op.tags.items()}
    assert not on_head & {"checkpoint", "scores", "measures"}
    assert {"train", "test", "estimates", "report"} <= on_head
    config = slots.side_by_side(profile)
    limit = {"key": "sepbench/made_on", "value": "head", "limit": 2}
    assert (config["max_concurrent"], config["tag_concurrency_limits"]) == (9, [limit])

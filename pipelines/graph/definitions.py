"""Everything that Dagster loads: the chosen profile's assets, checks, jobs, sensor and resources. No logic is here."""

import multiprocessing
import sys

import dagster as dg

from assets.factory import benchmark_assets
from assets.paths import Paths, data_folder
from assets.resources import benchmark_resources
from pipelines.graph.instance import history_hint, of_dagsters_command
from pipelines.graph.jobs import benchmark_jobs
from pipelines.graph.pool import look_while_waiting
from pipelines.graph.refresh_sensor import refresh_sensor
from pipelines.graph.slots import executor_for
from pipelines.profiles import chosen_profile, fix_settings
from sepmodels.systems import systems_of


def build_definitions() -> dg.Definitions:
    """The definitions of the profile that the environment names."""
    look_while_waiting()
    profile = chosen_profile()
    if multiprocessing.parent_process():  # a run that Dagster has launched, whose steps are processes as well
        fix_settings(profile)
    paths = Paths(data_folder(), profile.name, profile.target)
    if of_dagsters_command(sys.argv[0]) and (hint := history_hint(paths.data)):
        print(hint, file=sys.stderr)
    systems = systems_of(profile, paths.systems)
    return dg.Definitions(
        assets=benchmark_assets(profile, paths, systems),
        jobs=benchmark_jobs(),
        sensors=[refresh_sensor(chosen_profile, paths, systems)],
        resources=benchmark_resources(paths.data / "mlflow"),
        executor=executor_for(profile),
    )


defs = build_definitions()

"""Runs a job of the chosen profile in this process; the command line starts it as a child and shows its progress."""

import argparse
import sys

from pipelines.instance import use_instance


def main() -> int:
    """Run the job on the selected assets; 0 when every step succeeded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--select", nargs="*", default=[], help="keys of assets; all when none is given")
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--job", required=True)
    arguments = parser.parse_args()

    import dagster as dg

    from assets.paths import data_folder
    from pipelines.definitions import defs

    use_instance(data_folder())
    keys = [dg.AssetKey.from_user_string(key) for key in arguments.select]
    with dg.DagsterInstance.get() as instance:
        result = defs.resolve_job_def(arguments.job).execute_in_process(
            instance=instance,
            asset_selection=keys or None,
            run_id=arguments.run_id,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "WARNING"}}}},
        )
    return 0 if result.success else 1


if __name__ == "__main__":
    sys.exit(main())

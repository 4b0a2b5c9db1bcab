"""What the front page asks Dagster's and MLflow's servers, and what it has Dagster do."""

from typing import Any

import aiohttp

from assets.tracking.seeds import PARENT, SEED
from assets.tracking.tracker import ASSET_KEY
from pipelines.graph.jobs import REFRESH
from sepmodels.errors import UserError

CURVES = ("loss", "validation_loss", "validation_sdr_db")
_NEWEST_RUNS = 25
_RUNS = f"""{{ runsOrError(limit: {_NEWEST_RUNS}) {{ ... on Runs {{
  results {{ runId jobName status startTime creationTime }} }} }} }}"""
_WHERE = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name location { name } jobs { name } } } } }"
_RELOAD = """mutation Reload($name: String!) { reloadRepositoryLocation(repositoryLocationName: $name) {
  __typename
  ... on WorkspaceLocationEntry { locationOrLoadError { ... on PythonError { message } } }
  ... on ReloadNotSupported { message } ... on RepositoryLocationNotFound { message } } }"""
_LAUNCH = """mutation Launch($run: ExecutionParams!) { launchRun(executionParams: $run) { __typename
  ... on LaunchRunSuccess { run { runId } } ... on PythonError { message } ... on UnauthorizedError { message }
  ... on RunConfigValidationInvalid { errors { message } } } }"""
OVER = ("SUCCESS", "FAILURE", "CANCELED")


class DagsterPages:
    """Dagster's server; raises :class:`UserError` where it refuses."""

    def __init__(self, session: aiohttp.ClientSession, address: str) -> None:
        self._session, self._address = session, address

    async def runs(self) -> list[dict[str, Any]]:
        """The newest runs, the newest first: runId, jobName, status, startTime and creationTime (since 1970)."""
        return (await self._ask(_RUNS))["runsOrError"]["results"]

    async def refresh(self) -> str:
        """Load the code anew, as it is now, and begin to make what is stale; gives the run's number."""
        place, location = await self._find_refresh()
        answer = (await self._ask(_RELOAD, name=location))["reloadRepositoryLocation"]
        fault = answer.get("message") or (answer.get("locationOrLoadError") or {}).get("message")
        if fault:
            raise UserError(f"The code cannot be loaded, so nothing was begun: {fault.strip()}")
        selector = {"repositoryLocationName": location, "repositoryName": place, "jobName": REFRESH}
        run = {"selector": selector, "mode": "default", "runConfigData": {}}
        answer = (await self._ask(_LAUNCH, run=run))["launchRun"]
        if answer["__typename"] != "LaunchRunSuccess":
            faults = [answer.get("message"), *(one["message"] for one in answer.get("errors", []))]
            raise UserError(f"Dagster did not begin the run: {' '.join(filter(None, faults)) or answer['__typename']}")
        return answer["run"]["runId"]

    async def _find_refresh(self) -> tuple[str, str]:
        """The repository that has the job, and its location, as Dagster calls them."""
        for node in (await self._ask(_WHERE))["repositoriesOrError"].get("nodes", []):
            if REFRESH in [job["name"] for job in node["jobs"]]:
                return node["name"], node["location"]["name"]
        raise UserError("The code cannot be loaded: Dagster's page shows the error, under Deployment.")

    async def _ask(self, query: str, **variables: Any) -> dict[str, Any]:
        async with self._session.post(
            f"{self._address}/graphql", json={"query": query, "variables": variables}
        ) as answer:
            said = await answer.json()
        if said.get("errors"):
            raise UserError(f"Dagster refused: {said['errors'][0]['message']}")
        return said["data"]


class MLflowPages:
    """MLflow's server."""

    def __init__(self, session: aiohttp.ClientSession, address: str, profile: str) -> None:
        self._session, self._address = session, f"{address}/api/2.0/mlflow"
        self._experiment = f"sepbench/{profile}"

    async def experiment_id(self) -> str | None:
        """Of the profile's experiment, if there is one yet."""
        found = await self._get("experiments/get-by-name", experiment_name=self._experiment)
        return found["experiment"]["experiment_id"] if "experiment" in found else None

    async def curves(self) -> dict[str, dict[str, list[list[float]]]]:
        """Of every asset whose run goes on, the curves by name, each of ``[step, value]``.

        Where there are several seeds, each has a run of its own, and its curves are called ``seed_N/...``.
        """
        experiment_id = await self.experiment_id()
        if experiment_id is None:
            return {}
        found: dict[str, dict[str, list[list[float]]]] = {}
        for run in await self._runs(experiment_id, "attributes.status = 'RUNNING'"):
            asset = _tags(run).get(ASSET_KEY, "").partition("/")[2]
            if not asset:  # of a seed, which comes with its training
                continue
            curves = await self._curves_of(run)
            for one in await self._runs(experiment_id, f"tags.`{PARENT}` = '{run['info']['run_id']}'"):
                seed = f"seed_{_tags(one)[SEED]}"
                curves |= {f"{seed}/{name}": points for name, points in (await self._curves_of(one)).items()}
            if curves:
                found[asset] = curves
        return found

    async def _runs(self, experiment_id: str, query: str) -> list[dict[str, Any]]:
        asked = {"experiment_ids": [experiment_id], "filter": query}
        async with self._session.post(f"{self._address}/runs/search", json=asked) as answer:
            return (await answer.json()).get("runs", [])

    async def _curves_of(self, run: dict[str, Any]) -> dict[str, list[list[float]]]:
        names = [one["key"] for one in run["data"].get("metrics", []) if one["key"].rpartition("/")[2] in CURVES]
        curves = {}
        for name in sorted(names):
            said = await self._get("metrics/get-history", run_id=run["info"]["run_id"], metric_key=name)
            curves[name] = [[int(one["step"]), one["value"]] for one in said.get("metrics", [])]
        return curves

    async def _get(self, what: str, **asked: str) -> dict[str, Any]:
        async with self._session.get(f"{self._address}/{what}", params=asked) as answer:
            return await answer.json()


def _tags(run: dict[str, Any]) -> dict[str, str]:
    return {one["key"]: one["value"] for one in run["data"].get("tags", [])}

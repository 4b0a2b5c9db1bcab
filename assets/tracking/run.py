"""An open MLflow run, as an asset sees it."""

import hashlib
import logging
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from assets.paths import Paths
from assets.tracking.datasets import note_datasets
from assets.tracking.naming import NOTE
from assets.tracking.naming import note as said
from assets.tracking.seeds import begin_seed, seed_and_figure
from sepmodels.files import temporary_prefix
from sepmodels.machine.signals import held_signals

FLUSH_SECONDS = 3.0
METRICS_PER_BATCH = 1000  # MLflow's limits
PARAMETERS_PER_BATCH = 100
PARAMETER_CHARACTERS = 6000


class TrackedRun:
    """An open MLflow run; made by :meth:`assets.tracking.tracker.Tracker.run`.

    What is made is worth more than what is told of it: where the store does not take something, a warning says so, and
    the work goes on.

    id: MLflow's.
    url: its page on the MLflow server.
    folder: of the store.
    why: the reasons why the product is made, for the note.
    goes_on: whether an earlier attempt has logged to it; a point of a curve that it has got is not logged again.
    """

    def __init__(
        self,
        client,
        run_id: str,
        url: str,
        *,
        folder: Path,
        warn: Callable[[str], None],
        why: Sequence[str] = (),
        goes_on: bool = False,
    ) -> None:
        self.id = run_id
        self.url = url
        self._client = client
        self._folder = folder
        self._warn = warn
        self._pending: list = []
        self._flushed_at = time.monotonic()
        self._goes_on = goes_on
        self._why = tuple(why)
        self._over = False
        self._seeds: dict[int, TrackedRun | None] = {}
        self._known: dict[str, set[int]] = {}

    def log(self, figures: Mapping[str, float], step: int) -> None:
        """Note figures of a step, for curves: cheap, because they go to the store in batches. NaN is kept as NaN."""
        from mlflow.entities import Metric

        now_ms = int(time.time() * 1000)
        new = {name: value for name, value in figures.items() if step not in self._logged_before(name)}
        self._pending += [Metric(name, float(value), now_ms, step) for name, value in new.items()]
        if time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            self._flush_or_warn()

    def log_by_seed(self, figures: Mapping[str, float], step: int, *, side_by_side: bool = False) -> None:
        """As :meth:`log`, but a figure called ``seed_N/loss`` goes to the run of that seed, as ``loss``.

        side_by_side: whether all seeds are trained at once; else those before have ended.
        """
        parts: dict[TrackedRun, dict[str, float]] = {}
        for name, value in figures.items():
            seed, own_name = seed_and_figure(name)
            run = None if seed is None else self.of_seed(seed, side_by_side=side_by_side)
            parts.setdefault(run or self, {})[own_name if run else name] = value
        for run, its_figures in parts.items():
            run.log(its_figures, step)

    def _logged_before(self, name: str) -> set[int]:
        """The steps of the figure that an earlier attempt logged; 0, of what is no curve, is none of them."""
        if self._goes_on and name not in self._known:
            self._known[name] = set()
            with self.or_warn(f"questions about {name}"):
                history = self._client.get_metric_history(self.id, name)
                self._known[name] = {metric.step for metric in history} - {0}
        return self._known.get(name, set())

    def of_seed(self, seed: int, *, side_by_side: bool = False) -> "TrackedRun | None":
        """The run of one of the training's seeds; None where the store does not take it.

        The seed before has ended, unless they are trained side by side.
        """
        if seed not in self._seeds:
            for before in () if side_by_side else filter(None, self._seeds.values()):
                before.end("FINISHED")
            with held_signals():  # a run that is made is known here, so that an interrupt ends it
                self._seeds[seed] = None
                with self.or_warn(f"a run for the seed {seed}"):
                    self._seeds[seed] = self._begin_seed(seed)
        return self._seeds[seed]

    def _begin_seed(self, seed: int) -> "TrackedRun":
        run = begin_seed(self._client, self.id, seed)
        url = self.url.replace(self.id, run.info.run_id)
        found = TrackedRun(
            self._client, run.info.run_id, url, folder=self._folder, warn=self._warn, goes_on=self._goes_on
        )
        found._over = run.info.status == "FINISHED"
        found.log_parameters({"seed": seed})
        return found

    def log_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Note what the run was made with; nested mappings and dataclasses are flattened ("training.batch").

        MLflow never lets a parameter change: in a resumed run, one that differs now becomes a tag.
        """
        from mlflow.entities import Param

        known = self._client.get_run(self.id).data.params
        flat = flatten(parameters)
        fresh = [Param(name, value) for name, value in flat.items() if name not in known]
        for start in range(0, len(fresh), PARAMETERS_PER_BATCH):
            self._client.log_batch(self.id, params=fresh[start : start + PARAMETERS_PER_BATCH])
        for name, value in flat.items():
            if known.get(name, value) != value:
                self._client.set_tag(self.id, f"resumed.{name}", value)

    def artifact(self, path: Path, folder: str | None = None) -> None:
        """Keep a copy of a file, or of a folder's files, with the run (in its ``folder``)."""
        with self.or_warn(path.name), _temporary_files_in(self._folder):
            if path.is_dir():
                self._client.log_artifacts(self.id, str(path), folder or path.name)
            else:
                self._client.log_artifact(self.id, str(path), folder)

    def text(self, name: str, text: str) -> None:
        """Keep a text with the run, as a file of that name."""
        with self.or_warn(name), _temporary_files_in(self._folder):
            self._client.log_text(self.id, text, name)

    def figure(self, name: str, figure: Any) -> None:
        """Keep a Plotly figure with the run, as a page ``<name>.html`` that needs no network."""
        with self.or_warn(f"{name}.html"), _temporary_files_in(self._folder):
            self._client.log_text(self.id, figure.to_html(include_plotlyjs=True), f"{name}.html")

    def register(
        self, model_file: Path, name: str, description: str, validation_sdr_db: float, beside: Iterable[Path] = ()
    ) -> None:
        """Put a model file into the registry as the newest version of ``name``, with its code that lies beside."""
        from assets.tracking.registry import note_validation, register_model

        with self.or_warn(f"the model {name}"), _temporary_files_in(self._folder):
            version = register_model(self._client, self.id, model_file, name, beside)
            note_validation(self._client, name, version, description, validation_sdr_db)

    def note_datasets(self, paths: Paths, versions: Mapping[str, str]) -> None:
        """Log the stems that it reads; versions: their data versions, by split."""
        with self.or_warn("the datasets"):
            note_datasets(self._client, self.id, paths, versions)

    def note_test_scores(
        self, profile: str, summary: pd.DataFrame, by_seed: pd.DataFrame, *, test_set: str = ""
    ) -> None:
        """Log what the table says of each trained system, and of each seed, with the run of its training.

        test_set: the name of the test set that it is on, if that is not the profile's own.
        """
        from assets.tracking.trainings import note_test_scores

        with self.or_warn("the scores of the trainings"):
            experiment_id = self._client.get_run(self.id).info.experiment_id
            note_test_scores(self._client, experiment_id, profile, summary, by_seed, test_set)

    def end(self, status: str, note: str | None = None) -> None:
        """Write what is pending and close the run as FINISHED, FAILED or KILLED, with a note that says why.

        So are the runs of its seeds that are still open.
        """
        for seed in filter(None, self._seeds.values()):
            seed.end(status)
        self._flush_or_warn()
        if self._over:
            return
        with self.or_warn("how the run ended"):
            if note:
                self._client.set_tag(self.id, NOTE, said(self._why, ended=note))
            self._client.set_terminated(self.id, status)
            self._over = True

    def _flush_or_warn(self) -> None:
        """Write the pending figures; where the store does not take them, keep them: training is worth more."""
        self._flushed_at = time.monotonic()
        with self.or_warn(f"{len(self._pending)} figures"):
            while self._pending:
                self._client.log_batch(self.id, metrics=self._pending[:METRICS_PER_BATCH])
                del self._pending[:METRICS_PER_BATCH]

    @contextmanager
    def or_warn(self, what: str) -> Iterator[None]:
        """Within the block an error of the store's is a warning: MLflow's, the disk's, the database's, in any class."""
        try:
            yield
        except Exception as error:
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
            self._warn(f"MLflow did not take {what}; what was made is kept. {reason}")


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    """Within the block Python's temporary files are below the folder: MLflow copies models there on their way.

    The system's own folder for them may be small, and there is room where the model itself lies.
    """
    with tempfile.TemporaryDirectory(prefix=temporary_prefix(), dir=folder) as inside:
        before, tempfile.tempdir = tempfile.tempdir, inside
        try:
            yield
        finally:
            tempfile.tempdir = before


def flatten(parameters: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as names with dots and texts within MLflow's limits; a text too long ends in its hash.

    >>> flatten({"variant": {"name": "transformer", "settings": {"heads": 8}}, "seeds": (42, 43)})
    {'variant.name': 'transformer', 'variant.settings.heads': '8', 'seeds': '(42, 43)'}
    """
    flat: dict[str, str] = {}
    for name, value in parameters.items():
        if is_dataclass(value) and not isinstance(value, type):
            value = {entry: getattr(value, entry) for entry in value.__dataclass_fields__}
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = _shortened(str(value))
    return flat


def _shortened(text: str) -> str:
    if len(text) <= PARAMETER_CHARACTERS:
        return text
    end = f"... ({len(text)} characters, SHA-256 {hashlib.sha256(text.encode()).hexdigest()})"
    return text[: PARAMETER_CHARACTERS - len(end)] + end


@contextmanager
def system_metrics(tracking_uri: str, run: TrackedRun) -> Iterator[None]:
    """Log use of processor, memory, disk, network and GPU every ten seconds, and once at the end of the block."""
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

    logging.getLogger("mlflow.system_metrics").setLevel(logging.WARNING)
    monitor = SystemMetricsMonitor(run.id, resume_logging=True, tracking_uri=tracking_uri)
    monitor.start()
    try:
        yield
    finally:
        with run.or_warn("figures of the machine"):
            monitor.finish()
            monitor.collect_metrics()
            monitor.publish_metrics(monitor.aggregate_metrics())
            monitor.mlflow_logger.flush()

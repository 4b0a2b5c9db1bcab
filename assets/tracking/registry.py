"""The model registry: trained models by name."""

import math
import tempfile
import warnings
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path

import sepmodels
from assets.tracking.moving import kept_file
from assets.tracking.store import read_store
from sepmodels.errors import UserError, unknown_name

# What the code that is kept with a model needs; said outright, or MLflow would go and find out.
LIBRARIES = ("torch", "torchaudio", "numpy", "pandas", "psutil", "safetensors")
CODE = Path(sepmodels.__file__).parent
BEST, VALIDATION_TAG = "best", "sepbench.validation_sdr_db"
SCRIPT = Path(__file__).with_name("registered_model.py")


def model_name(profile: str, variant: str) -> str:
    """What a variant's model is called in the registry.

    >>> model_name("demo", "open_unmix")
    'sepbench-demo-open_unmix'
    """
    return f"sepbench-{profile}-{variant}"


def register_model(client, run_id: str, model_file: Path, name: str, beside: Iterable[Path] = ()) -> str:
    """Keep a copy of ``model_file`` in the registry as the newest version of ``name``, made by ``run_id``.

    ``mlflow.pyfunc.load_model("models:/<name>/latest")`` gives it back, with a ``predict`` from mixture to target,
    both float32 (channel, sample), also where this project is not installed. What is kept is the safetensors file, a
    script that loads it, and the code that the script calls: no pickle.
    beside: modules outside the project that the model needs as well.
    Returns the version.
    """
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    with tempfile.TemporaryDirectory() as folder:
        packed = Path(folder) / "model"
        _pack(model_file, packed, [CODE, *beside])
        client.log_artifacts(run_id, str(packed), "model")
    source = f"{client.get_run(run_id).info.artifact_uri}/model"
    return client.create_model_version(name, source, run_id=run_id).version


def note_validation(client, name: str, version: str, description: str, validation_sdr_db: float) -> None:
    """Say what a version is, and let the alias ``best`` lead to that of the highest SDR of the validation tracks.

    Only validation tracks choose it: the test is for the table.
    """
    client.update_registered_model(name, description)
    client.update_model_version(name, version, f"SDR of the validation tracks: {validation_sdr_db:.2f} dB.")
    client.set_model_version_tag(name, version, VALIDATION_TAG, f"{validation_sdr_db:.4f}")
    best = max(client.search_model_versions(f"name = '{name}'"), key=_validation_sdr_db)
    client.set_registered_model_alias(name, BEST, best.version)


def _validation_sdr_db(version) -> tuple[float, int]:
    """Of a version; of equal ones the newest is the best, and one that says none is the worst."""
    said = float(version.tags.get(VALIDATION_TAG, "nan"))
    return (said if math.isfinite(said) else -math.inf, int(version.version))


def _pack(model_file: Path, folder: Path, code: Iterable[Path]) -> None:
    """MLflow's own folder of a model, with a signature."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # MLflow's, about its own type hints and an example that is not needed
        import mlflow.pyfunc
        import numpy as np
        from mlflow.models import ModelSignature
        from mlflow.types import Schema, TensorSpec

        waveform = Schema([TensorSpec(np.dtype(np.float32), (-1, -1))])
        mlflow.pyfunc.save_model(
            folder,
            python_model=str(SCRIPT),
            artifacts={"model": str(model_file)},
            code_paths=[*map(str, code)],
            signature=ModelSignature(inputs=waveform, outputs=waveform),
            pip_requirements=[f"{name}=={version(name)}" for name in LIBRARIES],
        )


def registered_model_file(tracking_folder: Path, name: str, version: str | None = None) -> Path:
    """The safetensors file of a version of a registered model; of the newest if none is named.

    Raises :class:`UserError` when there is none of that name or version.
    """
    client = read_store(tracking_folder)
    versions = {str(found.version): found for found in client.search_model_versions(f"name = '{name}'")}
    if not versions:
        raise unknown_name("registered model", name, [m.name for m in client.search_registered_models()])
    if version is None:
        version = max(versions, key=int)
    if version not in versions:
        raise unknown_name(f"version of {name} called", version, sorted(versions, key=int))
    return _packed_file(tracking_folder, versions[version].source, f"version {version} of {name}")


def run_model_file(tracking_folder: Path, run_id: str) -> Path:
    """The safetensors file that a run keeps; raises :class:`UserError` when there is no such run, or none in it."""
    from mlflow.exceptions import MlflowException

    client = read_store(tracking_folder)
    try:
        run = client.get_run(run_id)
    except MlflowException:
        raise UserError(
            f"There is no run {run_id} in {tracking_folder}: its page in MLflow shows the id (`sepbench ui`)."
        ) from None
    return _packed_file(tracking_folder, f"{run.info.artifact_uri}/model", f"run {run_id}")


def _packed_file(tracking_folder: Path, source: str, whose: str) -> Path:
    """The one safetensors file in what :func:`_pack` made."""
    folder = kept_file(tracking_folder, source) / "artifacts"
    found = sorted(folder.glob("*.safetensors"))
    if len(found) != 1:
        raise UserError(f"The {whose} keeps no model in {folder}: name the run of a checkpoint, or a model's file.")
    return found[0]

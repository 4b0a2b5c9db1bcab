"""The script that MLflow keeps beside a registered model, and runs to load it back. Nothing imports it."""


def _define() -> None:
    import mlflow
    import numpy as np

    class SeparationModel(mlflow.pyfunc.PythonModel):
        """Mixture in, the target out, such as vocals."""

        def load_context(self, context) -> None:
            from pathlib import Path

            from sepmodels.models.model_file import load_model

            self._model, _ = load_model(Path(context.artifacts["model"]))

        def predict(self, context, model_input: np.ndarray, params=None) -> np.ndarray:  # noqa: ARG002
            """The target in a mixture: float32 (channel, sample) at the model's sample rate, both in and out."""
            from sepmodels.separation.separate import separate
            from sepmodels.settings import SeparationSettings

            return separate(self._model, np.asarray(model_input, np.float32), SeparationSettings())

    mlflow.models.set_model(SeparationModel())


_define()

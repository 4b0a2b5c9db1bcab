"""Trained models, ready to separate with."""

from collections.abc import Callable, Mapping

import numpy as np

from assets.paths import Paths
from sepmodels.errors import UserError
from sepmodels.settings import Profile
from sepmodels.systems.added import Model
from sepmodels.systems.system import System
from sepmodels.systems.variants import Variant


def models_of(profile: Profile, paths: Paths, systems: Mapping[str, System]) -> Callable[[str], Model]:
    """Gives what separates by a variant's model of the first seed; raises UserError where that is not trained."""
    from sepmodels.machine.devices import choose_device
    from sepmodels.models.model_file import load_model
    from sepmodels.separation.separate import separate

    def model_of(name: str) -> Model:
        variant, file = systems[name], paths.model(name, profile.seeds[0])
        if not isinstance(variant, Variant):
            raise UserError(f"{name} ({variant.kind}) has no model here: name a trained variant.")
        if not file.exists():
            raise UserError(
                f"{name} is not trained yet ({file} is missing): run `sepbench run -p {profile.name} --only {name}`."
            )
        device = choose_device(profile.device)
        model, _ = load_model(file, expect=variant, device=device)

        def vocals_of(mixture: np.ndarray) -> np.ndarray:
            iterations = variant.wiener_iterations
            return separate(model, mixture, profile.separation, wiener_iterations=iterations, device=device)

        return vocals_of

    return model_of

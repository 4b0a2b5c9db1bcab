"""Which engines there are. What an engine needs is imported only where it is used."""

from sepmodels.cluster.engine import Engine
from sepmodels.cluster.settings import ClusterSettings
from sepmodels.errors import UserError


def engine_of(settings: ClusterSettings) -> Engine:
    """The engine that the settings name. Raises UserError where it is not installed, or not reached."""
    if settings.executor == "slurm":
        from sepmodels.cluster.slurm import Slurm

        return Slurm(settings.slurm)
    if settings.executor == "ray":
        from sepmodels.cluster.ray_tasks import Ray

        return Ray(settings.ray)
    raise UserError(f"The executor {settings.executor} hands nothing to other machines.")

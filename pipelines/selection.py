"""Which assets a command runs."""

from collections.abc import Iterable

from sepmodels.settings import Profile
from sepmodels.variants import VARIANTS, find_variant


def select(profile: Profile, only: Iterable[str]) -> list[str]:
    """Keys of the assets to run: all, or without the chains of the variants that ``only`` leaves out.

    Raises :class:`UserError` for an unknown variant.
    """
    from assets.steps import benchmark_steps
    from sepmodels.references import REFERENCES

    wanted = {find_variant(name).name for name in only} or set(VARIANTS)
    steps = benchmark_steps(profile, VARIANTS.values(), REFERENCES)
    return ["/".join((profile.name, *step.path)) for step in steps if step.variant is None or step.name in wanted]

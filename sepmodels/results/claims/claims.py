"""The one list of claims that the benchmark judges: a new one is one entry here.

The first ones are those of the paper that the variants come from: K. George, K. Li, G. Min and J. Seong, "Singing
Vocal Source Separation with Deep Neutral Networks", Georgia Institute of Technology, 2022
(https://github.com/likelian/source_separation/blob/master/docs/Source_Separation.pdf). It trained for one epoch and had
no scores. What it says in words is put here as what can be measured.

An entry is written before its figures are seen: measure, direction, margin and seeds are not chosen to fit them.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from sepmodels.errors import UserError, unknown_name
from sepmodels.results.claims.measures import MEASURES

Direction = Literal["higher", "lower", "equal"]
FEWEST_SEEDS = 2  # with one training nothing is known of how far the next would end from it


@dataclass(frozen=True)
class Claim:
    """A sentence that figures can support or refute.

    name: its identifier in tables.
    sentence: the claim. source: where it stands.
    first, second: the systems that it compares: variants, references, or imported ones. Without ``second`` the claim is
        on a share of the first system alone.
    measure: of :data:`sepmodels.results.claims.measures.MEASURES`.
    direction: whether the first is said to be higher or lower than the second, or equal to it.
    margin: what the difference must pass ("higher", "lower") or stay within ("equal"): in dB for scores, a share for
        ratios (0.1 is from 1/1.1 to 1.1) and for shares. Without ``second``: the share that the figure must pass.
    seeds: the fewest trainings of each trained system that may support or refute it.
    of: what has to be separated for it: vocals; others than the vocals; or any target.
    """

    name: str
    sentence: str
    source: str
    first: str
    second: str | None
    measure: str
    direction: Direction
    margin: float = 0.0
    seeds: int = 3
    of: Literal["vocals", "others", "any"] = "vocals"


_ALL = (
    Claim(
        name="l1_separates_more_exclusively",
        sentence="L1 separates the vocals more exclusively from the other instruments than MSE.",
        source="section 3.4.3",
        first="l1_loss",
        second="open_unmix",
        measure="SIR",
        direction="higher",
    ),
    Claim(
        name="mse_sounds_better",
        sentence="MSE sounds better than L1.",
        source="section 3.4.3",
        first="open_unmix",
        second="l1_loss",
        measure="SAR",
        direction="higher",
    ),
    Claim(
        name="mse_converges_faster",
        sentence="MSE converges faster than L1.",
        source="section 2.4.1",
        first="open_unmix",
        second="l1_loss",
        measure="steps to converge",
        direction="lower",
        of="any",
    ),
    Claim(
        name="dual_loss_costs_the_same",
        sentence="The dual loss costs about as much as the baseline.",
        source="section 3.4.4",
        first="dual_loss",
        second="open_unmix",
        measure="training time",
        direction="equal",
        margin=0.1,
        of="any",
    ),
    Claim(
        name="transformer_trains_faster",
        sentence="The Transformer trains in less time than the BiLSTM.",
        source="section 2.3, as expected there",
        first="transformer",
        second="open_unmix",
        measure="training time",
        direction="lower",
        of="any",
    ),
    Claim(
        name="transformer_separates_faster",
        sentence="The Transformer separates in less time than the BiLSTM.",
        source="section 2.3, as expected there",
        first="transformer",
        second="open_unmix",
        measure="separation time",
        direction="lower",
        of="any",
    ),
    Claim(
        name="transformer_separates_better",
        sentence="The Transformer separates better than the BiLSTM.",
        source="section 2.3, as expected there",
        first="transformer",
        second="open_unmix",
        measure="SDR",
        direction="higher",
    ),
    Claim(
        name="soft_masks_beat_binary_masks",
        sentence="Soft masks beat binary masks.",
        source="section 2, after Manilow, Seetharaman and Salamon 2020",
        first="oracle_mask",
        second="ideal_binary_mask",
        measure="SDR",
        direction="higher",
        of="any",
    ),
    Claim(
        name="low_sample_rate_spoils",
        sentence="A lowered sample rate spoils the time-domain model.",
        source="sections 3.3 and 3.4.1",
        first="time_domain_22khz",
        second="time_domain",
        measure="SDR",
        direction="lower",
        margin=0.5,  # "significantly": more than what another seed moves a model by
    ),
    Claim(
        name="feeding_starves_training",
        sentence="Feeding starves the training: most of a step is spent waiting for data.",
        source="section 3.3",
        first="open_unmix",
        second=None,
        measure="share of a step spent on data",
        direction="higher",
        margin=0.5,
        of="any",
    ),
    *(
        Claim(
            name=f"{model}_serves_other_sources",
            sentence=f"{title} can be trained for other sources than vocals, with no modification of the model.",
            source="section 1",
            first=model,
            second="mixture",
            measure="SIR",  # which a mixture that is turned down does not raise, as it does SDR
            direction="higher",
            margin=3.0,  # half of the other sources' energy gone
            of="others",
        )
        for model, title in (
            ("open_unmix", "Open-Unmix"),
            ("time_domain", "The time-domain model"),
            ("transformer", "The Transformer"),
        )
    ),
)


def checked(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """The claims as they are; raises :class:`UserError` for the first that cannot be judged, whatever the figures."""
    found: dict[str, Claim] = {}
    for claim in claims:
        if not re.fullmatch("[a-z][a-z0-9_]*", claim.name):
            raise UserError(f"A claim cannot be called {claim.name!r}: use small letters, digits and _ only.")
        if claim.name in found:
            raise UserError(f"Two claims are called {claim.name!r}: give one of them another name.")
        if claim.measure not in MEASURES:
            raise unknown_name("measure", claim.measure, MEASURES)
        if fault := _fault(claim):
            raise UserError(f"The claim {claim.name} {fault}")
        found[claim.name] = claim
    return tuple(found.values())


def _fault(claim: Claim) -> str:
    """What keeps a claim from being judged, as the end of a sentence; nothing where it is sound."""
    if claim.direction not in ("higher", "lower", "equal"):
        return f"has the direction {claim.direction!r}: expected higher, lower or equal."
    if claim.first == claim.second:
        return f"compares {claim.first} with itself: name another system."
    if claim.second is None and (MEASURES[claim.measure].kind != "share" or claim.direction == "equal"):
        return "has one system: name a second, or claim that a share is higher or lower than its margin."
    if not 0 <= claim.margin < float("inf") or (claim.direction == "equal" and not claim.margin):
        least = "above 0" if claim.direction == "equal" else "from 0 on"
        return f"has a margin of {claim.margin}: expected a number {least}."
    if claim.seeds < FEWEST_SEEDS:
        return f"asks for {claim.seeds} seeds: expected {FEWEST_SEEDS} or more."
    return ""


CLAIMS = checked(_ALL)

"""Systems of others that were scored elsewhere: of them there are scores alone."""

from dataclasses import dataclass, field
from pathlib import Path

from sepmodels.errors import UserError
from sepmodels.systems.added import PLACE_ONLY, Added
from sepmodels.systems.system import Place


@dataclass(frozen=True, kw_only=True)
class GivenScores(Added):
    """A system of which there are scores alone.

    scores: a folder of museval's files, or a table (CSV or Parquet) of scores.
    """

    scores: Path = field(metadata=PLACE_ONLY)

    kind = "given scores"
    says = "Scored elsewhere."
    option = "scores"
    chain = ("scores",)
    compared = False
    scored_here = False

    @property
    def place(self) -> Place:
        """At the end: who scored it, and how, is not known here."""
        return "elsewhere"

    @property
    def files(self) -> Path:
        """The scores."""
        return self.scores

    def check(self) -> None:
        """Raise UserError where there is nothing."""
        if not self.scores.exists():
            raise UserError(f"There is no {self.scores}: name a folder of museval's files, or a table of scores.")

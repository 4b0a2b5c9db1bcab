"""Systems of others that were scored elsewhere: of them there are scores alone."""

from dataclasses import dataclass, field, replace
from pathlib import Path

from sepmodels.errors import UserError
from sepmodels.marks import no_part_of_a_result
from sepmodels.systems.added import PLACE_ONLY, Added, beside, beside_in_words
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

    @no_part_of_a_result("which files are read: their content is hashed")
    def on(self, test_set: str) -> "GivenScores | None":
        """The scores on another test set, beside those on the own one."""
        found = beside(self.scores, test_set)
        return replace(self, scores=found) if found.exists() else None

    @no_part_of_a_result("a sentence says it, and nothing reads it")
    def given_for(self, test_set: str) -> str:
        """Beside the scores on the own one."""
        return beside_in_words(self.scores, test_set)

    def check(self) -> None:
        """Raise UserError where there is nothing."""
        if not self.scores.exists():
            raise UserError(f"There is no {self.scores}: name a folder of museval's files, or a table of scores.")

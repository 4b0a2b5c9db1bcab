"""Systems of others that were scored elsewhere, and came as museval files."""

from dataclasses import dataclass

from sepmodels.systems.system import Place, System


@dataclass(frozen=True)
class GivenScores(System):
    """A system of which there are scores alone."""

    kind = "given scores"
    says = "Scored elsewhere."

    @property
    def place(self) -> Place:
        """At the end: who scored it, and how, is not known here."""
        return "elsewhere"


def given_scores(name: str) -> GivenScores:
    """The system of that name, which is also what tables show."""
    return GivenScores(name, name, "Its scores were given as museval files; nothing of it was made here.")

"""Accepting a product of other code as today's: what is recorded of it, and which changes can be accepted.

Dagster's records are the only place where it stands: an acceptance is a materialization of what was there, with the
same data version, under today's code version, with a note of who accepted it, when, and why.
"""

import getpass
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg

from assets.paths import PROJECT
from assets.staleness.code.version import explain

ACCEPTANCES = "acceptances"  # in the metadata of a product, oldest first
ACCEPTED = "accepted"  # the same, for people
ACCEPT_TAGS = {"sepbench/accept": "true"}  # of a run that makes nothing, and accepts what is stale


@dataclass(frozen=True)
class Acceptance:
    """One acceptance of a product.

    because, by, when: the reason, a person's name, the time in UTC.
    changes: what had changed, a sentence each.
    evidence: what was found when a part of it was made again; or that nothing was.
    before, after: the code versions, without the list of seeds.
    """

    because: str
    by: str
    when: str
    changes: tuple[str, ...]
    evidence: str
    before: str
    after: str

    def sentence(self) -> str:
        """Who accepted it, when, why, and on what evidence.

        >>> Acceptance("renamed a loss", "A. Person", "2026-11-27 10:00 UTC", (), "Not checked.", "a", "b").sentence()
        'accepted by A. Person on 2026-11-27 10:00 UTC: renamed a loss. Not checked.'
        """
        end = "" if self.because.endswith((".", "!", "?")) else "."
        return f"accepted by {self.by} on {self.when}: {self.because}{end} {self.evidence}"


class Why(dg.ConfigurableResource):
    """Why stale products are accepted as they are, in a run of the job ``accept``; other runs do not look at it.

    because: the reason, in your words. check: "auto" makes a part of each product again and compares it where that
        takes less than a minute; "always" and "never" do what they say. Without a check a reason is needed.
    """

    because: str = ""
    check: str = "auto"


def acceptances(metadata: Mapping[str, Any]) -> list[Acceptance]:
    """The acceptances that a product rests on, oldest first; none of one that today's code made."""
    noted = metadata.get(ACCEPTANCES)
    rows = noted.value if isinstance(noted, dg.JsonMetadataValue) else []
    return [Acceptance(**{**row, "changes": tuple(row["changes"])}) for row in rows] if isinstance(rows, list) else []


def in_one_sentence(accepted: Sequence[Acceptance]) -> str:
    """All acceptances of a product, oldest first; empty for none."""
    return "; ".join(one.sentence().rstrip(".") for one in accepted) + ("." if accepted else "")


def as_metadata(accepted: Sequence[Acceptance]) -> dict[str, dg.MetadataValue]:
    """The acceptances as metadata of a materialization; nothing where there are none."""
    if not accepted:
        return {}
    said = "\n".join(f"- {one.sentence()}" for one in accepted)
    return {ACCEPTANCES: dg.MetadataValue.json([asdict(one) for one in accepted]), ACCEPTED: dg.MetadataValue.md(said)}


def versions_accepted(accepted: Sequence[Acceptance], now: str) -> tuple[str, ...]:
    """The code versions that persons have said to make what ``now`` makes, newest first.

    >>> one, two = (Acceptance("", "", "", (), "", *versions) for versions in ("ab", "bc"))
    >>> versions_accepted([one, two], "c"), versions_accepted([one, two], "b"), versions_accepted([one, two], "d")
    (('b', 'a'), ('a',), ())
    """
    same = [now]
    for one in reversed(accepted):
        if one.after in same:
            same.append(one.before)
    return tuple(dict.fromkeys(same[1:]))


def unacceptable(before: Mapping[str, str], now: Mapping[str, str], *, checked: bool) -> list[str]:
    """What of the changes nobody can accept: those of settings and given files; of libraries unless it was checked.

    A sentence each.
    """
    changed = {name for name in {*before, *now} if before.get(name) != now.get(name)}
    refused = {name for name in changed if not _is_code(name) and not (checked and _is_library(name))}
    return explain(_only(before, refused), _only(now, refused))


def needs_check(before: Mapping[str, str], now: Mapping[str, str]) -> bool:
    """Whether a version of a library changed, which may only be accepted after a check."""
    return any(_is_library(name) and before.get(name) != now.get(name) for name in {*before, *now})


def changed_code(before: Mapping[str, str], now: Mapping[str, str]) -> set[str]:
    """The parts of today's code that were not so before: ``file.py::Class.method``."""
    return {name for name, value in now.items() if _is_code(name) and before.get(name) != value}


def _is_code(name: str) -> bool:
    return "::" in name


def _is_library(name: str) -> bool:
    return name.startswith("library:")


def _only(parts: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    return {name: value for name, value in parts.items() if name in names}


def person() -> str:
    """Who accepts: the name that git knows, or the login's."""
    try:
        found = subprocess.run(
            ["git", "config", "user.name"], cwd=PROJECT, capture_output=True, text=True, check=False
        ).stdout.strip()
    except OSError:
        found = ""
    return found or getpass.getuser()


def time_now() -> str:
    """The time, as it is noted."""
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")

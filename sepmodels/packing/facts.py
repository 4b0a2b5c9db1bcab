"""What a pack says of the benchmark beside its tables: plain data, kept as ``pack.json``."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, get_type_hints

from sepmodels.audio import TARGETS
from sepmodels.errors import UserError
from sepmodels.results.artists import By
from sepmodels.systems.added import Added
from sepmodels.systems.system import PLACES, System
from sepmodels.systems.variants import Variant

FACTS = "pack.json"
FORMAT = 1  # of packs; raised where an older sepbench could not read one any more

Strings = Mapping[str, str]


@dataclass(frozen=True)
class Facts:
    """What is known of a packed benchmark as a whole.

    format: of the pack. sepbench: the version that packed it. made: the day of the table, YYYY-MM-DD.
    profile, settings, changed: its name, every setting as text, and those that a person changed.
    systems: of each scored system, in the order of the scores, what decides its row (:func:`facts_of_system`).
    missing: of systems that were expected and have no scores, the same.
    baseline: the system that the others are compared with.
    processes: of a training; with several, processor time is not known.
    notes: sentences below the table that do not follow from its numbers.
    commit, edited, lock: of the code, as it was packed: the git commit, whether files differed from it (then
        ``code/edits.patch`` is the difference), and the SHA-256 of ``requirements.lock``. Empty where it is not known.
    command: what makes the benchmark again.
    title, authors, licence: for citing. sounds_licence: of the sounds in it, empty where there are none.
    """

    format: int
    sepbench: str
    made: str
    profile: str
    settings: Strings
    changed: Strings
    systems: Sequence[Mapping[str, Any]]
    missing: Sequence[Mapping[str, Any]]
    baseline: str
    processes: int
    notes: Sequence[str]
    commit: str
    edited: bool
    lock: str
    command: str
    title: str
    authors: Sequence[str]
    licence: str
    sounds_licence: str

    def as_json(self) -> str:
        """The text of ``pack.json``."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False) + "\n"

    @property
    def target(self) -> str:
        """What the systems separate; the settings name it where it is not the vocals."""
        return self.settings.get("target", TARGETS[0])

    @property
    def statistics_by(self) -> By:
        """What is a sample of the tests and intervals. Packs of before there was a choice say nothing: a track was."""
        return "artist" if self.settings.get("statistics_by") == "artist" else "track"

    @property
    def scored(self) -> list[System]:
        """The systems that have scores, as the table takes them."""
        return [packed_system(one) for one in self.systems]

    @property
    def expected(self) -> list[System]:
        """All systems of the benchmark."""
        return [*self.scored, *(packed_system(one) for one in self.missing)]


def read_facts(content: Any, file: object) -> Facts:
    """The facts of a pack, from the content of its ``pack.json``.

    Raises UserError for a pack of a newer format, and for what is no such content. ``file`` is the pack's name.
    """
    form = content.get("format") if isinstance(content, dict) else None
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise UserError(f"{file} has a {FACTS} that says no format: expected a pack that `sepbench pack` wrote.")
    if form > FORMAT:
        raise UserError(
            f"{file} is a pack of format {form}, and this sepbench reads format {FORMAT}: get a newer sepbench, "
            f"{content.get('sepbench', 'at least the one that wrote it')}."
        )
    kinds = {str: str, int: int, bool: bool}
    for name, hint in get_type_hints(Facts).items():
        value = content.get(name)
        kind = kinds.get(hint, dict if hint == Strings else list)
        if not isinstance(value, kind) or isinstance(value, bool) != (kind is bool):
            raise UserError(f"{file} has a {FACTS} without a sound {name!r}: get the pack again.")
    texts = (*content["settings"].values(), *content["changed"].values(), *content["notes"], *content["authors"])
    if not all(isinstance(text, str) for text in texts):
        raise UserError(f"{file} has a {FACTS} with a setting or a sentence that is no text: get the pack again.")
    facts = Facts(**{entry.name: content[entry.name] for entry in fields(Facts)})
    try:
        names = [one.name for one in facts.expected]
    except (KeyError, TypeError, ValueError, AttributeError) as fault:
        raise UserError(f"{file} has a {FACTS} with an odd system ({fault}): get the pack again.") from None
    if facts.baseline not in names or len({*names}) < len(names):
        raise UserError(f"{file} has a {FACTS} whose systems are not each there once: get the pack again.")
    return facts


_OF_KIND = ("kind", "place", "seeded", "compared", "scored_here", "may_lack_tracks")


def facts_of_system(system: System) -> dict[str, Any]:
    """What of a system decides its row of the table, and what it is in words: plain data."""
    facts: dict[str, Any] = {name: getattr(system, name) for name in ("name", "title", "summary", *_OF_KIND)}
    facts["says"] = system.says
    facts["added"] = isinstance(system, Added)
    if isinstance(system, Variant):
        facts["recipe"] = {
            **{name: getattr(system, name) for name in ("architecture", "loss", "learning_rate")},
            **{name: dict(getattr(system, name) or {}) for name in ("settings", "loss_settings", "training")},
        }
    if isinstance(system, Added):
        facts["learns"] = system.learns
        facts["trained_on"] = system.trained_on
        facts["trained_on_tracks"] = list(system.trained_on_tracks)
    return facts


def packed_system(facts: Mapping[str, Any]) -> System:
    """A system that stands in the table as the packed one did, and can do nothing else.

    Raises KeyError, TypeError or ValueError for facts that are not those of :func:`facts_of_system`.
    """
    words = {name: _text(facts[name]) for name in ("name", "title", "summary", "kind", "says")}
    if facts["place"] not in PLACES or not re.fullmatch(r"\w+", words["name"]):
        raise ValueError(f"the place {facts['place']!r} of {words['name']!r}")
    flags = {name: facts[name] is True for name in ("seeded", "compared", "scored_here", "may_lack_tracks")}
    own: dict[str, Any] = {**flags, "kind": words["kind"], "says": words["says"], "place": facts["place"]}
    named: dict[str, Any] = {name: words[name] for name in ("name", "title", "summary")}
    if facts["added"] is not True:
        return _kind(System, own)(**named)
    learnt: dict[str, Any] = {
        "trained_on": _text(facts["trained_on"]),
        "trained_on_tracks": tuple(map(_text, facts["trained_on_tracks"])),
    }
    return _kind(Added, {**own, "learns": facts["learns"] is True})(**named, **learnt)


def _kind(base: type[System], own: Mapping[str, Any]) -> type[System]:
    """A kind of its own: what is the same for all systems of a kind is said by a class."""
    return type("PackedSystem", (base,), dict(own))


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} in place of a text")
    return value

"""Code versions computed from the code: what a result depends on, and what changed of it.

A code version has a part for every function, class, method and constant that a function can reach in the
project, for every setting, and for every library named. It is made by parsing, in milliseconds, without importing
torch or the project's own modules.

What counts, and what does not:

- Comments, docstrings, layout, ``pass``, annotations (but for the fields of classes) and blocks under
  ``TYPE_CHECKING`` do not count.
- ``from losses import dual`` counts ``dual`` and what it needs, not all of ``losses.py``. A module used as a value
  (``getattr(losses, name)``, ``globals()``) counts whole, unless ``extra_roots`` names what is used of it.
- Classes count whole, with their bases. So do the statements that run when a module is imported.
- A part is known by what it says and its name, not by its file: moving a file makes nothing stale.
- What is only said does not count: messages of errors, logs, warnings, sentences and labels of progress, with the
  functions that are asked for them alone (:mod:`assets.staleness.code.said`). The class of an error does; so does its
  message where a handler within reach reads it, and whatever cannot be seen to be only said
  (:mod:`assets.staleness.code.quiet`).
- What only another value of a later setting needs does not count (:mod:`assets.staleness.code.neutral`).
- What is marked as having no part in a result (:mod:`sepmodels.marks`) does not count, nor does it as a decorator
  (:mod:`assets.staleness.code.wrappers`).
- What is handed over at run time (an argument's class, a Dagster resource) counts where it is made; of settings and
  variants, the methods whose names are used.
- What a text cannot show does not count: functions that are only found in a registry which their decorators fill,
  files that the code opens, programs that it starts.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from assets.paths import PROJECT
from assets.staleness.code.lookup import Target
from assets.staleness.code.reach import Reached, reach
from sepmodels.audio.probing import decoder_version

# What cannot be marked where it stands, for it does decide results: through the step's settings and roots.
NO_PART_OF_A_RESULT = (
    "sepmodels.systems.variants:VARIANTS",  # each variant's own entry goes in through the configuration,
    "sepmodels.systems.variants:_ALL",
    "sepmodels.training.losses:LOSSES",  # and its loss as an extra root;
    "sepmodels.systems.references:REFERENCES",  # so does each reference's entry, and its function as an extra root
)
_CODE, _LIBRARY, _FILE = "::", "library:", "file:"
_OF_ALL_SYSTEMS = ("systems", "titles", "places", "summaries")  # settings of products that are of all systems


@dataclass(frozen=True)
class CodeVersion:
    """What a result depends on.

    parts: by name: ``file.py::Class.method`` (its kind and hash), ``group.setting`` (JSON), ``library:name`` (its
        version), ``file:name`` (size and time of change).
    """

    parts: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """One short hash over all parts; files' names are not in it."""
        said = sorted((name.rpartition(_CODE)[2], value) for name, value in self.parts.items())
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:16]

    def without(self, name: str) -> "CodeVersion":
        """All of it but the part of that name."""
        return CodeVersion({part: value for part, value in self.parts.items() if part != name})


def code_version(
    *roots: str,
    extra_roots: Iterable[str] = (),
    configuration: Mapping[str, Any] | None = None,
    libraries: Iterable[str] = (),
    files: Path | None = None,
    root: Path = PROJECT,
    beside: Path | None = None,
    ignore: Collection[str] = NO_PART_OF_A_RESULT,
) -> CodeVersion:
    """The code version of what starts at ``roots``.

    roots: ``module:function``, such as ``sepmodels.training.train:train``.
    extra_roots: what they import by a name known only at run time: ``module:name``, or ``module`` for all its
        public names.
    configuration: settings that bear on the result, nested as one likes: ``{"variant": {...}}``.
    libraries: distributions whose versions decide the result, and ``ffmpeg``, the program.
    files: a file, or a folder whose every file counts, that is read and that people may change by hand: by size and
        time of change.
    root: the folder that holds the project's packages.
    beside: a folder of a person's own modules, which count as the project's do.
    ignore: ``module:name`` or ``module`` at which not to look.

    Raises :class:`UserError` for a root that does not exist, a file that is not valid Python (with its line), and an
    import by a run-time name that no extra root covers.
    """
    settings = dict(_flat(configuration or {}))
    given = {name.rpartition(".")[2] for name in settings}
    reached = reach(roots, named_at_run_time=list(extra_roots), ignore=ignore, root=root, beside=beside, given=given)
    parts = _code_parts(reached)
    parts.update(settings)
    parts.update({f"{_LIBRARY}{name}": _library_version(name) for name in libraries})
    parts.update(_files_in(files) if files else {})
    return CodeVersion(dict(sorted(parts.items())))


def explain(before: Mapping[str, str], after: Mapping[str, str], *, most: int = 5) -> list[str]:
    """What makes two code versions differ, a sentence for each source file, setting and library.

    most: how many functions of a file, or files of a folder, a sentence names.

    >>> explain({"profile.training.batch": "16"}, {"profile.training.batch": "8"})
    ['profile setting training.batch changed from 16 to 8']
    """
    gone, new = _without_moved(before, after)
    target = list(_explain_target(gone, new))  # before the code that only it needs
    return [*target, *_explain_code(gone, new, most), *_explain_files(gone, new, most), *_explain_values(gone, new)]


def _code_parts(reached: list[Reached]) -> dict[str, str]:
    """The hash of each part: of what it says and of where the names in it lead.

    A name leads to a definition by that definition's own name. Where several modules have one of that name, a
    number tells them apart, so that importing the other one is seen.
    """
    namesakes: dict[str, list[str]] = {}
    for one in reached:
        namesakes.setdefault(one.part.name, []).append(one.module.name)
    numbers = {
        (module, name): f"{name}#{number}" if len(modules) > 1 else name
        for name, modules in namesakes.items()
        for number, module in enumerate(sorted(modules))
    }
    parts = {}
    for one in reached:
        links = sorted((use, _destination(target, one.module.name, numbers)) for use, target in one.links)
        digest = hashlib.sha256(json.dumps([one.text, links]).encode()).hexdigest()[:12]
        parts[f"{one.module.path}{_CODE}{one.part.name}"] = f"{one.part.kind} {digest}"
    return parts


def _destination(target: Target, module: str, numbers: Mapping[tuple[str, str], str]) -> str:
    """Where a name in ``module`` leads. Its own definitions need no number, whatever others are called."""
    name = target.name or "module"
    return name if target.module == module else numbers.get((target.module, target.name or ""), name)


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", json.dumps(value, sort_keys=True, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"A setting must be plain data, not {value!r}.")


@lru_cache
def _library_version(name: str) -> str:
    if name == "ffmpeg":
        return decoder_version()
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _files_in(place: Path) -> Iterator[tuple[str, str]]:
    folder = place.parent if place.is_file() else place
    for path in [place] if place.is_file() else _files_below(folder, frozenset()):
        seen = path.stat()
        name = path.relative_to(folder).as_posix()
        yield f"{_FILE}{name}", f"{seen.st_size} bytes, changed at {seen.st_mtime_ns} ns"


def _files_below(folder: Path, above: frozenset[Path]) -> Iterator[Path]:
    """Every file that is not hidden, through links to folders too, as whoever reads the tracks follows them.

    above: the folders that the walk is in, so that a link to one of them ends it.
    """
    here = folder.resolve()
    try:
        entries = [] if here in above else list(folder.iterdir())
    except OSError:  # none there, or not to be read
        return
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _files_below(entry, above | {here})
        elif entry.is_file() and not entry.name.startswith("."):
            yield entry


def _without_moved(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """What is only in ``before`` and only in ``after``, less what merely moved to another file."""
    gone = {name: value for name, value in before.items() if after.get(name) != value}
    new = {name: value for name, value in after.items() if before.get(name) != value}
    moved = Counter(map(_content, gone.items())) & Counter(map(_content, new.items()))
    return _less(gone, moved), _less(new, moved)


def _less(changed: Mapping[str, str], moved: Counter[tuple[str, str]]) -> dict[str, str]:
    left = moved.copy()
    kept = {}
    for item in changed.items():
        if left[_content(item)]:
            left[_content(item)] -= 1
        else:
            kept[item[0]] = item[1]
    return kept


def _content(item: tuple[str, str]) -> tuple[str, str]:
    return item[0].rpartition(_CODE)[2], item[1]


def _explain_code(gone: Mapping[str, str], new: Mapping[str, str], most: int) -> Iterator[str]:
    files: dict[str, dict[str, list[str]]] = {}
    for name in sorted({*gone, *new}):
        path, mark, qualified = name.rpartition(_CODE)
        if mark:
            event = "now uses" if name not in gone else "no longer uses" if name not in new else "changed"
            kind = (new.get(name) or gone[name]).partition(" ")[0]
            files.setdefault(path, {}).setdefault(event, []).append(_show(kind, qualified))
    for event in ("changed", "now uses", "no longer uses"):
        for path, events in files.items():
            if event in events:
                listed = _listed(events[event], most)
                yield f"{path} changed ({listed})" if event == "changed" else f"{event} {path} ({listed})"


def _listed(names: list[str], most: int) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _show(kind: str, qualified: str) -> str:
    if kind == "statements":
        return "statements at the top level"
    owner, _, name = qualified.rpartition(".")
    return f"{kind} `{name}` of `{owner}`" if owner else f"{kind} `{name}`"


def _explain_files(gone: Mapping[str, str], new: Mapping[str, str], most: int) -> Iterator[str]:
    events: dict[str, list[str]] = {}
    for name in sorted(name for name in {*gone, *new} if name.startswith(_FILE)):
        event = "added" if name not in gone else "removed" if name not in new else "replaced"
        events.setdefault(event, []).append(name.removeprefix(_FILE))
    for event, names in events.items():
        yield f"{_listed(names, most)} {'was' if len(names) == 1 else 'were'} {event}"


def _explain_systems(gone: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    """Which systems came into a product that is of all of them, and which have left it."""
    before, now = (
        {name.partition(".")[2] for name in parts if name.startswith(("titles.", "summaries."))}
        for parts in (gone, new)
    )
    yield from (f"{name} is new in the table" for name in sorted(now - before))
    yield from (f"{name} is no longer in the table" for name in sorted(before - now))


def _explain_target(gone: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    """A sentence on another target, which then counts as told; vocals where it is not said."""
    names = [name for name in {*gone, *new} if _CODE not in name and name.rpartition(".")[2] == "target"]
    told = {tuple(json.loads(parts.pop(name, '"vocals"')) for parts in (gone, new)) for name in names}
    yield from (f"the setting target was {before} and is {after}" for before, after in told)


def _explain_values(gone: Mapping[str, str], new: Mapping[str, str]) -> Iterator[str]:
    told = list(_explain_systems(gone, new))
    yield from told
    for name in sorted(name for name in {*gone, *new} if _CODE not in name and not name.startswith(_FILE)):
        if told and name.partition(".")[0] in _OF_ALL_SYSTEMS:
            continue
        if name.startswith(_LIBRARY):
            shown = f"library {name.removeprefix(_LIBRARY)}"
        else:
            group, _, setting = name.partition(".")
            shown = f"{group} setting {setting}" if setting else f"setting {group}"
        if name not in gone:
            yield f"{shown} was added ({new[name]})"
        elif name not in new:
            yield f"{shown} was removed"
        else:
            yield f"{shown} changed from {gone[name]} to {new[name]}"

"""From a function to every part of the project's code that its result can depend on."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.staleness.code.bindings import Import
from assets.staleness.code.lookup import Lookup, Target
from assets.staleness.code.names import Names
from assets.staleness.code.neutral import not_run
from assets.staleness.code.parts import PACKAGES, Module, Part
from assets.staleness.code.quiet import Ears, Quiet
from assets.staleness.code.wrappers import marked_decorators
from sepmodels.errors import UserError, unknown_name

# Classes of values that are made elsewhere and handed in: which of their methods count shows by name.
HANDED_IN = ("sepmodels.settings", "sepmodels.systems.variants", "assets.paths", "assets.job")


@dataclass(frozen=True)
class Reached:
    """A part, the module it is in, a hash of what it says, and where each name that it uses leads."""

    module: Module
    part: Part
    text: str
    links: tuple[tuple[str, Target], ...]


def reach(
    roots: Iterable[str],
    *,
    named_at_run_time: Collection[str],
    ignore: Collection[str],
    root: Path,
    beside: Path | None = None,
    given: Collection[str] | None = None,
) -> list[Reached]:
    """All parts that ``roots`` need, they included, without duplicates.

    roots: ``module:name`` or, for all public names of it, ``module``.
    named_at_run_time: further such roots: what the code imports by a name that it only knows when it runs.
    ignore: ``module:name`` or ``module`` at which not to look.
    beside: a folder of a person's own modules that count as the project's do, or the file of the one that does.
    given: the settings that count, by their bare names; what only others need is left out. None: nothing is.

    Raises :class:`UserError` for a root that does not exist, a file that is not valid Python, and an import by a
    name known only at run time that no root covers.
    """
    lookup = Lookup(root, beside)
    ears: Ears = frozenset()
    while True:  # words that somebody hears count, and so may lead to more who hear
        walk = _Walk(set(ignore), {start.partition(":")[0] for start in named_at_run_time}, lookup, ears, given)
        for start in [*roots, *named_at_run_time]:
            walk.start(start)
        walk.finish()
        if walk.ears <= ears:
            return walk.reached
        ears |= walk.ears


class _Walk:
    """Looks at each name once.

    ears: who hears what is said, as far as that is known before; and then as it turned out.
    """

    def __init__(
        self, ignore: set[str], covered: set[str], lookup: Lookup, ears: Ears, given: Collection[str] | None
    ) -> None:
        self.given = given
        self.ignore = ignore
        self.covered = covered
        self.lookup = lookup
        self.quiet = Quiet(lookup, ears)
        self.ears: set[object] = set()
        self.loaded: set[str] = set()
        self.seen: set[Target] = set()
        self.taken: set[tuple[str, str]] = set()
        self.waiting: list[Target] = []
        self.reached: list[Reached] = []

    def start(self, root: str) -> None:
        module_name, _, qualified = root.partition(":")
        module = self.lookup.module(module_name)
        name = qualified.partition(".")[0]
        if module is None:
            raise unknown_name("module", module_name, _modules_beside(self.lookup.root, module_name))
        targets = self.lookup.look_up(module, (name,)) if name else [Target(module_name)]
        if not targets:
            raise unknown_name(f"definition in {module.path} called", name, module.public)
        self.load(module_name)
        for target in targets:
            self.go_to(target)

    def finish(self) -> None:
        while self.waiting:
            target = self.waiting.pop()
            module = self.lookup.module(target.module)
            if module is None:
                continue
            self.load(target.module)
            for name in module.definitions if target.name is None else [target.name]:
                self.take(module, name)
            for name in module.imports if target.name is None else ():
                for lent in self.lookup.look_up(module, (name,)):
                    self.go_to(lent)

    def load(self, name: str) -> None:
        """Count what importing a module runs: its packages, its own statements, and what it imports."""
        if name in self.loaded or name in self.ignore:
            return
        self.loaded.add(name)
        module = self.lookup.module(name)
        if module is None:
            return
        if "." in name:
            self.load(name.rpartition(".")[0])
        if module.effects:
            self.take_parts(module, module.effects)
        for wanted in module.loads:
            self.load_import(wanted)

    def load_import(self, wanted: Import) -> None:
        self.load(wanted.module)
        module = self.lookup.module(wanted.module)
        if module is not None and wanted.name is not None and wanted.name not in module.definitions:
            self.load(wanted.dotted)

    def go_to(self, target: Target) -> None:
        if target.module and target.module not in self.ignore and target not in self.seen:
            self.seen.add(target)
            self.waiting.append(target)

    def take(self, module: Module, name: str) -> None:
        if f"{module.name}:{name}" not in self.ignore:
            self.take_parts(module, module.definitions[name])

    def take_parts(self, module: Module, parts: Iterable[Part]) -> None:
        for part in parts:
            if (module.name, part.name) in self.taken:
                continue
            self.taken.add((module.name, part.name))
            unsaid = self.quiet.unsaid(module, part)
            if module.asks:
                unsaid |= not_run(part.questions, module.asks, self.given)
            unsaid |= marked_decorators(module, part, self.lookup)
            text, needs = part.without(unsaid)
            self.ears |= self.quiet.ears_of(module, part, needs, unsaid)
            for wanted in needs.imports:
                self.load_import(wanted)
            self.check_dynamic(module, needs)
            links = list(self.take_methods(needs))
            for use in needs.uses:
                for target in self.lookup.resolve(module, use):
                    links.append((".".join(use.names), target))
                    if not (target.name is None and target.module in self.covered):
                        self.go_to(target)
            self.reached.append(Reached(module, part, text, tuple(links)))

    def take_methods(self, needs: Names) -> Iterator[tuple[str, Target]]:
        """Follow the attributes that are methods of values handed in; gives where they lead."""
        for handed in filter(None, map(self.lookup.module, HANDED_IN)):
            for attribute in needs.attributes & handed.methods.keys():
                methods = handed.methods[attribute]
                self.take_parts(handed, methods)
                for method in methods:
                    yield f".{attribute}", Target(handed.name, method.name)

    def check_dynamic(self, module: Module, needs: Names) -> None:
        for start, line in needs.dynamic:
            outside = "." in start and start.partition(".")[0] not in PACKAGES
            if not outside and not any(covered.startswith(start) for covered in self.covered):
                raise UserError(
                    f"{module.path}, line {line}, imports a module whose name is only known at run time: "
                    "name what it can be as an extra root of the code version."
                )


def _modules_beside(root: Path, name: str) -> list[str]:
    package = name.rpartition(".")[0]
    files = root.joinpath(*package.split(".")).glob("*.py")
    return sorted(f"{package}.{file.stem}".lstrip(".") for file in files if file.stem != "__init__")

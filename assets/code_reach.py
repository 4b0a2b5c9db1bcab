"""From a function to every part of the project's code that its result can depend on."""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assets.code_bindings import Import
from assets.code_names import Use
from assets.code_parts import PACKAGES, Module, Part, read_module
from sepmodels.errors import UserError, unknown_name

# Classes of values that are made elsewhere and handed in: which of their methods count shows by name.
HANDED_IN = ("sepmodels.settings", "sepmodels.variants", "assets.paths", "assets.job")
# The names, each in its module, through which a search has come.
_Above = frozenset[tuple[str, str]]


@dataclass(frozen=True)
class Target:
    """What a name leads to: a definition (module and name), a module, or something outside the project.

    name: None for a module as a whole.
    module: empty for what is outside.
    """

    module: str
    name: str | None = None


@dataclass(frozen=True)
class Reached:
    """A part, the module it is in, and where each name that it uses leads."""

    module: Module
    part: Part
    links: tuple[tuple[str, Target], ...]


def reach(
    roots: Iterable[str], *, named_at_run_time: Collection[str], ignore: Collection[str], root: Path
) -> list[Reached]:
    """All parts that ``roots`` need, they included, without duplicates.

    roots: ``module:name`` or, for all public names of it, ``module``.
    named_at_run_time: further such roots: what the code imports by a name that it only knows when it runs.
    ignore: ``module:name`` or ``module`` at which not to look.

    Raises :class:`UserError` for a root that does not exist, a file that is not valid Python, and an import by a
    name known only at run time that no root covers.
    """
    walk = _Walk(set(ignore), {start.partition(":")[0] for start in named_at_run_time}, root)
    for start in [*roots, *named_at_run_time]:
        walk.start(start)
    return walk.finish()


class _Walk:
    """Looks at each name once."""

    def __init__(self, ignore: set[str], covered: set[str], root: Path) -> None:
        self.ignore = ignore
        self.covered = covered
        self.root = root
        self.modules: dict[str, Module | None] = {}
        self.loaded: set[str] = set()
        self.seen: set[Target] = set()
        self.taken: set[tuple[str, str]] = set()
        self.waiting: list[Target] = []
        self.reached: list[Reached] = []

    def start(self, root: str) -> None:
        module_name, _, qualified = root.partition(":")
        module = self.module(module_name)
        name = qualified.partition(".")[0]
        if module is None:
            raise unknown_name("module", module_name, _modules_beside(self.root, module_name))
        targets = self.look_up(module, (name,)) if name else [Target(module_name)]
        if not targets:
            raise unknown_name(f"definition in {module.path} called", name, module.public)
        self.load(module_name)
        for target in targets:
            self.go_to(target)

    def finish(self) -> list[Reached]:
        while self.waiting:
            target = self.waiting.pop()
            module = self.module(target.module)
            if module is None:
                continue
            self.load(target.module)
            for name in module.definitions if target.name is None else [target.name]:
                self.take(module, name)
            for name in module.imports if target.name is None else ():
                for lent in self.look_up(module, (name,)):
                    self.go_to(lent)
        return self.reached

    def module(self, name: str) -> Module | None:
        if name not in self.modules:
            self.modules[name] = read_module(self.root, name)
        return self.modules[name]

    def load(self, name: str) -> None:
        """Count what importing a module runs: its packages, its own statements, and what it imports."""
        if name in self.loaded or name in self.ignore:
            return
        self.loaded.add(name)
        module = self.module(name)
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
        module = self.modules.get(wanted.module)
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
            for wanted in part.needs.imports:
                self.load_import(wanted)
            self.check_dynamic(module, part)
            links = list(self.take_methods(part))
            for use in part.needs.uses:
                for target in self.resolve(module, use):
                    links.append((".".join(use.names), target))
                    if not (target.name is None and target.module in self.covered):
                        self.go_to(target)
            self.reached.append(Reached(module, part, tuple(links)))

    def take_methods(self, part: Part) -> Iterator[tuple[str, Target]]:
        """Follow the attributes that are methods of values handed in; gives where they lead."""
        for handed in filter(None, map(self.module, HANDED_IN)):
            for attribute in part.needs.attributes & handed.methods.keys():
                methods = handed.methods[attribute]
                self.take_parts(handed, methods)
                for method in methods:
                    yield f".{attribute}", Target(handed.name, method.name)

    def check_dynamic(self, module: Module, part: Part) -> None:
        for start, line in part.needs.dynamic:
            outside = "." in start and start.partition(".")[0] not in PACKAGES
            if not outside and not any(covered.startswith(start) for covered in self.covered):
                raise UserError(
                    f"{module.path}, line {line}, imports a module whose name is only known at run time: "
                    "name what it can be as an extra root of the code version."
                )

    def resolve(self, module: Module, use: Use) -> list[Target]:
        """Where a use in ``module`` leads: to nothing for a built-in name, to all that its name may be bound to."""
        if not use.names:
            return [Target(module.name)]
        if use.source is not None:
            return self.follow(use.source, use.names[1:])
        return self.look_up(module, use.names)

    def look_up(self, module: Module, names: tuple[str, ...], above: _Above = frozenset()) -> list[Target]:
        """A name of a module, with the attributes asked of it; ``above`` ends circles of imports."""
        here = (module.name, names[0])
        if here in above:
            return []
        found = [Target(*here)] if names[0] in module.definitions else []
        for source in module.imports.get(names[0], ()):
            if source != Import(*here):  # a package's own submodule
                found += self.follow(source, names[1:], above | {here})
        for star in module.stars:
            other = self.module(star)
            if other is not None:
                found += self.look_up(other, names, above | {here})
        return found

    def follow(self, source: Import, attributes: tuple[str, ...], above: _Above = frozenset()) -> list[Target]:
        """What an import and the attributes asked of it lead to."""
        module = self.module(source.module)
        names = attributes if source.name is None else (source.name, *attributes)
        if module is None:
            return [Target("", source.dotted)]
        if not names or names[0] == "__dict__":
            return [Target(module.name)]
        if found := self.look_up(module, names, above):
            return found
        submodule = f"{module.name}.{names[0]}"
        if self.module(submodule) is not None:
            return self.follow(Import(submodule), names[1:])
        if "__getattr__" in module.definitions:
            return [Target(module.name, "__getattr__")]
        return [Target("", f"missing {names[0]}")]


def _modules_beside(root: Path, name: str) -> list[str]:
    package = name.rpartition(".")[0]
    files = root.joinpath(*package.split(".")).glob("*.py")
    return sorted(f"{package}.{file.stem}".lstrip(".") for file in files if file.stem != "__init__")

"""Where names of the project's code lead, through its imports, without importing anything."""

from dataclasses import dataclass
from pathlib import Path

from assets.staleness.code.bindings import Import
from assets.staleness.code.parts import Module, read_module
from assets.staleness.code.scopes import Use

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


class Lookup:
    """The modules of the project in ``root``, each read once.

    beside: a folder whose modules count as well: of a person's own code.
    """

    def __init__(self, root: Path, beside: Path | None = None) -> None:
        self.root = root
        self.beside = beside
        self.modules: dict[str, Module | None] = {}

    def module(self, name: str) -> Module | None:
        """The module of that dotted name; None for one that is neither the project's nor beside."""
        if name not in self.modules:
            self.modules[name] = read_module(self.root, name, self.beside)
        return self.modules[name]

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

    def outside(self, module: Module, use: Use) -> str:
        """The dotted name of what a use leads to, if one import alone says so: ``logging.getLogger``."""
        if not use.names:
            return ""
        sources = {use.source} if use.source else module.imports.get(use.names[0], set())
        if len(sources) != 1 or (not use.source and use.names[0] in module.definitions):
            return ""
        return ".".join([next(iter(sources)).dotted, *use.names[1:]])

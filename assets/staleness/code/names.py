"""Which names a piece of code uses that come from outside it."""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from assets.staleness.code.bindings import Import, absolute, imports_of
from assets.staleness.code.scopes import Scoped, Use, dotted


@dataclass
class Names:
    """What one piece of code needs: names, modules that it imports, and modules named only at run time.

    attributes: every attribute asked of anything, by its bare name.
    dynamic: (first part of the module's name as far as the text tells it, line).
    """

    uses: set[Use] = field(default_factory=set)
    attributes: set[str] = field(default_factory=set)
    imports: set[Import] = field(default_factory=set)
    dynamic: set[tuple[str, int]] = field(default_factory=set)


def names_of(nodes: Iterable[ast.AST], package: str, unsaid: frozenset[int] = frozenset()) -> Names:
    """What statements at the top of a module need.

    package: what their relative imports start from.
    unsaid: the nodes, by their identity, that do not count.
    """
    visitor = _Uses(package, unsaid)
    visitor.visit_all(nodes)
    return visitor.found


class _Uses(Scoped):
    """Collects :class:`Names`."""

    def __init__(self, package: str, unsaid: frozenset[int]) -> None:
        super().__init__(package, unsaid)
        self.found = Names()

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self.found.uses |= self.uses((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names = dotted(node)
        self.found.attributes.update(names[1:] or (node.attr,))
        if names:
            self.found.uses |= self.uses(names)
        else:
            self.generic_visit(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.found.imports.update(Import(alias.name) for alias in node.names)
        else:
            self.found.imports.update(target for _, target in imports_of(node, self.package))

    visit_Import = visit_ImportFrom = _import

    def visit_Call(self, node: ast.Call) -> None:
        called = dotted(node.func)
        if called and called[-1] in ("import_module", "__import__") and node.args:
            self._import_by_name(node)
        elif called == ("globals",):
            self.found.uses.add(Use((), None))
        self.generic_visit(node)

    def _import_by_name(self, node: ast.Call) -> None:
        anchor = node.args[1] if len(node.args) > 1 else None
        fixed_anchor = isinstance(anchor, ast.Constant) and isinstance(anchor.value, str)
        start, whole = _known_start(node.args[0])
        module = absolute(start, anchor.value if fixed_anchor else self.package)
        if whole:
            self.found.imports.add(Import(module))
            self.found.uses.add(Use(("import_module",), Import(module)))
        else:
            self.found.dynamic.add((module, node.lineno))


def _known_start(node: ast.expr) -> tuple[str, bool]:
    """The text that a string expression is known to start with, and whether that is all of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, True
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value), False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _known_start(node.left)[0], False
    return "", False

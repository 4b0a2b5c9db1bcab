"""Walks through a piece of code that knows which scope it is in, and so what a name there stands for.

Python's own rules: parameters, assigned names, and names of an enclosing function are a scope's own; a name that it
imports itself counts as that import; whatever is left is looked up in its module.

Annotations of parameters, results and variables are not looked into: they do not run.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass

from assets.staleness.code.bindings import (
    Bindings,
    Comprehension,
    FunctionNode,
    Import,
    bindings_of,
    is_type_checking,
)


@dataclass(frozen=True)
class Use:
    """A name, with the attributes asked of it: ``("spectral", "Stft")``.

    source: the import inside the piece that binds the name; None when it is a name of the module.
    """

    names: tuple[str, ...]
    source: Import | None = None


class Scoped(ast.NodeVisitor):
    """Visits a piece of code with a stack of the scopes that it is in.

    unsaid: the nodes, by their identity, that are passed over.
    """

    def __init__(self, package: str, unsaid: frozenset[int] = frozenset()) -> None:
        self.package = package
        self.unsaid = unsaid
        self.scopes: list[Bindings] = []

    def visit(self, node: ast.AST) -> None:
        if id(node) not in self.unsaid:
            super().visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Nothing is inside; ``ast`` itself would look, and of constants there are most."""

    def binder(self, name: str) -> Bindings | None:
        """The scope of the piece in which the name is bound; None for a name from outside."""
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.is_class and depth:
                continue  # functions do not see the names of the class around them
            if name in scope.imports or (name in scope.names and not scope.is_class):
                return scope  # before a class binds a name, it sees those outside
        return None

    def uses(self, names: tuple[str, ...]) -> set[Use]:
        """What a dotted name may lead to outside the piece: nothing, where it is bound within it."""
        scope = self.binder(names[0])
        if scope is None:
            return {Use(names)}
        return {Use(names, source) for source in scope.imports.get(names[0], ())}

    def visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _inside(self, scope: Bindings, nodes: Iterable[ast.AST | None]) -> None:
        self.scopes.append(scope)
        self.visit_all(nodes)
        self.scopes.pop()

    def _function(self, node: FunctionNode | ast.Lambda) -> None:
        arguments = node.args
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        if not isinstance(node, ast.Lambda):
            self.visit_all(node.decorator_list)
        self.visit_all([*arguments.defaults, *arguments.kw_defaults])
        scope = bindings_of(body, self.package)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        scope.parameters = {one.arg: one.annotation for one in named if one.arg not in scope.names}
        scope.names.update(one.arg for one in [*named, arguments.vararg, arguments.kwarg] if one)
        self._inside(scope, body)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self.visit_all([*node.decorator_list, *node.bases, *node.keywords])
        scope = bindings_of(node.body, self.package)
        scope.is_class = True
        self._inside(scope, node.body)

    def _comprehension(self, node: Comprehension) -> None:
        self.visit(node.generators[0].iter)  # runs outside
        scope = bindings_of([generator.target for generator in node.generators], self.package)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        tests = [test for generator in node.generators for test in generator.ifs]
        self._inside(scope, [*(generator.iter for generator in node.generators[1:]), *tests, *parts])

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit_all([node.target, node.value])

    def visit_If(self, node: ast.If) -> None:
        self.visit_all(node.orelse if is_type_checking(node) else ast.iter_child_nodes(node))


def dotted(node: ast.AST) -> tuple[str, ...]:
    """``a.b.c`` as names; empty for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else ()

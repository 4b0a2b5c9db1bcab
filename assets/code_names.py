"""Which names a piece of code uses that come from outside it.

Python's own rules of scope: parameters, assigned names, and names of an enclosing function are its own; a name
that it imports itself counts as that import; whatever is left is looked up in its module.

Annotations of parameters, results and variables are not looked into: they do not run.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass, field

from assets.code_bindings import (
    Bindings,
    Comprehension,
    FunctionNode,
    Import,
    absolute,
    bindings_of,
    imports_of,
    is_type_checking,
)


@dataclass(frozen=True)
class Use:
    """A name, with the attributes asked of it: ``("spectral", "Stft")``.

    source: the import inside the piece that binds the name; None when it is a name of the module.
    """

    names: tuple[str, ...]
    source: Import | None = None


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


def names_of(nodes: Iterable[ast.AST], package: str) -> Names:
    """What statements at the top of a module need; ``package`` is what their relative imports start from."""
    visitor = _Uses(package)
    for node in nodes:
        visitor.visit(node)
    return visitor.found


class _Uses(ast.NodeVisitor):
    """Collects :class:`Names`, with a stack of the scopes that it is in."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.scopes: list[Bindings] = []
        self.found = Names()

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Store):
            self._use((node.id,))

    def visit_Attribute(self, node: ast.Attribute) -> None:
        names = _dotted(node)
        self.found.attributes.update(names[1:] or (node.attr,))
        if names:
            self._use(names)
        else:
            self.generic_visit(node)

    def _use(self, names: tuple[str, ...]) -> None:
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.is_class and depth:
                continue  # functions do not see the names of the class around them
            if names[0] in scope.imports:
                self.found.uses.update(Use(names, source) for source in scope.imports[names[0]])
                return
            if names[0] in scope.names and not scope.is_class:  # before a class binds one, it sees those outside
                return
        self.found.uses.add(Use(names))

    def _visit_all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self.visit(node)

    def _inside(self, scope: Bindings, nodes: Iterable[ast.AST | None]) -> None:
        self.scopes.append(scope)
        self._visit_all(nodes)
        self.scopes.pop()

    def _function(self, node: FunctionNode | ast.Lambda) -> None:
        arguments = node.args
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
        if not isinstance(node, ast.Lambda):
            self._visit_all(node.decorator_list)
        self._visit_all([*arguments.defaults, *arguments.kw_defaults])
        scope = bindings_of(body, self.package)
        named = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
        scope.names.update(argument.arg for argument in named if argument)
        self._inside(scope, body)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
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
        self._visit_all([node.target, node.value])

    def visit_If(self, node: ast.If) -> None:
        self._visit_all(node.orelse if is_type_checking(node) else ast.iter_child_nodes(node))

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            self.found.imports.update(Import(alias.name) for alias in node.names)
        else:
            self.found.imports.update(target for _, target in imports_of(node, self.package))

    visit_Import = visit_ImportFrom = _import

    def visit_Call(self, node: ast.Call) -> None:
        called = _dotted(node.func)
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


def _dotted(node: ast.AST) -> tuple[str, ...]:
    """``a.b.c`` as names; empty for anything else."""
    attributes: list[str] = []
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return (node.id, *reversed(attributes)) if isinstance(node, ast.Name) else ()


def _known_start(node: ast.expr) -> tuple[str, bool]:
    """The text that a string expression is known to start with, and whether that is all of it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value, True
    if isinstance(node, ast.JoinedStr) and node.values and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value), False
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _known_start(node.left)[0], False
    return "", False

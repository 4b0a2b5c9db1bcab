"""The names that a scope of Python binds, and what its import statements lead to."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True)
class Import:
    """What an import binds: ``name`` of ``module`` (an absolute dotted name), or the module itself."""

    module: str
    name: str | None = None

    @property
    def dotted(self) -> str:
        return self.module if self.name is None else f"{self.module}.{self.name}"


def bindings_of(nodes: Iterable[ast.AST], package: str) -> "Bindings":
    """The names that statements bind in their own scope."""
    visitor = Bindings(package)
    for node in nodes:
        visitor.visit(node)
    visitor.names -= visitor.elsewhere
    return visitor


def imports_of(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[tuple[str, Import]]:
    """The names that an import statement binds; a star import binds ``*``."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname:
                yield alias.asname, Import(alias.name)
            else:
                yield alias.name.partition(".")[0], Import(alias.name.partition(".")[0])
        return
    module = absolute("." * node.level + (node.module or ""), package)
    for alias in node.names:
        yield alias.asname or alias.name, Import(module, alias.name)


def absolute(module: str, package: str) -> str:
    """A dotted module name without leading dots.

    >>> absolute("..losses", "sepmodels.models")
    'sepmodels.losses'
    """
    bare = module.lstrip(".")
    level = len(module) - len(bare)
    if not level:
        return bare
    parents = package.split(".")
    kept = parents[: len(parents) - (level - 1)]
    return ".".join([*kept, bare]) if bare else ".".join(kept)


def is_type_checking(node: ast.AST) -> bool:
    """Whether a statement is ``if TYPE_CHECKING:``, whose body never runs."""
    if not isinstance(node, ast.If):
        return False
    test = node.test
    return (isinstance(test, ast.Name) and test.id == "TYPE_CHECKING") or (
        isinstance(test, ast.Attribute) and test.attr == "TYPE_CHECKING"
    )


class Bindings(ast.NodeVisitor):
    """Collects the names bound in one scope, without entering the scopes inside it.

    imports: for each name all that import statements bind to it: which of them comes last, or is in the branch that
        runs, a text does not tell.
    parameters: of a function, with their annotations; not those that are bound anew in it.
    """

    def __init__(self, package: str) -> None:
        self.package = package
        self.names: set[str] = set()
        self.imports: dict[str, set[Import]] = {}
        self.elsewhere: set[str] = set()
        self.parameters: dict[str, ast.expr | None] = {}
        self.is_class = False

    def visit_Name(self, node: ast.Name) -> None:
        if not isinstance(node.ctx, ast.Load):
            self.names.add(node.id)

    def _definition(self, node: FunctionNode | ast.ClassDef) -> None:
        self.names.add(node.name)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _definition

    def visit_Lambda(self, node: ast.Lambda) -> None:
        """Its parameters are its own."""

    def _comprehension(self, node: Comprehension) -> None:
        inside = (inner for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr))
        self.names.update(walrus.target.id for walrus in inside)

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for name, source in imports_of(node, self.package):
            self.imports.setdefault(name, set()).add(source)

    visit_Import = visit_ImportFrom = _import

    def _named(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self.names.add(node.name)
        self.generic_visit(node)

    visit_ExceptHandler = visit_MatchAs = visit_MatchStar = _named

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self.names.add(node.rest)
        self.generic_visit(node)

    def _elsewhere(self, node: ast.Global | ast.Nonlocal) -> None:
        self.elsewhere.update(node.names)

    visit_Global = visit_Nonlocal = _elsewhere

    def visit_If(self, node: ast.If) -> None:
        for child in node.orelse if is_type_checking(node) else ast.iter_child_nodes(node):
            self.visit(child)

"""Which names a piece of code uses that come from outside it.

Python's own rules of scope: parameters, assigned names, and names of an enclosing function are its own; a name
that it imports itself counts as that import; whatever is left is looked up in its module.

Annotations of parameters, results and variables are not looked into: they do not run.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

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
    """Collects the names bound in one scope, without entering the scopes inside it."""

    def __init__(self, package: str) -> None:
        self.package = package
        self.names: set[str] = set()
        self.imports: dict[str, Import] = {}
        self.elsewhere: set[str] = set()
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
        self.imports.update(imports_of(node, self.package))

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
                self.found.uses.add(Use(names, scope.imports[names[0]]))
                return
            if names[0] in scope.names:
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

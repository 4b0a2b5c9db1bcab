"""A project module as parts: each function, class, method and constant, and what each says and needs.

Parsed, never imported. What a part says leaves out whatever does not change what it does: comments, docstrings,
layout, annotations (but for the fields of classes), ``pass``, and import statements, which count by what
they lead to; and what is marked as having no part in a result.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from assets.staleness.code.bindings import Import, bindings_of, is_type_checking
from assets.staleness.code.marks import mark_of, without_marked_fields
from assets.staleness.code.names import Names, names_of
from assets.staleness.code.neutral import questions_of, that_ask
from assets.staleness.code.said import Hearing, Saying, sayings_of
from sepmodels.errors import UserError

PACKAGES = ("sepmodels", "assets", "pipelines")
MODULE_LEVEL = "(module level)"
_UNSAID = {"returns", "annotation", "type_comment", "ctx", "kind"}


@dataclass(frozen=True)
class Part:
    """One definition. kind: ``function``, ``class``, ``constant`` or ``statements``."""

    name: str
    kind: str
    nodes: tuple[ast.stmt, ...]
    package: str

    _seen: dict[frozenset[int], tuple[str, Names]] = field(default_factory=dict, compare=False, repr=False)

    @cached_property
    def said(self) -> tuple[list[Saying], list[Hearing]]:
        """What it may only say to people, and where it reads errors."""
        return sayings_of(self.nodes, self.package, self.name.rpartition(".")[0])

    @cached_property
    def questions(self) -> tuple[ast.If | ast.IfExp, ...]:
        """Where it may ask after a later setting; looked for once, and not for each product that needs the part."""
        return questions_of(self.nodes)

    def without(self, unsaid: frozenset[int]) -> tuple[str, Names]:
        """A hash of what it says, and what it needs from outside, but for the nodes of those identities."""
        if unsaid not in self._seen:
            said = "\n".join(_say(node, unsaid) for node in self.nodes)
            text = hashlib.sha256(said.encode()).hexdigest()
            self._seen[unsaid] = text, names_of(self.nodes, self.package, unsaid)
        return self._seen[unsaid]


class Module:
    """The parts of one source file.

    definitions: the parts behind each name of the module; a class has one for itself and one for each method.
    imports: for each name all that its import statements bind to it.
    loads: the modules that it imports when it is imported itself.
    effects: the statements that do something whenever the module is imported.
    methods: the methods of all classes, by their bare names.
    marks: of what is marked as having no part in a result (``name`` or ``Class.method``): the name of the mark.
    """

    def __init__(self, name: str, path: str, tree: ast.Module, is_package: bool) -> None:
        self.name = name
        self.path = path
        self.package = name if is_package else name.rpartition(".")[0]
        self.imports: dict[str, set[Import]] = {}
        self.loads: set[Import] = set()
        self.effects: list[Part] = []
        self.definitions: dict[str, list[Part]] = {}
        self.marks: dict[str, str] = {}
        defined: dict[str, list[ast.stmt]] = {}
        effects: list[ast.stmt] = []
        for statement in tree.body:
            if _is_nothing(statement) or _is_main_guard(statement):
                continue
            bound = bindings_of([statement], self.package)
            for imported, sources in bound.imports.items():
                self.imports.setdefault(imported, set()).update(sources)
            if isinstance(statement, ast.Import | ast.ImportFrom):
                self.loads |= names_of([statement], self.package).imports
            if not _only_defines(statement) or "_" in bound.names:
                effects.append(statement)
            for defined_name in bound.names if _only_defines(statement) else ():
                defined.setdefault(defined_name, []).append(statement)
        self.stars = sorted(wanted.module for wanted in self.loads if wanted.name == "*")
        if effects:
            self.effects = [Part(MODULE_LEVEL, "statements", tuple(effects), self.package)]
        for defined_name, statements in defined.items():
            self.definitions[defined_name] = list(self._parts(defined_name, statements))
        self.methods: dict[str, list[Part]] = {}
        for part in (part for parts in self.definitions.values() for part in parts if "." in part.name):
            self.methods.setdefault(part.name.partition(".")[2], []).append(part)

    @cached_property
    def asks(self) -> frozenset[str]:
        """The names by which it asks after later settings."""
        return that_ask(self.imports)

    @property
    def public(self) -> list[str]:
        """The names that it defines for others."""
        return [name for name in self.definitions if not name.startswith("_")]

    def _parts(self, name: str, statements: list[ast.stmt]) -> Iterator[Part]:
        last = statements[-1]
        if self._is_marked(name, statements):
            yield from self._words(name, last)
        elif isinstance(last, ast.ClassDef):
            methods: dict[str, list[ast.stmt]] = {}
            others: list[ast.stmt] = []
            for child in last.body:
                is_method = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
                (methods.setdefault(child.name, []) if is_method else others).append(child)
            body = without_marked_fields(others, self.imports)
            header = ast.ClassDef(**{**{field: getattr(last, field) for field in last._fields}, "body": body})
            yield Part(name, "class", (*statements[:-1], header), self.package)
            for method, nodes in methods.items():
                if self._is_marked(f"{name}.{method}", nodes):
                    yield from self._words(f"{name}.{method}", nodes[-1])
                else:
                    yield Part(f"{name}.{method}", "function", tuple(nodes), self.package)
        else:
            kind = "function" if isinstance(last, ast.FunctionDef | ast.AsyncFunctionDef) else "constant"
            yield Part(name, kind, tuple(statements), self.package)

    def _is_marked(self, name: str, statements: list[ast.stmt]) -> bool:
        if mark := mark_of(statements, self.imports):
            self.marks[name] = mark
        return name in self.marks

    def _words(self, name: str, definition: ast.stmt) -> Iterator[Part]:
        """Of a function that only makes words, the class that it says it gives: it may be that of an error."""
        gives = getattr(definition, "returns", None)
        if self.marks[name] == "words_only" and gives is not None:
            yield Part(name, "function", (ast.Expr(gives),), self.package)


def read_module(root: Path, name: str, beside: Path | None = None) -> Module | None:
    """The module of that dotted name: the project's in ``root``, or one of a person's own ``beside``; or None.

    beside: a folder of modules, or the file of one module that alone counts: of a package its ``__init__.py``.

    A file is parsed again only when its content has changed. Raises :class:`UserError` with file and line when it is
    not valid Python.
    """
    if name.partition(".")[0] not in PACKAGES:
        if beside is None:
            return None
        root, alone = outside_root(beside)
        if alone not in ("", name.partition(".")[0]):
            return None
    place = root.joinpath(*name.split("."))
    for path, is_package in ((place / "__init__.py", True), (place.with_suffix(".py"), False)):
        try:
            source = path.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            continue
        return _parse(name, source, path.relative_to(root).as_posix(), is_package)
    return None


def outside_root(beside: Path) -> tuple[Path, str]:
    """The folder of a person's own modules, and the name of the only one there that counts, or nothing for all."""
    if beside.suffix != ".py":
        return beside, ""
    place = beside.parent if beside.name == "__init__.py" else beside.with_suffix("")
    return place.parent, place.name


@lru_cache(maxsize=1024)
def _parse(name: str, source: bytes, shown: str, is_package: bool) -> Module:
    try:
        tree = ast.parse(source, shown)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{shown}, line {line}" if line else shown
        raise UserError(f"{where}, is not valid Python ({getattr(error, 'msg', error)}): mend it first.") from error
    return Module(name, shown, tree, is_package)


def _only_defines(statement: ast.stmt) -> bool:
    """Whether it does nothing but bind names, so that it counts only where one of them is used."""
    if isinstance(statement, ast.Assign):
        return all(_is_names(target) for target in statement.targets)
    if isinstance(statement, ast.AnnAssign | ast.AugAssign):
        return _is_names(statement.target)
    return isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Import | ast.ImportFrom)


def _is_names(target: ast.expr) -> bool:
    if isinstance(target, ast.Tuple | ast.List):
        return all(_is_names(element) for element in target.elts)
    return isinstance(target, ast.Name)


def _is_main_guard(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.If) and ast.unparse(statement.test) == "__name__ == '__main__'"


def _is_nothing(statement: ast.AST) -> bool:
    """Docstrings and other bare constants, ``pass``, and blocks for type checkers alone."""
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    return isinstance(statement, ast.Pass) or (is_type_checking(statement) and not statement.orelse)  # type: ignore[attr-defined]


def _say(node: object, unsaid: frozenset[int], in_class: bool = False) -> str:
    """What a syntax tree says: like ``ast.dump``, without what does not count, and alike in all Python versions."""
    if isinstance(node, list):
        counted = [item for item in node if id(item) not in unsaid and not _is_unsaid(item, in_class)]
        return "[" + ",".join(_say(item, unsaid, in_class) for item in counted) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    if isinstance(node, ast.IfExp) and id(node.test) in unsaid:
        return _say(node.orelse, unsaid)
    if isinstance(node, ast.AnnAssign) and not in_class:
        return f"Assign(targets=[{_say(node.target, unsaid)}],value={_say(node.value, unsaid)})"
    left_out = _UNSAID - {"annotation"} if isinstance(node, ast.AnnAssign) else _UNSAID
    inside = isinstance(node, ast.ClassDef) or (in_class and isinstance(node, ast.If | ast.Try | ast.With))
    fields = ((field, getattr(node, field, None)) for field in node._fields if field not in left_out)
    said = (
        (field, _say(value, unsaid, inside)) for field, value in fields if value is not None and id(value) not in unsaid
    )
    return f"{type(node).__name__}({','.join(f'{field}={value}' for field, value in said if value != '[]')})"


def _is_unsaid(item: object, in_class: bool) -> bool:
    if isinstance(item, ast.AnnAssign) and item.value is None:
        return not in_class  # in a class it may be a field
    return isinstance(item, ast.AST) and (_is_nothing(item) or isinstance(item, ast.Import | ast.ImportFrom))

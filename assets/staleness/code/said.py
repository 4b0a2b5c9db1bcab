"""What a piece of code may only say to people: messages of errors, of logs and of progress.

Here it is collected by its form; whether it is so depends on where names lead, which :mod:`assets.staleness.code.quiet`
looks up.
"""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from assets.staleness.code.bindings import FunctionNode
from assets.staleness.code.purity import is_built_in, only_looks
from assets.staleness.code.scopes import Scoped, Use, dotted

WRAPPER = "words_only"  # of sepmodels.marks
NOTHING = Use(())


@dataclass(frozen=True)
class Callee:
    """What is called, as far as a text tells it.

    kind: ``name`` (a name from outside the piece), ``built in``, ``own`` (a method of the class that the piece is of),
        ``typed`` (a value whose annotation is ``use``, or its field ``name``), ``logger`` (a method of what ``use``
        gives when it is called).
    """

    kind: Literal["name", "built in", "own", "typed", "logger"]
    use: Use = NOTHING
    name: str = ""


@dataclass(frozen=True)
class Saying:
    """What is only said if ``callees`` are one of them what ``form`` needs, and ``harmless`` only make words.

    form: ``raised`` (arguments of an error), ``statement`` (a call whose value is dropped) or ``wrapped``
        (arguments of :func:`sepmodels.marks.words_only`).
    unsaid: the identities of the nodes that then do not count.
    """

    form: Literal["raised", "statement", "wrapped"]
    callee: Callee
    unsaid: frozenset[int]
    harmless: frozenset[Callee]


@dataclass(frozen=True)
class Hearing:
    """A place where a handler reads the error that it caught.

    types: the classes that it catches; None where the text does not tell.
    above: the identities of the nodes around the place: it does not count where one of them does not.
    given_to: what it is an argument of, if of anything.
    """

    types: tuple[Use, ...] | None
    above: frozenset[int]
    given_to: Callee | None = None


def sayings_of(nodes: Iterable[ast.AST], package: str, owner: str) -> tuple[list[Saying], list[Hearing]]:
    """What statements may only say, and where they read errors.

    package: what their relative imports start from. owner: the class that they are a method of, or an empty text.
    """
    visitor = _Sayings(package, owner)
    visitor.visit_all(nodes)
    return visitor.found, visitor.heard


class _Sayings(Scoped):
    """Collects :class:`Saying` and :class:`Hearing`."""

    def __init__(self, package: str, owner: str) -> None:
        super().__init__(package)
        self.owner = owner
        self.found: list[Saying] = []
        self.heard: list[Hearing] = []
        self.above: list[int] = []
        self.caught: list[tuple[str, tuple[Use, ...] | None]] = []

    def visit(self, node: ast.AST) -> None:
        self.above.append(id(node))
        super().visit(node)
        self.above.pop()

    def visit_Raise(self, node: ast.Raise) -> None:
        if isinstance(node.exc, ast.Call):
            for callee in self._callees(node.exc.func):
                self._add("raised", callee, [*node.exc.args, *node.exc.keywords])
        # raised again, or as the cause of another: not read
        self.visit_all(one for one in (node.exc, node.cause) if not self._is_caught(one))

    def visit_Assert(self, node: ast.Assert) -> None:
        if node.msg is not None:
            self._add("raised", Callee("name", Use(("AssertionError",))), [node.msg])
        self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            given = [*node.value.args, *node.value.keywords]
            if isinstance(node.value.func, ast.Attribute) and isinstance(inner := node.value.func.value, ast.Call):
                given += [*inner.args, *inner.keywords]
            for callee in self._callees(node.value.func):
                self._add("statement", callee, [node], given)
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        callees = list(self._callees(node.func))
        for callee in callees:
            if callee.kind == "name" and callee.use.names[-1] == WRAPPER:
                self._add("wrapped", callee, [*node.args, *node.keywords])
        self.visit(node.func)
        for argument in [*node.args, *node.keywords]:
            if self._is_caught(argument):
                if not _asks_for_the_type(callees):
                    self._hear(argument, callees[0] if len(callees) == 1 else None)
            else:
                self.visit(argument)

    def _add(
        self,
        form: Literal["raised", "statement", "wrapped"],
        callee: Callee,
        unsaid: list[ast.AST],
        values: list[ast.AST] | None = None,
    ) -> None:
        may_go_through = form == "raised"
        harmless: set[Callee] = set()

        def note(call: ast.Call) -> bool:
            callees = list(self._callees(call.func))
            for one in callees:
                known = one.kind == "name" and is_built_in(call, may_go_through=may_go_through)
                harmless.add(Callee("built in", one.use) if known else one)
            return len(callees) == 1

        looks = [only_looks(one, may_go_through=may_go_through, is_harmless=note) for one in values or unsaid]
        if unsaid and all(looks):
            self.found.append(Saying(form, callee, frozenset(map(id, unsaid)), frozenset(harmless)))

    def _callees(self, function: ast.expr) -> Iterator[Callee]:
        """What is called: one thing, several that the name may stand for, or nothing that the text tells."""
        names = dotted(function)
        if not names:
            if isinstance(function, ast.Attribute) and isinstance(function.value, ast.Call):
                for use in self.uses(dotted(function.value.func) or ("",)):
                    yield Callee("logger", use, function.attr)
            return
        scope = self.binder(names[0])
        annotation = scope.parameters.get(names[0], ...) if scope else ...
        if annotation is ...:
            yield from (Callee("name", use) for use in self.uses(names))
        elif self.owner and scope is self.scopes[0] and names[0] in ("self", "cls") and len(names) == 2:
            yield Callee("own", name=f"{self.owner}.{names[1]}")
        elif annotation is not None and len(names) <= 2:
            yield Callee("typed", Use(dotted(annotation) or ("",)), ".".join(names[1:]))

    # Handlers

    def _definition(self, node: FunctionNode) -> None:
        """A method that is told of errors hears them as a handler does."""
        told = node.args.args[2:4] if node.name in ("__exit__", "__aexit__") else []
        self.caught += [(argument.arg, None) for argument in told]
        self._function(node)
        del self.caught[len(self.caught) - len(told) :]

    visit_FunctionDef = visit_AsyncFunctionDef = _definition

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name:
            self.caught.append((node.name, self._types(node.type)))
        self.visit_all(node.body)
        if node.name:
            self.caught.pop()

    def _types(self, node: ast.expr | None) -> tuple[Use, ...] | None:
        found: list[Use] = []
        for one in node.elts if isinstance(node, ast.Tuple) else [node]:
            uses = self.uses(names) if one is not None and (names := dotted(one)) else set()
            if not uses:
                return None
            found += uses
        return tuple(found)

    def visit_Name(self, node: ast.Name) -> None:
        if self._is_caught(node):
            self._hear(node)

    def _is_caught(self, node: ast.AST | None) -> bool:
        return isinstance(node, ast.Name) and any(node.id == name for name, _ in self.caught)

    def _hear(self, node: ast.AST, given_to: Callee | None = None) -> None:
        for name, types in self.caught:
            if isinstance(node, ast.Name) and node.id == name:
                self.heard.append(Hearing(types, frozenset([*self.above, id(node)]), given_to))


def _asks_for_the_type(callees: list[Callee]) -> bool:
    names = [one.use.names for one in callees]
    return names in ([("isinstance",)], [("type",)])

"""Code that only another value of a later setting needs: what stands behind ``sepmodels.settings.changed``.

Where a product is made with the value as before, such code never runs, and so it does not count.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping

from assets.staleness.code.bindings import Import

_ASKS = Import("sepmodels.settings", "changed")


def not_run(
    nodes: Iterable[ast.AST], imports: Mapping[str, set[Import]], given: Collection[str] | None
) -> frozenset[int]:
    """The identities of the nodes that never run, because their setting has its value as before.

    imports: for each name of the module all that its imports bind to it. given: the settings that count, by their bare
    names; None for all there may be.

    Of ``if changed(settings, "name"):`` without an else it is the statement; of ``a if changed(...) else b`` the
    question and ``a``. Any other form of the question counts with all that depends on it.
    """
    if given is None:
        return frozenset()
    return frozenset(id(one) for node in nodes for one in _not_run(node, imports, given))


def _not_run(node: ast.AST, imports: Mapping[str, set[Import]], given: Collection[str]) -> Iterator[ast.AST]:
    for one in ast.walk(node):
        if not isinstance(one, ast.If | ast.IfExp) or _asked(one.test, imports) in {None, *given}:
            continue
        if isinstance(one, ast.IfExp):
            yield from (one.test, one.body)
        elif not one.orelse:
            yield one


def _asked(test: ast.expr, imports: Mapping[str, set[Import]]) -> str | None:
    """The setting that is asked for; None if it is another question."""
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2):
        return None
    name = test.args[1]
    if imports.get(test.func.id) != {_ASKS} or not isinstance(name, ast.Constant):
        return None
    return name.value if isinstance(name.value, str) else None

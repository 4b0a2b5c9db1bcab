"""Code that only another value of a later setting needs: what stands behind ``sepmodels.settings.changed``.

Where a product is made with the value as before, such code never runs, and so it does not count.
"""

import ast
from collections.abc import Collection, Iterable, Iterator, Mapping

from assets.staleness.code.bindings import Import

_ASKS = Import("sepmodels.settings", "changed")


def that_ask(imports: Mapping[str, set[Import]]) -> frozenset[str]:
    """The names by which a module asks; most have none. imports: for each name all that its imports bind to it."""
    return frozenset(name for name, sources in imports.items() if sources == {_ASKS})


def questions_of(nodes: Iterable[ast.AST]) -> tuple[ast.If | ast.IfExp, ...]:
    """What has the form of a question after a setting, wherever in the nodes: the same for all values of settings."""
    found = (one for node in nodes for one in ast.walk(node))
    return tuple(one for one in found if isinstance(one, ast.If | ast.IfExp) and _asked(one.test))


def not_run(
    questions: Iterable[ast.If | ast.IfExp], asks: Collection[str], given: Collection[str] | None
) -> frozenset[int]:
    """The identities of the nodes that never run, because their setting has its value as before.

    questions: of :func:`questions_of`. asks: of :func:`that_ask`. given: the settings that count, by their bare
    names; None for all there may be.

    Of ``if changed(settings, "name"):`` without an else it is the statement; of ``a if changed(...) else b`` the
    question and ``a``. Any other form of the question counts with all that depends on it.
    """
    if given is None:
        return frozenset()
    return frozenset(id(one) for question in questions for one in _not_run(question, asks, given))


def _not_run(question: ast.If | ast.IfExp, asks: Collection[str], given: Collection[str]) -> Iterator[ast.AST]:
    function, setting = _asked(question.test) or ("", "")
    if function not in asks or setting in given:
        return
    if isinstance(question, ast.IfExp):
        yield from (question.test, question.body)
    elif not question.orelse:
        yield question


def _asked(test: ast.expr) -> tuple[str, str] | None:
    """The function that is asked, and the setting that it is asked for; None if it is another question."""
    if not (isinstance(test, ast.Call) and isinstance(test.func, ast.Name) and len(test.args) == 2):
        return None
    name = test.args[1]
    return (test.func.id, name.value) if isinstance(name, ast.Constant) and isinstance(name.value, str) else None

"""The marks of :mod:`sepmodels.marks` as they stand in a text: what of a module has no part in a result."""

import ast
from collections.abc import Iterable, Mapping

from assets.staleness.code.bindings import Import
from assets.staleness.code.scopes import dotted
from sepmodels import marks

Imports = Mapping[str, set[Import]]
_DECORATORS = frozenset({"speed_only", "words_only", "no_part_of_a_result"})


def mark_of(statements: Iterable[ast.stmt], imports: Imports) -> str | None:
    """The mark that all statements which define one name bear; None if one bears none, or another."""
    found = {_mark_of(statement, imports) for statement in statements}
    return found.pop() if len(found) == 1 else None


def _mark_of(statement: ast.stmt, imports: Imports) -> str | None:
    if isinstance(statement, ast.AnnAssign):
        return "speed_only" if _is_speed_only(statement, imports) else None
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        called = (one.func if isinstance(one, ast.Call) else one for one in statement.decorator_list)
        found = [name for one in called if (name := _of_marks(one, imports)) in _DECORATORS]
        return found[0] if found else None
    return None


def without_marked_fields(body: Iterable[ast.stmt], imports: Imports) -> list[ast.stmt]:
    """The body of a class without its fields that decide speed alone, or whose default is as before they existed."""
    return [one for one in body if not (isinstance(one, ast.AnnAssign) and _is_field_without_part(one, imports))]


def _is_field_without_part(field: ast.AnnAssign, imports: Imports) -> bool:
    if _is_speed_only(field, imports):
        return True
    if not isinstance(field.value, ast.Call):
        return False
    made_by = _of_marks(field.value.func, imports)
    return made_by == "speed_only" or (made_by == "neutral" and not field.value.keywords)


def _is_speed_only(statement: ast.AnnAssign, imports: Imports) -> bool:
    annotation = statement.annotation
    return isinstance(annotation, ast.Subscript) and _of_marks(annotation.value, imports) == "SpeedOnly"


def _of_marks(node: ast.expr, imports: Imports) -> str | None:
    """The name in :mod:`sepmodels.marks` that an expression stands for; None for anything else."""
    names = dotted(node)
    sources = imports.get(names[0], set()) if names else set()
    if len(sources) != 1:
        return None
    full = ".".join([*(source.dotted for source in sources), *names[1:]])
    home, _, name = full.rpartition(".")
    return name if home == marks.__name__ else None

"""Decorators that have no part in a result: what such a one stands on counts as if it stood there alone.

``@within_memory`` on a function says no more than a call of something marked does: that no number depends on it. Only
the bare form is understood. With arguments, on a class, or on a function within a function, a decorator counts.
"""

import ast
from collections.abc import Iterator

from assets.staleness.code.lookup import Lookup
from assets.staleness.code.parts import Module, Part
from assets.staleness.code.scopes import Use, dotted

_WITHOUT_PART = frozenset({"speed_only", "no_part_of_a_result"})


def marked_decorators(module: Module, part: Part, lookup: Lookup) -> frozenset[int]:
    """The identities of the decorators of a function that are marked where they are defined."""
    return frozenset(
        id(one) for one in _decorators(part) if (names := dotted(one)) and _is_marked(module, names, lookup)
    )


def _decorators(part: Part) -> Iterator[ast.expr]:
    for node in part.nodes:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from node.decorator_list


def _is_marked(module: Module, names: tuple[str, ...], lookup: Lookup) -> bool:
    targets = lookup.resolve(module, Use(names))
    homes = [lookup.module(target.module) if target.module else None for target in targets]
    marks = {home.marks.get(target.name or "") if home else None for home, target in zip(homes, targets, strict=True)}
    return bool(marks) and marks <= _WITHOUT_PART

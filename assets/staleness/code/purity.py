"""Whether an expression only looks at values, so that leaving it out changes nothing but what it gives."""

import ast
from collections.abc import Callable, Iterable
from typing import Any

_LOOK = frozenset(
    ["str", "repr", "format", "len", "type", "isinstance", "round", "abs", "int", "float", "bool", "range"]
)
# These go through what they are given, and an iterator is used up by it.
_GO_THROUGH = frozenset(
    ["sorted", "list", "tuple", "set", "dict", "sum", "min", "max", "any", "all", "zip", "enumerate"]
)
_OF_TEXT = frozenset(
    ["strip", "rstrip", "split", "splitlines", "partition", "lower", "upper", "removeprefix", "removesuffix", "replace"]
)
_NAMES = ast.Constant | ast.Name | ast.Attribute | ast.Subscript | ast.Slice | ast.Starred | ast.keyword
_SUMS = ast.JoinedStr | ast.FormattedValue | ast.BinOp | ast.UnaryOp | ast.BoolOp | ast.Compare | ast.IfExp
_PLAIN = _NAMES | _SUMS | ast.Tuple | ast.List | ast.Set | ast.Dict
_LOOPS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp | ast.comprehension
# Parts of a syntax tree that stand for no value.
_SIGNS = ast.expr_context | ast.operator | ast.unaryop | ast.boolop | ast.cmpop


def only_looks(node: ast.AST, *, may_go_through: bool, is_harmless: Callable[[ast.Call], bool]) -> bool:
    """Whether computing ``node`` leaves all as it was.

    Constants, names, attributes, items, arithmetic, comparisons, f-strings, methods of texts that are seen to be texts,
    and some built-in functions only look. Any other call may do anything, ``:=`` and ``await`` do.

    may_go_through: whether loops over what may be an iterator are allowed: where an error is raised next, as a rule
        nobody goes on with it.
    is_harmless: asked about other calls, whose arguments are looked at here.
    """

    def look(one: Any) -> bool:
        if isinstance(one, ast.Call):
            return _is_known(one, may_go_through, is_harmless) and all(map(look, _given(one)))
        allowed = isinstance(one, _PLAIN) or (may_go_through and isinstance(one, _LOOPS))
        return isinstance(one, _SIGNS) or (allowed and all(map(look, ast.iter_child_nodes(one))))

    return look(node)


def _given(call: ast.Call) -> Iterable[ast.AST]:
    called = [call.func.value] if isinstance(call.func, ast.Attribute) else []
    return [*called, *call.args, *call.keywords]


def _is_known(call: ast.Call, may_go_through: bool, is_harmless: Callable[[ast.Call], bool]) -> bool:
    function = call.func
    if isinstance(function, ast.Attribute) and _is_text(function.value):
        return function.attr in _OF_TEXT or (may_go_through and function.attr == "join")
    return is_harmless(call)


def is_built_in(call: ast.Call, *, may_go_through: bool) -> bool:
    """Whether a call, if its name is that of the built-in function, only looks."""
    name = ast.unparse(call.func)
    of_several = len(call.args) > 1 and not any(isinstance(one, ast.Starred) for one in call.args)
    goes_through = name in _GO_THROUGH and not (name in ("min", "max") and of_several)
    return name in _LOOK or (name in _GO_THROUGH and (may_go_through or not goes_through))


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is seen to be a text, whose methods are then known."""
    match node:
        case ast.Constant(value=str()) | ast.JoinedStr():
            return True
        case ast.Subscript(value=ast.Call(func=ast.Attribute(value=inner, attr="split" | "splitlines" | "partition"))):
            return _is_text(inner)
        case ast.Call(func=ast.Name(id="str" | "repr")):
            return True
        case ast.Call(func=ast.Attribute(value=inner, attr=method)):
            return _is_text(inner) and method in _OF_TEXT
        case ast.BinOp(left=left, op=ast.Add()):
            return _is_text(left)
        case _:
            return False

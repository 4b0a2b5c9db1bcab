"""Which words of a piece of code are only said: to people, and to no code that could decide something by them.

Conservative: what is not seen to be only said counts. An error's message is only said where its class is a plain one
(built in, or without anything of its own) and no handler within reach reads it, but to say it in turn.
"""

import ast
import builtins
from collections.abc import Iterator

from assets.staleness.code.lookup import Lookup, Target
from assets.staleness.code.names import Names
from assets.staleness.code.parts import Module, Part
from assets.staleness.code.said import WRAPPER, Callee, Hearing, Saying
from assets.staleness.code.scopes import Use, dotted
from sepmodels import marks

# Who hears: a class of errors (built in, or where it is defined), logs, warnings, or everything.
Ears = frozenset[object]
_ALL, _LOGS, _WARNINGS = "all", "logs", "warnings"
_EAVESDROPPERS = {
    **dict.fromkeys(("exc_info", "format_exc", "exception", "__cause__", "__context__"), _ALL),
    **dict.fromkeys(("addHandler", "addFilter", "setLoggerClass", "setLogRecordFactory", "dictConfig"), _LOGS),
    **dict.fromkeys(("catch_warnings", "simplefilter", "filterwarnings", "showwarning", "captureWarnings"), _WARNINGS),
}
_LEVELS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})
# Built-in errors whose arguments are a message and nothing else: of OSError's some are numbers that decide.
_PLAIN = {
    error.__name__: frozenset(error.__mro__)
    for error in (Exception, RuntimeError, NotImplementedError, ValueError, TypeError, KeyError, AssertionError)
}
_WRAPPER = f"{marks.__name__}.{WRAPPER}"


class Quiet:
    """Tells what is only said, as long as nobody but ``ears`` hears it."""

    def __init__(self, lookup: Lookup, ears: Ears) -> None:
        self.lookup = lookup
        self.ears = ears

    def unsaid(self, module: Module, part: Part) -> frozenset[int]:
        """The identities of the part's nodes that do not count."""
        held = (saying.unsaid for saying in part.said[0] if self._holds(module, saying))
        return frozenset().union(*held)

    def ears_of(self, module: Module, part: Part, needs: Names, unsaid: frozenset[int]) -> set[object]:
        """What the part hears, where ``unsaid`` does not count."""
        names = needs.attributes | {use.names[-1] for use in needs.uses if use.names}
        found: set[object] = {ear for name, ear in _EAVESDROPPERS.items() if name in names}
        for hearing in part.said[1]:
            if not hearing.above & unsaid and not (hearing.given_to and self._mark(module, hearing.given_to)):
                found.update(self._caught(module, hearing))
        return found

    def _holds(self, module: Module, saying: Saying) -> bool:
        if saying.form == "wrapped":
            holds = self.lookup.outside(module, saying.callee.use) == _WRAPPER
        elif saying.form == "raised":
            holds = self._is_plain_error(module, saying.callee)
        else:
            holds = self._mark(module, saying.callee) == "words_only" or self._is_log(module, saying.callee)
        return holds and all(self._is_harmless(module, callee) for callee in saying.harmless)

    def _is_harmless(self, module: Module, callee: Callee) -> bool:
        if callee.kind == "built in":
            return callee.use.source is None and not self.lookup.look_up(module, callee.use.names)
        return bool(self._mark(module, callee)) or self.lookup.outside(module, callee.use) == _WRAPPER

    # Marks

    def _mark(self, module: Module, callee: Callee) -> str | None:
        """The mark of what is called, or of the type of it."""
        if callee.kind == "own":
            owner, _, name = callee.name.rpartition(".")
            return module.marks.get(callee.name) or self._mark_of_field(Target(module.name, owner), name)
        if callee.kind not in ("name", "typed"):
            return None
        targets = self.lookup.resolve(module, callee.use) if callee.use.names[0] else []
        if callee.kind == "typed" and callee.name:
            found = {self._mark_of_field(target, callee.name) for target in targets}
        else:
            found = {self._mark_of(target) for target in targets}
        return found.pop() if len(found) == 1 else None

    def _mark_of(self, target: Target) -> str | None:
        module = self.lookup.module(target.module) if target.module else None
        return module.marks.get(target.name or "") if module else None

    def _mark_of_field(self, target: Target, name: str) -> str | None:
        """The mark of the type of a field of a class."""
        module = self.lookup.module(target.module) if target.module else None
        for node in _body(module, target.name) if module else ():
            if isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == name and dotted(node.annotation):
                return self._mark(module, Callee("typed", Use(dotted(node.annotation))))  # type: ignore[arg-type]
        return None

    # Errors

    def _is_plain_error(self, module: Module, callee: Callee) -> bool:
        """Whether what is raised has a message and nothing else, which nobody hears."""
        if self._mark(module, callee) == "words_only":  # a function that gives an error, of the class that it says
            return not self.ears - {_LOGS, _WARNINGS}
        classes = self._classes(module, callee.use) if callee.kind == "name" else None
        return classes is not None and not self.ears & (classes | {_ALL})

    def _classes(self, module: Module, use: Use) -> frozenset[object] | None:
        """A plain class of errors, with those that it derives from; None for any other."""
        targets = self.lookup.resolve(module, use)
        if not targets and use.source is None:
            return _PLAIN.get(".".join(use.names))
        if len(targets) != 1 or not (target := targets[0]).module or len(use.names) > 1:
            return None
        home = self.lookup.module(target.module)
        node = _class(home, target.name) if home else None
        if home is None or node is None or node.decorator_list or node.keywords or _body(home, target.name):
            return None
        above = [self._classes(home, Use(names)) if (names := dotted(base)) else None for base in node.bases]
        if not above or None in above:
            return None
        return frozenset({target}).union(*(classes for classes in above if classes is not None))

    def _caught(self, module: Module, hearing: Hearing) -> Iterator[object]:
        for use in hearing.types or ():
            targets = self.lookup.resolve(module, use)
            if not targets:
                known = getattr(builtins, ".".join(use.names), None)
                yield known if isinstance(known, type) else _ALL
            for target in targets:
                home = self.lookup.module(target.module) if target.module else None
                if home is not None:  # a class of a library is none that plain errors derive from
                    yield target if _class(home, target.name) else _ALL
        if hearing.types is None:
            yield _ALL

    # Logs

    def _is_log(self, module: Module, callee: Callee) -> bool:
        """Whether a logger, or the module of logs or warnings, is told something that nobody in the project hears."""
        if callee.kind not in ("name", "logger"):
            return False
        full = self.lookup.outside(module, callee.use)
        if full == "warnings.warn":
            return not self.ears & {_ALL, _WARNINGS}
        if callee.kind == "logger":
            told = full == "logging.getLogger" and callee.name in _LEVELS
        else:
            *names, method = callee.use.names
            told = method in _LEVELS and (full == f"logging.{method}" or self._is_logger(module, callee.use, names))
        return told and _LOGS not in self.ears

    def _is_logger(self, module: Module, use: Use, names: list[str]) -> bool:
        targets = self.lookup.resolve(module, Use(tuple(names), use.source)) if len(names) == 1 else []
        return bool(targets) and all(map(self._gives_logger, targets))

    def _gives_logger(self, target: Target) -> bool:
        home = self.lookup.module(target.module) if target.module else None
        parts = home.definitions.get(target.name or "", []) if home else []
        nodes = [node for part in parts for node in part.nodes]
        value = getattr(nodes[0], "value", None) if len(nodes) == 1 else None
        if home is None or not isinstance(value, ast.Call) or not (names := dotted(value.func)):
            return False
        return self.lookup.outside(home, Use(names)) == "logging.getLogger"


def _class(module: Module, name: str | None) -> ast.ClassDef | None:
    """The class of that name without its methods, if nothing else has the name and it has none."""
    parts = module.definitions.get(name or "", [])
    nodes = parts[0].nodes if parts else ()
    return nodes[0] if len(nodes) == 1 and isinstance(nodes[0], ast.ClassDef) else None


def _body(module: Module, name: str | None) -> list[ast.stmt]:
    """What a class says beside its bases, its methods included."""
    node = _class(module, name)
    methods = [one for part in module.definitions.get(name or "", [])[1:] for one in part.nodes]
    inner = [one for one in node.body if not _is_docstring(one)] if node else []
    return [*inner, *methods]


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))

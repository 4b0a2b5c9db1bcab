"""Systems that are a function of a person's own Python, in a file or in an installed package."""

import ast
import importlib.util
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

import numpy as np

from sepmodels.audio import SAMPLE_RATE_HZ
from sepmodels.audio.sample_values import require_numbers
from sepmodels.errors import UserError, unknown_name
from sepmodels.files import hash_file, hash_texts
from sepmodels.systems.added import PLACE_ONLY, Added, Heard, Separate, Tracks
from sepmodels.systems.given_audio import fit
from sepmodels.systems.outside_code import with_imports
from sepmodels.systems.watched import Watched

ENTRY_POINTS = "sepbench.systems"  # the group in which an installed package offers its functions
_CHILD = Path(__file__).with_name("python_child.py")


@dataclass(frozen=True, kw_only=True)
class PythonFunction(Added):
    """A function ``separate(mixture, sample_rate_hz) -> vocals``, both float32 ``(2, sample)``.

    It is run in a process of its own, so that what it imports, prints and breaks stays there.

    python: ``FILE.py:function`` or ``module:function``; or the name of an entry point of the group
        ``sepbench.systems``.
    limit_minutes: for each track, and for its import.
    """

    python: str = field(metadata=PLACE_ONLY)  # its content counts
    limit_minutes: float = field(default=60.0, metadata=PLACE_ONLY)

    kind = "Python"
    says = "A Python function's estimates; the accompaniment is the mixture minus these."
    option = "python"
    keeps_parts = True
    separates_songs = True

    def check(self) -> None:
        """Raise UserError for a file that is not there or not Python, and for a function that it has not."""
        module, function = self.found()
        source = _source(module)
        try:
            tree = ast.parse(source.read_text(encoding="utf-8")) if source else None
        except (SyntaxError, UnicodeDecodeError) as fault:
            raise UserError(f"{source} is not valid Python ({fault}): mend it.") from None
        if tree is not None and function not in _names(tree):
            raise UserError(f"{source} has no {function}: expected a function {function}(mixture, sample_rate_hz).")

    def found(self) -> tuple[str, str]:
        """The file or module, and the function's name; raises UserError where there is none."""
        text = self.python
        if ":" not in text:
            offered = {one.name: one.value for one in metadata.entry_points(group=ENTRY_POINTS)}
            if text not in offered:
                raise unknown_name(f"entry point of {ENTRY_POINTS}", text, offered)
            text = offered[text]
        module, _, function = text.rpartition(":")
        if module.endswith(".py"):
            if not Path(module).is_file():
                raise UserError(f"There is no file {module}: give FILE.py:function.")
            return module, function
        if _spec(module) is None:
            raise UserError(f"There is no module {module} here: install its package, or give FILE.py:function.")
        return module, function

    def version(self) -> Mapping[str, str]:
        """The hash of the file and of what it imports from its folder; of a module, its package's with the version."""
        try:
            module, function = self.found()
        except UserError as fault:  # said by whoever runs it
            return {"python": str(fault)}
        source = _source(module)
        in_file = module.endswith(".py")
        files = with_imports(source, "" if in_file else module) if source else ()
        content = hash_texts([function, *map(hash_file, files)]) if files else function
        packages = () if in_file else metadata.packages_distributions().get(module.partition(".")[0], ())
        return {"python": content, **{f"package.{name}": metadata.version(name) for name in packages}}

    @contextmanager
    def opened(self, tracks: Tracks) -> Iterator[Separate]:  # noqa: ARG002
        """What hands one track after another to the function, in one process."""
        module, function = self.found()
        words = [sys.executable, str(_CHILD), module, function, str(SAMPLE_RATE_HZ)]
        work = Path(module).parent if module.endswith(".py") else Path.cwd()
        with (
            tempfile.TemporaryDirectory(prefix="sepbench-") as scratch,
            Watched(words, work, f"{self.name} ({Path(module).name}:{function})", reads=True) as process,
        ):
            folder = Path(scratch)

            def separate(track: str, mixture: np.ndarray) -> Heard:  # noqa: ARG001
                answer = folder / "vocals.npy"
                np.save(folder / "mixture.npy", mixture)
                process.tell(str(folder))
                process.wait(self.limit_minutes * 60, done=answer.exists)
                vocals = np.load(answer, allow_pickle=False)
                answer.unlink()
                return self._checked(vocals, mixture)

            yield separate

    def _checked(self, vocals: np.ndarray, mixture: np.ndarray) -> Heard:
        if vocals.ndim != 2:
            raise UserError(
                f"{self.python} gave vocals of shape {vocals.shape} for a mixture of {mixture.shape}: expected "
                f"{mixture.shape}."
            )
        require_numbers(vocals, self.python, 0, SAMPLE_RATE_HZ)
        return fit(vocals, SAMPLE_RATE_HZ, mixture, self.python)


def _spec(module: str) -> importlib.machinery.ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None


def _source(module: str) -> Path | None:
    """The file of a module, if it has one of Python."""
    if module.endswith(".py"):
        return Path(module)
    spec = _spec(module)
    return Path(spec.origin) if spec and spec.origin and spec.origin.endswith(".py") else None


def _names(tree: ast.Module) -> set[str]:
    """What a module defines or imports at its top level, as far as a text shows it."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            names |= {(alias.asname or alias.name) for alias in node.names}
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names

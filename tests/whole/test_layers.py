"""Imports go one way: pipelines -> assets -> sepmodels."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    "sepmodels": {"assets", "pipelines", "dagster", "mlflow", "tests"},
    "assets": {"pipelines", "tests"},
    "pipelines": {"tests"},
}


def imported(path: Path) -> Iterator[str]:
    """The top-level packages that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_package_imports_one_above_it(package: str) -> None:
    found = {
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in (PROJECT / package).rglob("*.py")
        for name in imported(path)
        if name in FORBIDDEN[package]
    }
    assert not found


def test_definitions_load_without_torch_mlflow_or_museval() -> None:
    heavy = "{'torch', 'mlflow', 'museval', 'plotly', 'matplotlib'}"
    code = f"import sys, pipelines.graph.definitions; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_every_folder_with_code_is_a_package_so_that_it_is_installed() -> None:
    folders = {path.parent for top in FORBIDDEN for path in (PROJECT / top).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").is_file()]


def test_every_dependency_says_why_it_is_there() -> None:
    lines = (PROJECT / "pyproject.toml").read_text().splitlines()
    inside = [line for line in lines if line.startswith('    "') and (">=" in line or "==" in line)]
    assert inside
    assert not [line for line in inside if "#" not in line]

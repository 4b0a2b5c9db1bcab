"""Imports go one way: pipelines -> assets -> sepmodels."""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
FORBIDDEN = {
    "sepmodels": {"assets", "pipelines", "dagster", "mlflow", "tests"},
    "assets": {"pipelines", "tests"},
    "pipelines": {"tests"},
}


# Folders and loose modules of each package, from the ground up: none imports from one that stands after it.
FLOORS = {
    "sepmodels": (
        ("marks", "errors", "progress", "machine", "files", "cluster", "settings", "limits", "audio"),
        ("dataset", "systems", "models", "training", "separation", "scoring", "results", "packing", "report"),
    ),
    "assets": (
        ("paths", "database", "job", "step", "other_test_sets", "runtime", "staleness", "tracking", "resources"),
        ("making", "chains", "graph", "showing", "checking", "accepting", "factory"),
    ),
    "pipelines": (
        ("terminal", "own_code", "setting_values", "settings_file", "profiles", "ports", "permissions", "temporary"),
        ("dataset_look", "options", "remembering", "graph", "looking", "packing"),
        ("running", "systems", "songs", "sweeping", "serve", "front", "doctor", "ui", "downloading", "commands", "cli"),
    ),
}


def modules() -> dict[str, Path]:
    """Every module of the project by its dotted name, packages too."""
    files = [path for top in FORBIDDEN for path in (PROJECT / top).rglob("*.py")]
    return {".".join(path.relative_to(PROJECT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


def imported(path: Path, known: Iterable[str] = ()) -> Iterator[str]:
    """What a file imports, anywhere in it: modules, as far as they are known."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                deeper = f"{node.module}.{alias.name}"
                yield deeper if deeper in known else node.module


@pytest.mark.parametrize("package", FORBIDDEN)
def test_no_package_imports_one_above_it(package: str) -> None:
    found = {
        f"{path.relative_to(PROJECT)} imports {name}"
        for path in (PROJECT / package).rglob("*.py")
        for name in imported(path)
        if name.partition(".")[0] in FORBIDDEN[package]
    }
    assert not found


@pytest.mark.parametrize("package", FLOORS)
def test_no_folder_imports_from_one_that_stands_above_it(package: str) -> None:
    floors = [name for row in FLOORS[package] for name in row]
    known = modules()
    inside = {name: path for name, path in known.items() if name.startswith(f"{package}.")}
    assert {name.split(".")[1] for name in inside} == set(floors)
    upward = {
        f"{name} imports {other}"
        for name, path in inside.items()
        for other in imported(path, known)
        if other in inside and floors.index(other.split(".")[1]) > floors.index(name.split(".")[1])
    }
    assert not upward


def test_no_modules_import_each_other_in_a_circle() -> None:
    known = modules()
    graph = {name: {other for other in imported(path, known) if other in known} for name, path in known.items()}
    TopologicalSorter({name: others - {name} for name, others in graph.items()}).prepare()  # raises CycleError


def test_definitions_load_without_torch_mlflow_or_museval() -> None:
    heavy = "{'torch', 'mlflow', 'museval', 'plotly', 'matplotlib'}"
    code = f"import sys, pipelines.graph.definitions; print(sorted({heavy} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_the_help_of_commands_loads_nothing_that_takes_long_to_load() -> None:
    heavy = "{'dagster', 'mlflow', 'pandas', 'scipy', 'torch'}"
    code = f"import sys, pipelines.cli; print(sorted({heavy} & set(sys.modules)))"
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


def has_code(path: Path) -> bool:
    body = ast.parse(path.read_text(encoding="utf-8")).body
    return path.name != "__init__.py" or any(isinstance(node, (ast.FunctionDef, ast.ClassDef)) for node in body)


def test_every_module_has_a_test_file_of_its_own_or_stands_in_the_list_with_the_one_that_tests_it() -> None:
    lines = (PROJECT / "tests" / "whole" / "tested_elsewhere.txt").read_text(encoding="utf-8").splitlines()
    listed = dict(line.split() for line in lines)
    paths = {path.relative_to(PROJECT) for path in modules().values() if has_code(path)}
    named = {path: path.parent if path.name == "__init__.py" else path.with_suffix("") for path in paths}
    own = {path for path, name in named.items() if (PROJECT / "tests" / name.parent / f"test_{name.name}.py").exists()}
    assert set(listed) == {path.as_posix() for path in paths - own}
    assert [name for name in listed.values() if not (PROJECT / name).exists()] == []

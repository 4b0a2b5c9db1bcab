"""The pages for people name what there is."""

import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import PROJECT

PACKAGES = ("sepmodels", "assets", "pipelines")
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
FOLDERS = ("sepmodels", "assets", "pipelines", "tests", "docs", "benchmarks", "scripts")
IN_BACKTICKS = re.compile(rf"`((?:{'|'.join(FOLDERS)})/[\w./-]*)`")
LINKED = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def named(page: Path) -> Iterator[Path]:
    """The files and folders of the project that a page names."""
    text = page.read_text(encoding="utf-8")
    yield from (PROJECT / path for path in IN_BACKTICKS.findall(text))
    yield from (page.parent / path for path in LINKED.findall(text))


def test_the_page_on_architecture_has_every_folder_of_the_packages() -> None:
    page = (PROJECT / "docs" / "architecture.md").read_text(encoding="utf-8")
    files = [
        file for package in PACKAGES for file in (PROJECT / package).rglob("*.*") if "__pycache__" not in str(file)
    ]
    folders = {file.parent.relative_to(PROJECT).as_posix() for file in files if file.is_file()}
    assert folders > {*PACKAGES}
    assert [folder for folder in sorted(folders) if f"| `{folder}/` |" not in page] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    assert [str(path) for path in named(page) if not path.exists()] == []


def test_every_name_that_a_docstring_refers_to_exists() -> None:
    role = re.compile(r":(?:mod|func|class|data|meth):`~?((?:sepmodels|assets|pipelines)[\w.]*)`")
    sources = [path.read_text(encoding="utf-8") for package in PACKAGES for path in (PROJECT / package).rglob("*.py")]
    names = {name for source in sources for name in role.findall(source)}
    assert names
    for name in sorted(names):
        pkgutil.resolve_name(name)  # raises an error that names what is missing

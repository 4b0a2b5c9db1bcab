"""Whether a worker has the code that the head has: else it would make something else under the same name."""

import functools
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import sepmodels
from sepmodels.errors import UserError
from sepmodels.files import hash_file, hash_texts

ROOT = Path(sepmodels.__file__).parents[1]
PACKAGES = ("sepmodels", "assets")  # what workers use


@functools.cache
def code_digest() -> str:
    """A hash of all the code that workers use, as it was when this process first asked."""
    files = sorted(file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    return hash_texts(text for file in files for text in (file.relative_to(ROOT).as_posix(), hash_file(file)))


def versions_of(libraries: tuple[str, ...]) -> dict[str, str]:
    """The version of each library that is installed here; those that are not are left out."""
    found = {}
    for name in libraries:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def require_same(digest: str, libraries: Mapping[str, str]) -> None:
    """Raise UserError where this process has other code, or other versions of libraries."""
    here = versions_of(tuple(libraries))
    other = [f"{name} {here.get(name, 'missing')} for {wanted}" for name, wanted in libraries.items()]
    other = [said for said, name in zip(other, libraries, strict=True) if here.get(name) != libraries[name]]
    if other:
        raise UserError(
            f"The cluster's machine has other libraries than the head ({', '.join(other)}): install the same there."
        )
    if code_digest() != digest:
        raise UserError(
            f"The code in {ROOT} is not the code that the head began with: if you edited it, run again; else install "
            "the same version on the cluster's machines."
        )

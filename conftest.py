"""What every test shares, also the examples in docstrings, which stand outside tests/."""

import linecache

import pytest


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Empty Python's cache of source lines before an example in a docstring.

    doctest looks through that cache. SQLAlchemy keeps lines there for each class that it makes, and takes them away
    when the class is freed. Where that happens meanwhile, Python 3.11 ends with a KeyError.
    """
    if isinstance(item, pytest.DoctestItem):
        linecache.clearcache()

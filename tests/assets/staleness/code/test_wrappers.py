"""Decorators that are marked, and those beside them that count."""

import pytest

from tests.code_tree import Tree

TRAINING = "sepmodels/training.py"
STEP = "def _step("


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path)
    tree.write("sepmodels/marks.py", "def speed_only(thing):\n    return thing\nwords_only = speed_only\n")
    tree.write(
        "sepmodels/memory.py",
        """
        from sepmodels.marks import speed_only, words_only
        @speed_only
        def thrifty(function):
            return function
        @words_only
        def saying(function):
            return function
        def doubled(function):
            return lambda *given: 2 * function(*given)
        """,
    )
    tree.edit(TRAINING, "import numpy as np\n", "import numpy as np\nfrom sepmodels import memory\n")
    return tree


def test_a_decorator_that_is_marked_does_not_count_nor_what_it_does(tree):
    assert tree.changes(TRAINING, STEP, f"@memory.thrifty\n{STEP}") == []
    assert tree.changes("sepmodels/memory.py", "return function", "return lambda *given: function(*given)") == []


@pytest.mark.parametrize("decorator", ["memory.doubled", "memory.saying", "memory.thrifty(3)", "print"])
def test_any_other_decorator_counts(tree, decorator):
    assert tree.changes(TRAINING, STEP, f"@{decorator}\n{STEP}") != []


def test_beside_a_marked_decorator_another_one_counts(tree):
    tree.edit(TRAINING, STEP, f"@memory.thrifty\n{STEP}")
    assert tree.changes(TRAINING, STEP, f"@memory.doubled\n{STEP}") != []


def test_what_is_decorated_still_counts(tree):
    tree.edit(TRAINING, STEP, f"@memory.thrifty\n{STEP}")
    assert tree.changes(TRAINING, "return loss(model(batch), batch)", "return 2 * loss(model(batch), batch)") != []


EITHER = """try:
    from sepmodels.memory import thrifty
except ImportError:
    from sepmodels.memory import doubled as thrifty
STEPS = 3
"""


def test_a_name_that_may_stand_for_something_unmarked_counts(tree):
    tree.edit(TRAINING, "STEPS = 3\n", EITHER)
    assert tree.changes(TRAINING, STEP, f"@thrifty\n{STEP}") != []


def test_the_same_as_a_call_counts(tree):
    assert tree.changes(TRAINING, "_step(model, loss, augment", "memory.thrifty(_step)(model, loss, augment") != []


def test_within_a_function_it_counts(tree):
    inner = "    @memory.thrifty\n    def inner():\n        return loss\n    return inner()(model(batch), batch)\n"
    assert tree.changes(TRAINING, "    return loss(model(batch), batch)\n", inner) != []

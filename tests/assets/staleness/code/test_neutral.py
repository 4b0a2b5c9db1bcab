"""Code that only another value of a later setting needs: whose versions it changes, and whose not."""

import dataclasses

import pytest

from assets.graph import benchmark_steps
from assets.paths import Paths
from assets.staleness.step_version import step_version
from pipelines.profiles import PROFILES
from sepmodels.systems.variants import VARIANTS
from tests.code_tree import Tree

AS_BEFORE = {"training": {"batch": 4}}
OTHERWISE = {"training": {"batch": 4, "schedule": "cosine"}}
TRAINING = "sepmodels/training.py"
STEP = "        return loss(model(batch), batch)\n".removeprefix("    ")


@pytest.fixture
def tree(tmp_path):
    tree = Tree(tmp_path)
    tree.write("sepmodels/settings.py", "def changed(settings, name):\n    return name in settings\n")
    tree.write("sepmodels/cosine.py", "def follow(x):\n    return x\n")
    imported = "from sepmodels.settings import changed\nfrom sepmodels.cosine import follow\n"
    tree.edit(TRAINING, "import numpy as np\n", f"import numpy as np\n{imported}")
    return tree


def added(statement: str) -> str:
    return f"    {statement}\n{STEP}"


FORMS = {
    "statement": (STEP, added('if changed(batch, "schedule"):\n        batch = follow(batch)')),
    "expression": (
        "loss(model(batch), batch)",
        'follow(batch) if changed(batch, "schedule") else loss(model(batch), batch)',
    ),
}
COUNTING = {
    "an else": (
        STEP,
        added('if changed(batch, "schedule"):\n        batch = follow(batch)\n    else:\n        batch = 1'),
    ),
    "the opposite": (STEP, added('if not changed(batch, "schedule"):\n        batch = follow(batch)')),
    "two questions": (STEP, added('if changed(batch, "schedule") or batch:\n        batch = follow(batch)')),
    "a name of the run": (STEP, added("if changed(batch, batch):\n        batch = follow(batch)")),
    "a setting that counts": (STEP, added('if changed(batch, "batch"):\n        batch = follow(batch)')),
}


@pytest.mark.parametrize("form", FORMS)
def test_behind_the_question_it_counts_only_with_another_value(tree, form):
    before, otherwise = tree.version(configuration=AS_BEFORE), tree.version(configuration=OTHERWISE)

    tree.edit(TRAINING, *FORMS[form])

    assert tree.difference(before, configuration=AS_BEFORE) == []
    assert any("cosine.py" in one for one in tree.difference(otherwise, configuration=OTHERWISE))


@pytest.mark.parametrize("form", FORMS)
def test_what_is_reached_from_there_counts_only_with_another_value(tree, form):
    tree.edit(TRAINING, *FORMS[form])
    change = ("sepmodels/cosine.py", "return x", "return -x")

    assert tree.changes(*change, configuration=AS_BEFORE) == []
    assert tree.changes("sepmodels/cosine.py", "return -x", "return x / 2", configuration=OTHERWISE)


@pytest.mark.parametrize("form", COUNTING)
def test_in_any_other_form_it_counts_for_all(tree, form):
    assert tree.changes(TRAINING, *COUNTING[form], configuration=AS_BEFORE)


def test_a_function_of_that_name_from_elsewhere_is_no_such_question(tree):
    tree.write("sepmodels/elsewhere.py", "def changed(settings, name):\n    return True\n")
    tree.edit(TRAINING, "from sepmodels.settings import changed", "from sepmodels.elsewhere import changed")

    assert tree.changes(TRAINING, *FORMS["statement"], configuration=AS_BEFORE)


def test_what_a_variant_has_of_its_own_counts_in_its_version_and_the_profiles_value_does_not():
    own = dataclasses.replace(VARIANTS["l1_loss"], training={"gradient_clip": 1.0})
    profile = PROFILES["demo"]
    clipped = dataclasses.replace(profile, training=dataclasses.replace(profile.training, gradient_clip=2.0))

    def version(variant, profile):
        (step,) = (one for one in benchmark_steps(profile, [variant]) if one.path[-1] == "checkpoint")
        return step_version(step, profile, Paths(profile.name, profile.name)).digest

    assert version(own, profile) != version(VARIANTS["l1_loss"], profile)
    assert version(own, clipped) == version(own, profile)
    assert version(VARIANTS["l1_loss"], clipped) != version(VARIANTS["l1_loss"], profile)

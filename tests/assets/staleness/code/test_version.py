"""What counts in a code version, what does not, and how a difference is told."""

import ast
import io
import random
import tokenize
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from assets.staleness.code.version import NO_PART_OF_A_RESULT, PROJECT, CodeVersion, code_version, explain
from sepmodels.errors import UserError
from tests.code_tree import RUN_TIME, Tree


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)


# What does not count


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("# one step", "# a step, told\n    # at length"),
        ('"""Train."""', '"""Train a model."""\n    "And more."'),
        ('"""Train."""', "pass"),
        ("range(STEPS)", "range(\n            STEPS,\n    )"),
        ("def train(variant):", "def train(variant: str) -> None:"),
        ("    variant = find_variant", "    variant: str = find_variant"),
        (
            "    import sepmodels.models as architectures\n    from .losses import build_loss\n",
            "    from sepmodels.losses import build_loss\n    from sepmodels import models as architectures\n",
        ),
        (
            "import numpy as np",
            "import typing\nimport numpy as np\nif typing.TYPE_CHECKING:\n    from sepmodels.models.conv import Model",
        ),
        ("UNUSED = 4", "UNUSED = 5"),
        ("return UNUSED", "return 7"),
    ],
    ids=[
        "comment",
        "docstring",
        "pass",
        "layout",
        "annotation",
        "annotated name",
        "import",
        "type checking",
        "unused constant",
        "unused function",
    ],
)
def test_what_does_not_change_the_work_does_not_count(tree, old, new):
    assert tree.changes("sepmodels/training.py", old, new) == []


def test_an_import_moved_into_the_function_does_not_count(tree):
    before = tree.version()
    tree.edit("sepmodels/training.py", "import numpy as np\n", "")
    tree.edit("sepmodels/training.py", "from .losses", "import numpy as np\n    from .losses")
    assert tree.difference(before) == []


def test_the_list_of_variants_does_not_count(tree):
    assert tree.changes("sepmodels/systems/variants.py", '"b"', '"b", "c"') == []


def test_another_architecture_and_another_loss_do_not_count(tree):
    assert tree.changes("sepmodels/models/conv.py", "return x", "return 2 * x") == []
    assert tree.changes("sepmodels/losses.py", "torch.abs(estimate - target)", "(estimate - target).abs()") == []


def test_a_function_of_a_used_module_that_is_not_used_does_not_count(tree):
    assert tree.changes("sepmodels/augment.py", "def swap(x):\n    return x", "def swap(x):\n    return -x") == []


def test_a_file_moved_with_no_change_of_content_does_not_count(tree):
    before = tree.version()
    (tree.root / "sepmodels/augment.py").rename(tree.root / "sepmodels/augmentation.py")
    tree.edit("sepmodels/training.py", "from sepmodels import augment", "from sepmodels import augmentation as augment")
    assert tree.difference(before) == []
    assert "sepmodels/augmentation.py::gain" in tree.version().parts


def test_a_local_name_like_that_of_a_function_is_not_taken_for_it(tree):
    tree.write(
        "assets/work.py",
        """
        def scores(tracks):
            found = [tracks for tracks in tracks]
            return (lambda width: width)(found)
        def tracks(): return 1
        def found(): return 2
        def width(): return 3
    """,
    )
    assert list(tree.version("assets.work:scores", extra_roots=()).parts) == ["assets/work.py::scores"]


# What counts


@pytest.mark.parametrize(
    ("path", "old", "new", "told"),
    [
        (
            "sepmodels/training.py",
            "_step(model, loss, augment",
            "_step(model, loss, 2 * augment",
            "sepmodels/training.py changed (function `train`)",
        ),
        (
            "sepmodels/training.py",
            "return loss(",
            "return 2 * loss(",
            "sepmodels/training.py changed (function `_step`)",
        ),
        ("sepmodels/training.py", "STEPS = 3", "STEPS = 4", "sepmodels/training.py changed (constant `STEPS`)"),
        (
            "sepmodels/training.py",
            "STEPS = 3",
            "STEPS = 3\nnp.seterr(all='raise')",
            "now uses sepmodels/training.py (statements at the top level)",
        ),
        (
            "sepmodels/augment.py",
            "def gain(x):\n    return x",
            "def gain(x):\n    return 2 * x",
            "sepmodels/augment.py changed (function `gain`)",
        ),
        ("sepmodels/losses.py", "SCALE = 2.0", "SCALE = 3.0", "sepmodels/losses.py changed (constant `SCALE`)"),
        (
            "sepmodels/models/lstm.py",
            "return x + 1",
            "return x + 2",
            "sepmodels/models/lstm.py changed (function `helper` of `Model`)",
        ),
        (
            "sepmodels/models/lstm.py",
            "width: int = 3",
            "width: float = 3",
            "sepmodels/models/lstm.py changed (class `Model`)",
        ),
        (
            "sepmodels/models/shared.py",
            "return x",
            "return -x",
            "sepmodels/models/shared.py changed (function `forward` of `Norm`)",
        ),
        (
            "sepmodels/systems/variants.py",
            "return VARIANTS[name]",
            "return VARIANTS.get(name)",
            "sepmodels/systems/variants.py changed (function `find_variant`)",
        ),
        (
            "sepmodels/training.py",
            "import numpy as np",
            "import jax.numpy as np",
            "sepmodels/training.py changed (function `train`)",
        ),
    ],
    ids=lambda value: value if "changed" in value or "uses" in value else "",
)
def test_what_the_work_reaches_counts_and_is_named(tree, path, old, new, told):
    assert tree.changes(path, old, new) == [told]


def test_a_method_of_the_settings_that_are_handed_in_counts_where_its_name_is_used(tree):
    tree.write("sepmodels/settings.py", "class Settings:\n    def budget(self):\n        return 3\n")
    tree.write(
        "assets/work.py", "def work(job):\n    return job.settings.budget()\ndef other(job):\n    return job.settings\n"
    )
    before = tree.version("assets.work:work"), tree.version("assets.work:other")
    tree.edit("sepmodels/settings.py", "return 3", "return 4")
    after = tree.version("assets.work:work"), tree.version("assets.work:other")
    said = [explain(old.parts, new.parts) for old, new in zip(before, after, strict=True)]
    assert said == [["sepmodels/settings.py changed (function `budget` of `Settings`)"], []]


def test_a_new_helper_is_named_with_the_function_that_calls_it(tree):
    said = tree.changes("sepmodels/training.py", "augment.gain(np", "augment.swap(np")
    assert said == [
        "sepmodels/training.py changed (function `train`)",
        "now uses sepmodels/augment.py (function `swap`)",
        "no longer uses sepmodels/augment.py (function `gain`)",
    ]


def test_two_imports_that_change_places_are_seen(tree):
    tree.write(
        "assets/work.py",
        """
        from sepmodels.models.lstm import Model as First
        from sepmodels.models.conv import Model as Second
        def work():
            return First()(Second())
    """,
    )
    before = tree.version("assets.work:work")
    tree.edit("assets/work.py", "lstm import Model as First", "conv import Model as First")
    tree.edit("assets/work.py", "conv import Model as Second", "lstm import Model as Second")
    after = tree.version("assets.work:work")
    assert explain(before.parts, after.parts) == ["assets/work.py changed (function `work`)"]


def test_what_an_imported_module_does_on_import_counts(tree):
    tree.edit("sepmodels/augment.py", "def swap", "import sepmodels.plugin\ndef swap")
    tree.write("sepmodels/plugin.py", "import torch\ntorch.set_num_threads(1)\nOTHER = 3")
    assert tree.changes("sepmodels/plugin.py", "(1)", "(2)") == [
        "sepmodels/plugin.py changed (statements at the top level)"
    ]
    assert tree.changes("sepmodels/plugin.py", "OTHER = 3", "OTHER = 4") == []


def test_a_module_used_as_a_value_counts_whole(tree):
    tree.write("assets/work.py", "from sepmodels import augment\ndef work(name):\n    return getattr(augment, name)")
    parts = tree.version("assets.work:work", extra_roots=()).parts
    assert {"sepmodels/augment.py::gain", "sepmodels/augment.py::swap"} <= set(parts)


def test_a_package_that_imports_its_own_submodule_by_name_is_followed(tree):
    tree.write("sepmodels/__init__.py", "from sepmodels import augment\nfrom . import losses")
    tree.write(
        "assets/work.py", "import sepmodels\ndef work():\n    return sepmodels.augment.gain(sepmodels.losses.SCALE)"
    )
    parts = tree.version("assets.work:work", extra_roots=()).parts
    assert set(parts) == {"assets/work.py::work", "sepmodels/augment.py::gain", "sepmodels/losses.py::SCALE"}


@pytest.mark.parametrize(
    "work",
    [
        "from sepmodels.one import *\nfrom sepmodels.two import *",
        "try:\n    from sepmodels.one import f\nexcept ImportError:\n    from sepmodels.two import f",
        "import torch\nif torch:\n    from sepmodels.one import f\nelse:\n    from sepmodels.two import f",
        "from sepmodels.one import f\nfrom sepmodels import two\nf = two.f(f)",
        "def f(x):\n    return 0\nfrom sepmodels.one import f\nfrom sepmodels.two import f",
        "from sepmodels.one import f\nimport sepmodels.two as b\nclass Work:\n    f = staticmethod(f)\n    g = b.f",
        "from sepmodels import between\ndef f(x):\n    return getattr(between, x)",
        "from sepmodels import circle\nf = circle.f, circle.g",
    ],
    ids=["stars", "try", "if", "wrapped", "twice", "class body", "lent by a module used as a value", "circle"],
)
def test_all_that_a_name_may_be_bound_to_counts(tree, work):
    body = "f = Work.f, Work.g\n" if "class Work" in work else ""
    tree.write("sepmodels/between.py", "from sepmodels.one import f as first\nfrom sepmodels.two import f as _second\n")
    tree.write("sepmodels/circle.py", "from sepmodels.ring import f, g\n")
    tree.write(
        "sepmodels/ring.py", "from sepmodels.circle import *\nfrom sepmodels.one import f\nfrom .two import f as g"
    )
    for name in ("one", "two"):
        tree.write(f"sepmodels/{name}.py", "def f(x):\n    return x + 1\n")
    tree.write("assets/work.py", f"{work}\n{body}def work(x):\n    return f(x)\n")
    for name in ("one", "two"):
        before = tree.version("assets.work:work", extra_roots=())
        tree.edit(f"sepmodels/{name}.py", "x + 1", "x + 2")
        after = tree.version("assets.work:work", extra_roots=())
        assert explain(before.parts, after.parts) == [f"sepmodels/{name}.py changed (function `f`)"]


def test_a_root_that_its_module_has_from_another_is_followed(tree):
    tree.write("sepmodels/models/pack/__init__.py", "from .net import *\n")
    tree.write("sepmodels/models/pack/net.py", "from sepmodels.models.lstm import Model\nclass Config:\n    a = 1\n")
    roots = [f"sepmodels.models.pack:{name}" for name in ("Config", "Model")]
    said = tree.changes("sepmodels/models/pack/net.py", "a = 1", "a = 2", extra_roots=(*roots, RUN_TIME[1]))
    assert said == ["sepmodels/models/pack/net.py changed (class `Config`)"]
    said = tree.changes("sepmodels/models/lstm.py", "x + 1", "x + 2", extra_roots=(*roots, RUN_TIME[1]))
    assert said == ["sepmodels/models/lstm.py changed (function `helper` of `Model`)"]


def test_a_loss_is_what_its_name_says_since_versions_follow_the_name():
    from sepmodels.training import losses

    assert all(loss is getattr(losses, name) for name, loss in losses.LOSSES.items())


# Settings and libraries


def test_settings_and_libraries_count_and_are_named(tree):
    before = tree.version(
        configuration={"variant": {"learning_rate": 1e-3}, "profile": {"training": {"batch": 16, "seeds": (1, 2)}}}
    )
    after = tree.version(
        configuration={"variant": {"learning_rate": 1e-4}, "profile": {"training": {"batch": 8}}}, libraries=["numpy"]
    )
    version = after.parts["library:numpy"]
    assert before.digest != after.digest
    assert explain(before.parts, after.parts) == [
        f"library numpy was added ({version})",
        "profile setting training.batch changed from 16 to 8",
        "profile setting training.seeds was removed",
        "variant setting learning_rate changed from 0.001 to 0.0001",
    ]


def test_a_library_version_is_told_from_and_to():
    before = {"titles.a": '"A"', "places.a": '"ranked"', "systems": '["a"]'}
    after = {**before, "titles.b": '"B"', "places.b": '"ranked"', "systems": '["a", "b"]'}
    assert explain(before, after) == ["b is new in the table"]
    assert explain(after, before) == ["b is no longer in the table"]
    assert explain({"library:torch": "2.14.1"}, {"library:torch": "2.14.2"}) == [
        "library torch changed from 2.14.1 to 2.14.2"
    ]


def test_files_that_people_change_by_hand_count_and_are_named(tree):
    folder = tree.root / "dataset"
    (folder / "train").mkdir(parents=True)
    for name in "abc":
        (folder / "train" / f"{name}.wav").write_text(name)
    before = tree.version(files=folder)
    (folder / "train" / "a.wav").write_text("another")
    (folder / "train" / "b.wav").unlink()
    (folder / "d.wav").touch()
    after = tree.version(files=folder)
    assert before.digest != after.digest
    assert explain(before.parts, after.parts) == [
        "d.wav was added",
        "train/a.wav was replaced",
        "train/b.wav was removed",
    ]


def test_files_behind_links_count_and_hidden_ones_do_not(tree):
    dataset, elsewhere = tree.root / "dataset", tree.root / "elsewhere"
    for folder in (dataset / ".cache", elsewhere / "a"):
        folder.mkdir(parents=True)
        (folder / "vocals.wav").write_text("sung")
    (dataset / "train").symlink_to(elsewhere)
    (dataset / "b").symlink_to(elsewhere / "a")
    (elsewhere / "back").symlink_to(dataset)
    (dataset / "gone.wav").symlink_to("nowhere")
    before = tree.version(files=dataset)
    assert {part for part in before.parts if part.startswith("file:")} == {
        "file:b/vocals.wav",
        "file:train/a/vocals.wav",
    }
    (elsewhere / "a" / "vocals.wav").write_text("sung again")
    (dataset / ".cache" / "vocals.wav").write_text("other")
    said = explain(before.parts, tree.version(files=dataset).parts)
    assert said == ["b/vocals.wav, train/a/vocals.wav were replaced"]


def test_every_name_that_is_left_out_exists():
    for name in NO_PART_OF_A_RESULT:
        code_version(name, extra_roots=["sepmodels.models"], ignore=())


# Errors


def test_a_syntax_error_is_told_with_file_and_line(tree):
    tree.write("sepmodels/augment.py", "def gain(x):\n    return (\n")
    with pytest.raises(UserError, match=r"sepmodels/augment\.py, line 2, is not valid Python"):
        tree.version()


def test_an_import_by_a_run_time_name_that_no_root_covers_is_refused(tree):
    with pytest.raises(UserError, match=r"sepmodels/models/__init__\.py, line 4, imports a module whose name"):
        tree.version(extra_roots=["sepmodels.losses:mse"])


@pytest.mark.parametrize(
    ("root", "sentence"),
    [
        ("sepmodels.training:trian", r"no definition in sepmodels/training\.py called 'trian': did you mean 'train'\?"),
        ("sepmodels.models.lst", r"no module 'sepmodels\.models\.lst': did you mean 'sepmodels\.models\.lstm'\?"),
    ],
)
def test_a_root_that_does_not_exist_is_named_and_the_nearest_suggested(tree, root, sentence):
    with pytest.raises(UserError, match=sentence):
        tree.version(root)


# Laws, over the project's own files

SOURCES = [  # but those that are refused without a root for what they import
    text
    for package in ("sepmodels", "assets")
    for path in sorted((PROJECT / package).rglob("*.py"))
    if "import_module(" not in (text := path.read_text())
]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory):
    root = tmp_path_factory.mktemp("laws")
    (root / "sepmodels" / "models").mkdir(parents=True)
    (root / "sepmodels" / "models" / "__init__.py").touch()
    return root


@settings(deadline=None, max_examples=50)
@given(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**32))
def test_comments_blank_lines_docstrings_and_layout_never_count(scratch, source, seed):
    dressed = _with_comments(_with_docstrings_and_new_layout(source), random.Random(seed))
    assert _version_of(scratch, source).parts == _version_of(scratch, dressed).parts


@settings(deadline=None, max_examples=25)
@given(source=st.sampled_from(SOURCES), seed=st.integers(0, 2**32))
def test_a_changed_expression_always_counts(scratch, source, seed):
    tree = ast.parse(source)
    marked = {id(inner) for node in ast.walk(tree) if _is_marked(node) for inner in ast.walk(node)}
    returns = [
        node for node in ast.walk(tree) if isinstance(node, ast.Return) and node.value and id(node) not in marked
    ]
    assume(returns)
    chosen = random.Random(seed).choice(returns)
    chosen.value = ast.Tuple([chosen.value, ast.Constant("more")], ast.Load())
    assert _version_of(scratch, source).digest != _version_of(scratch, ast.unparse(tree)).digest


def _is_marked(node: ast.AST) -> bool:
    """Whether it does not count: by its mark, or because only a setting that is not at its default leads there."""
    if isinstance(node, ast.If) and ast.unparse(node.test).startswith("changed("):
        return True
    marks = ("speed_only", "words_only", "no_part_of_a_result")
    return any(ast.unparse(one).startswith(marks) for one in getattr(node, "decorator_list", ()))


def _version_of(root: Path, source: str) -> CodeVersion:
    (root / "sepmodels" / "subject.py").write_text(_with_public_names(source))
    return code_version("sepmodels.subject", extra_roots=["sepmodels.models"], root=root)


def _with_public_names(source: str) -> str:
    """The source with a function that uses all it defines, so that private helpers count as well."""
    names = [node.name for node in ast.parse(source).body if hasattr(node, "name")]
    return f"{source}\n\ndef all_of_it():\n    return [{', '.join(names)}]\n"


def _with_docstrings_and_new_layout(source: str) -> str:
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            node.body.insert(0, ast.Expr(ast.Constant("Some words.")))
    return ast.unparse(ast.fix_missing_locations(tree))


def _with_comments(source: str, rng: random.Random) -> str:
    lines = source.splitlines()
    ends = {
        token.start[0]
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type == tokenize.NEWLINE
    }
    return "\n".join(
        f"{line}  # here\n\n# and there" if number in ends and rng.random() < 0.3 else line
        for number, line in enumerate(lines, start=1)
    )


def test_another_target_is_told_before_the_code_that_only_it_needs() -> None:
    before, after = (
        {"a.py::f": "function 1"},
        {"a.py::f": "function 2", "variant.target": '"drums"', "target": '"drums"'},
    )
    told = ["the setting target was vocals and is drums", "a.py changed (function `f`)"]
    assert explain(before, after) == told

"""Edits that change no number make nothing stale, over the project's own code; those beside them that do, do."""

import ast
import builtins
from dataclasses import dataclass, fields, replace

import pytest

from pipelines.profiles import PROFILES
from sepmodels.marks import neutral
from sepmodels.settings import TrainingSettings, result_settings
from sepmodels.systems.variants import VARIANTS, Variant, configuration
from tests.stand_ins import check_stale

EVERYTHING = ["*"]
TRAININGS = ["*/checkpoint"]


def edit(benchmark, path, old, new):
    assert old in (benchmark.root / path).read_text()
    benchmark.rewrite(path, lambda source: source.replace(old, new))


FREE = {
    "a word of an error": ("training/train.py", "the training split is empty", "no track is in the training split"),
    "a word of an error with values": ("training/train.py", "check the dataset's stems", "look at the stems"),
    "a word of a method that makes an error's words": (
        "training/loop.py",
        "so training was stopped",
        "so it was stopped",
    ),
    "a word of an unknown name's error": ("errors.py", "did you mean", "was it meant to be"),
    "how near names are found": ("errors.py", "n=1", "n=2"),
    "a word of a note": ("training/step.py", "blocks of the model are now computed", "parts of it are now computed"),
    "a word of a note with values": ("training/step.py", "now goes through in", "goes through from now on in"),
    "a word of a training's note": ("training/run_folder.py", "Training goes on after", "It goes on after"),
    "the text of a log": ("training/batches.py", "Chunks are read from %s.", "The chunks come from %s."),
    "the level of a log": ("training/run_folder.py", "LOG.warning(", "LOG.error("),
    "what a log says of an error": ("training/loop.py", "could not be saved", "was not saved"),
    "a label of progress": ("audio/overlap_add.py", '"segment"', '"piece"'),
    "what progress shows": ("training/loop.py", '"chunks_per_second": rate', '"rate": rate'),
    "a fault of a track": ("dataset/decoding.py", "mend or remove it", "mend it"),
    "a fault of a dataset": ("dataset/layouts.py", "does not exist: name a folder", "is not there: name a folder"),
    "a sentence to the run's log": ("../assets/making/scores.py", "Not scored: ", "Without a score: "),
    "how often progress is shown": (
        "training/loop.py",
        "SHOW_EVERY_SECONDS: SpeedOnly[float] = 0.5",
        "SHOW_EVERY_SECONDS: SpeedOnly[float] = 5",
    ),
    "how often a training is saved": (
        "training/loop.py",
        "SAVE_EVERY_SECONDS: SpeedOnly[float] = 30.0",
        "SAVE_EVERY_SECONDS: SpeedOnly[float] = 90",
    ),
    "how many batches are read ahead": (
        "training/batches.py",
        "BATCHES_AHEAD: SpeedOnly[int] = 2",
        "BATCHES_AHEAD: SpeedOnly[int] = 4",
    ),
    "how threads of the processor wait": ("__init__.py", '"20000"', '"1000"'),
    "set-up of the process": (
        "__init__.py",
        "    os.environ.setdefault(",
        "    os.nice(0)\n    os.environ.setdefault(",
    ),
    "how the allocator is set up": ("machine/devices.py", "mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)", "pass"),
    "when memory is short": (
        "training/less_memory.py",
        "taken + 2 * self.largest_rise",
        "taken + 3 * self.largest_rise",
    ),
    "how a validation goes on in less memory": (
        "training/validation.py",
        "most * seconds\n            return",
        "most * seconds / 2\n            return",
    ),
    "that a validation goes on in less memory": ("training/validation.py", "@within_memory\n", ""),
    "what is said of a GPU that fails": ("training/train.py", "@told_when_lost\n", ""),
    "how many threads score": (
        "scoring/threads.py",
        "MOST_BY_DEFAULT: SpeedOnly[int] = 8",
        "MOST_BY_DEFAULT: SpeedOnly[int] = 4",
    ),
    "which settings are refused": ("limits.py", "(64, 320)", "(96, 320)"),
    "how a run is stopped": ("machine/signals.py", "128 + number", "1"),
}


@pytest.mark.parametrize(("path", "old", "new"), FREE.values(), ids=FREE)
def test_an_edit_of_what_is_only_said_or_only_decides_speed_makes_nothing_stale(benchmark, path, old, new):
    edit(benchmark, f"sepmodels/{path}", old, new)
    check_stale(benchmark)


def test_every_error_and_log_of_the_project_may_be_worded_anew(benchmark):
    """But for those whose values a call gives that may do more: they count, to be on the safe side."""
    worded = 0
    for path in [*(benchmark.root / "sepmodels").rglob("*.py"), *(benchmark.root / "assets").rglob("*.py")]:
        words = _Words()
        tree = words.visit(ast.parse(path.read_text()))
        path.write_text(ast.unparse(tree))
        worded += words.changed
    assert worded > 100
    check_stale(benchmark)


class _Words(ast.NodeTransformer):
    """Says other words in errors and logs; nothing else changes."""

    def __init__(self) -> None:
        self.changed = 0

    def visit_Raise(self, node: ast.Raise) -> ast.Raise:
        if isinstance(node.exc, ast.Call) and ast.unparse(node.exc.func) in ("UserError", "ValueError", "TypeError"):
            node.exc.args = [self._otherwise(one) for one in node.exc.args]
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.Expr:
        if isinstance(node.value, ast.Call) and ast.unparse(node.value.func).startswith(("LOG.", "job.say")):
            node.value.args = [self._otherwise(one) for one in node.value.args]
        return node

    def _otherwise(self, node: ast.expr) -> ast.expr:
        called = {ast.unparse(one.func) for one in ast.walk(node) if isinstance(one, ast.Call)}
        if any(name.isidentifier() and not hasattr(builtins, name) for name in called):
            return node  # what a function of the project does counts
        self.changed += 1
        for one in ast.walk(node):
            if isinstance(one, ast.JoinedStr):
                one.values.append(ast.Constant(" So it is."))
            elif isinstance(one, ast.Constant) and isinstance(one.value, str):
                one.value += "!"
        return node


DEAR = {
    "the class of an error": (
        "training/train.py",
        'raise UserError("There is no track to train on',
        'raise ValueError("There is no track to train on',
        TRAININGS,
    ),
    "when an error is raised": ("training/train.py", "if not train_tracks:", "if len(train_tracks) < 2:", TRAININGS),
    "a value beside a note": (
        "training/step.py",
        "min(2 * self.parts, batch)",
        "min(3 * self.parts, batch)",
        TRAININGS,
    ),
    "how many points a curve has": (
        "training/loop.py",
        "POINTS_OF_A_CURVE = 200",
        "POINTS_OF_A_CURVE = 100",
        TRAININGS,
    ),
    "when a training has exploded": ("training/loop.py", "EXPLODED = 1000.0", "EXPLODED = 10.0", TRAININGS),
    "how the rate is lowered": (
        "training/loop.py",
        "PLATEAU_COOLDOWN_EPOCHS = 10",
        "PLATEAU_COOLDOWN_EPOCHS = 9",
        TRAININGS,
    ),
    "what threads of torch compute": (
        "machine/devices.py",
        "torch.set_num_threads(threads or before)",
        "torch.set_num_threads(2)",
        TRAININGS,
    ),
    "whether the device repeats itself": (
        "machine/devices.py",
        "cudnn.deterministic = True",
        "cudnn.deterministic = False",
        TRAININGS,
    ),
    "which random state is kept": ("training/less_memory.py", "torch.set_rng_state(state[0])", "pass", TRAININGS),
    "how long a segment of validation is": (
        "training/validation.py",
        "LONGEST_SEGMENT_SECONDS = 30",
        "LONGEST_SEGMENT_SECONDS = 20",
        TRAININGS,
    ),
    "what is done on import": ("__init__.py", "prepare_threads()\n", "prepare_threads()\nos.nice(0)\n", EVERYTHING),
}


@pytest.mark.parametrize(("path", "old", "new", "stale"), DEAR.values(), ids=DEAR)
def test_an_edit_beside_it_that_may_change_a_number_counts(benchmark, path, old, new, stale):
    at = (benchmark.root / "sepmodels" / path).read_text().rindex(old)
    benchmark.rewrite(f"sepmodels/{path}", lambda source: source[:at] + source[at:].replace(old, new, 1))
    check_stale(benchmark, *stale)


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("training/loop.py", "POINTS_OF_A_CURVE = 200", "POINTS_OF_A_CURVE: SpeedOnly[int] = 200"),
        ("training/loop.py", "    def _point(", "    @words_only\n    def _point("),
    ],
)
def test_a_mark_put_on_what_counted_is_itself_an_edit_that_counts(benchmark, path, old, new):
    edit(benchmark, f"sepmodels/{path}", old, new)
    check_stale(benchmark, *TRAININGS)


# Settings that came later


@dataclass(frozen=True)
class Later(TrainingSettings):
    """Training as it may be one day."""

    momentum: float = neutral(0.9)
    descent: str = neutral("nesterov", as_before="plain")


def later(**chosen):
    now = PROFILES["demo"].training
    return Later(**{one.name: getattr(now, one.name) for one in fields(now)} | {"descent": "plain"} | chosen)


def test_a_setting_that_came_later_makes_nothing_stale_while_it_changes_nothing(benchmark):
    edit(
        benchmark,
        "sepmodels/settings.py",
        "    patience: int = 140\n",
        "    patience: int = 140\n    momentum: float = neutral(0.9)\n",
    )
    benchmark.profile = replace(benchmark.profile, training=later())
    check_stale(benchmark)


@pytest.mark.parametrize("chosen", [{"momentum": 0.8}, {"descent": "nesterov"}], ids=["another value", "the default"])
def test_a_setting_that_came_later_counts_where_it_changes_something(benchmark, chosen):
    benchmark.profile = replace(benchmark.profile, training=later(**chosen))
    reasons = check_stale(benchmark, *TRAININGS, "report")
    ((name, value),) = chosen.items()
    shown = f'"{value}"' if isinstance(value, str) else value
    assert reasons["l1_loss/checkpoint"] == (f"training setting {name} was added ({shown})",)


def test_a_training_from_before_a_setting_existed_is_gone_on_with_while_it_changes_nothing():
    before = result_settings(PROFILES["demo"].training)
    assert result_settings(later()) == before
    assert result_settings(later(momentum=0.8)) == before | {"momentum": 0.8}


def test_a_value_of_another_type_is_not_what_was_before():
    @dataclass
    class Settings:
        swap: bool | int = neutral(False)

    assert [result_settings(Settings(value)) for value in (False, 0, True)] == [{}, {"swap": 0}, {"swap": True}]


def test_a_property_of_variants_that_came_later_changes_no_variant_that_is_as_before():
    @dataclass(frozen=True)
    class LaterVariant(Variant):
        optimizer: str = neutral("adam")

    now = VARIANTS["l1_loss"]
    values = {one.name: getattr(now, one.name) for one in fields(now)}
    assert configuration(LaterVariant(**values)) == configuration(now)
    assert configuration(LaterVariant(**values, optimizer="adamw")) == configuration(now) | {"optimizer": "adamw"}


@pytest.mark.parametrize(
    ("default", "stale"),
    [
        ("neutral(0)", []),
        ("neutral(1, as_before=0)", ["transformer/checkpoint", "transformer/estimates"]),
        ("0", ["transformer/checkpoint", "transformer/estimates"]),
    ],
    ids=["as before", "another default", "not declared"],
)
def test_a_field_of_an_architecture_counts_unless_its_default_is_as_before(benchmark, default, stale):
    path = "sepmodels/models/architectures/transformer.py"
    imported = "from dataclasses import dataclass\n"
    edit(benchmark, path, imported, f"{imported}from sepmodels.marks import neutral\n")
    field = "    context_frames: int = 128\n"
    edit(benchmark, path, field, f"{field}    registers: int = {default}\n")
    check_stale(benchmark, *stale)


def test_a_profile_that_asks_for_no_variant_more_is_as_before_it_could(benchmark):
    assert "extra_variants" not in result_settings(benchmark.profile)
    benchmark.profile = replace(benchmark.profile, extra_variants=("time_domain_22khz",))
    check_stale(benchmark, "report")

"""Nothing that is marked as having no part in a result is read by what decides one."""

import ast

import pytest

from assets.graph import benchmark_steps
from assets.staleness.code.lookup import Lookup
from assets.staleness.code.quiet import Quiet
from assets.staleness.code.reach import reach
from assets.staleness.code.scopes import Scoped, dotted
from assets.staleness.code.version import NO_PART_OF_A_RESULT, PROJECT
from pipelines.profiles import PROFILES
from sepmodels.systems import known_systems
from tests.stand_ins import copy_code

# By itself a use is harmless where its value is dropped, is an error to raise, or opens a ``with`` block; and as the
# default of a parameter. Every other use, as a decorator too, stands here, with the reason why no number depends on it.
USES = {
    ("sepmodels.dataset.stem_cache:build_cache", "bytes_decoded"): "how many tracks are decoded at once",
    ("sepmodels.dataset.tracks:describe_tracks", "bytes_decoded"): "how many tracks are decoded at once",
    ("sepmodels.machine.parallel:for_each", "_workers"): "how many threads; results come back in order",
    ("assets.making.scores:_score", "scoring_workers"): "how many processes; results come back in order",
    ("sepmodels.scoring.threads:in_shares", "default_threads"): "how many threads; sums differ by rounding alone",
    ("sepmodels.dataset.demo:_write_songs", "ENCODERS"): "how many songs are encoded at once",
    ("sepmodels.dataset.demo:_temporary_sibling", "ABANDONED_SECONDS"): "when a folder left behind is removed",
    ("sepmodels.dataset.demo:_temporary_sibling", "temporary_beside"): "what an unfinished folder is called",
    ("sepmodels.dataset.demo:_full_disk_told", "FULL_DISK_BYTES"): "which sentence an error has",
    ("sepmodels.audio.ffmpeg:_Sink.__init__", "_PIPE_BYTES"): "the size of a buffer",
    ("sepmodels.audio.ffmpeg:_wide_pipe", "_PIPE_BYTES"): "the size of a pipe",
    ("sepmodels.audio.ffmpeg:_pump", "_PIPE_BYTES"): "how much is read at once",
    ("sepmodels.audio.ffmpeg:_pump", "_PATIENCE_SECONDS"): "how long to sleep between two reads",
    ("sepmodels.training.processes:_Helper.raise_fault", "SECONDS_TO_END"): "how long to wait for a process that fails",
    ("sepmodels.training.processes:_meet", "PATIENCE"): "how long to wait for a process that does not answer",
    ("sepmodels.training.step:Learner._backward_within_memory", "Snapshot"): "a step done again is the same step",
    (
        "sepmodels.training.step:Learner._backward_within_memory",
        "out_of_memory",
    ): "whether the step is done in another way",
    (
        "sepmodels.training.step:Learner._backward_within_memory",
        "_goes_uncompiled_after",
    ): "whether it is done uncompiled",
    ("sepmodels.training.step:Learner._recompute_blocks", "recompute_blocks"): "bit for bit the same result",
    ("sepmodels.training.step:_host_budget", "HostBudget"): "when a thriftier way is taken",
    ("sepmodels.training.batches:HostChunks.__init__", "BATCHES_AHEAD"): "how many threads read",
    ("sepmodels.training.batches:ChunkSampler.next_batch", "BATCHES_AHEAD"): "how many batches wait, in their order",
    ("sepmodels.training.batches:ChunkSampler.__init__", "choose_feeding"): "the same batches wherever samples are",
    ("sepmodels.training.loop:Trainer.run", "due"): "when to show and to save; what is saved changes nothing",
    ("sepmodels.training.loop:Trainer.run", "SAVE_EVERY_SECONDS"): "when to save",
    ("sepmodels.training.loop:Trainer.run", "SHOW_EVERY_SECONDS"): "when to show",
    ("sepmodels.training.loop:Trainer._pace", "peak_memory_gib"): "told to the log alone",
    ("sepmodels.training.train:_report", "peak_memory_gib"): "a figure of memory, named so",
    ("sepmodels.training.train:_hardware", "processor_name"): "what a processor is called",
    ("sepmodels.report.how_made:machine", "processor_name"): "what a processor is called",
    ("assets.making.cost:_version", "processor_name"): "a cost that was measured on another machine is not shown",
    ("sepmodels.separation.separate:separate_blocks", "WithinMemory"): "how many segments are separated at once",
    (
        "sepmodels.training.validation:validate",
        "within_memory",
    ): "how many segments are validated at once; a validation done again is the same one",
    ("sepmodels.training.preparation:_validated", "_noted"): "notes",
    ("sepmodels.training.train:_train", "told_when_lost"): "which sentence an error has",
    ("sepmodels.training.loop:Trainer.__init__", "Beginning"): "it looks on, and nothing is decided by it",
    ("sepmodels.training.preparation:prepared", "_first_look"): "it looks on, and nothing is decided by it",
    (
        "sepmodels.training.preparation:prepared",
        "small_part",
    ): "of the validation that is recorded, beside the one that decides",
    ("assets.making.checkpoint:make_checkpoint", "beginning"): "a note",
    ("assets.making.other_music:jobs_on", "paths_on"): "where the products of a test set lie",
    ("assets.other_test_sets:systems_on", "on"): "which systems have a step on a test set",
    ("assets.making.other_music:not_given", "on"): "which sentence is said of a system without one",
    ("assets.making.other_music:not_given", "given_for"): "where the sentence says that files belong",
    ("sepmodels.results.measured:summed_up", "measures"): "what a measure is called, and which way is better",
    ("sepmodels.results.measured:sentences", "measures"): "what is said of a measure",
    ("sepmodels.scoring.measures:chosen_measures", "measures"): "which are asked for: those of a product are its roots",
    ("sepmodels.scoring.measures:_installed", "measures"): "which of them can be had on this machine",
    ("assets.making.dataset:make_dataset", "is_to_be_fetched"): "what the dataset's folder holds is hashed",
}


def uses_in_doubt(root, profiles=("demo", "musdb18")):
    """Where what decides results uses something marked in another way than a harmless one."""
    found = set()
    lookup = Lookup(root)
    for profile in profiles:
        for step in benchmark_steps(PROFILES[profile], known_systems().values()):
            start = f"{step.make.__module__}:{step.make.__qualname__}"
            for one in reach([start], named_at_run_time=step.reaches, ignore=NO_PART_OF_A_RESULT, root=root):
                found |= _in_part(one.module, one.part, lookup)
            for home, _, name in (root.partition(":") for root in (start, *step.reaches)):
                found |= {("a step", name)} if name in lookup.module(home).marks else set()
    return found


def _in_part(module, part, lookup):
    if part.name in module.marks:  # of a function for words, the class that it gives
        return set()
    unsaid = Quiet(lookup, frozenset()).unsaid(module, part)
    visitor = _Marked(module, part, lookup, unsaid)
    visitor.visit_all(part.nodes)
    return {(f"{module.name}:{part.name}", name) for name in visitor.found}


class _Marked(Scoped):
    """Finds the marked names in a part that are used for their value."""

    def __init__(self, module, part, lookup, unsaid):
        super().__init__(part.package, unsaid)
        self.module, self.lookup = module, lookup
        self.owner = part.name.rpartition(".")[0]
        self.found = set()

    def visit_Name(self, node):
        if isinstance(node.ctx, ast.Load):
            self._look(node)

    def visit_Attribute(self, node):
        self._look(node)
        if not dotted(node):
            self.generic_visit(node)

    def visit_Expr(self, node):
        self._drop(node.value)

    def visit_Raise(self, node):
        self.visit_all([node.cause])
        self._drop(node.exc)

    def visit_withitem(self, node):
        self._drop(node.context_expr)

    def _drop(self, node):
        """Of a call whose value goes nowhere, only what it is given."""
        if isinstance(node, ast.Call):
            self.visit_all([*node.args, *node.keywords] if self._marked(node.func) else [node])
        else:
            self.visit_all([node])

    def _function(self, node):
        defaults = [*node.args.defaults, *node.args.kw_defaults]
        self.unsaid |= {id(one) for one in defaults if one is not None and self._marked(one)}
        super()._function(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_Lambda = _function

    def _look(self, node):
        self.found |= self._marked(node)

    def _marked(self, node):
        names = dotted(node)
        found = set()
        if isinstance(node, ast.Attribute):  # a method, of whatever has one of that name
            homes = [self.module, *(self.lookup.module(one) for one in METHODS_OF)]
            found |= {node.attr for home in homes for name in home.marks if name.endswith(f".{node.attr}")}
        for use in self.uses(names) if names else ():
            for target in self.lookup.resolve(self.module, use):
                home = self.lookup.module(target.module) if target.module else None
                found |= {target.name} if home and target.name in home.marks else set()
        return found


METHODS_OF = (
    "sepmodels.systems.given_audio",
    "sepmodels.systems.given_scores",
    "sepmodels.systems.system",
    "sepmodels.training.loop_state",
    "sepmodels.training.step",
    "sepmodels.training.loop",
    "sepmodels.audio.recordings",
)


def test_every_use_of_what_is_marked_is_harmless_or_listed_with_a_reason():
    assert uses_in_doubt(PROJECT) - USES.keys() == set()


def test_every_listed_use_is_there():
    assert USES.keys() - uses_in_doubt(PROJECT) == set()


def test_every_marked_method_is_of_a_module_whose_methods_are_looked_for():
    lookup = Lookup(PROJECT)
    names = [
        ".".join(path.relative_to(PROJECT).with_suffix("").parts) for path in (PROJECT / "sepmodels").rglob("*.py")
    ]
    modules = [lookup.module(name.removesuffix(".__init__")) for name in names]
    assert {one.name for one in modules if any("." in name for name in one.marks)} <= set(METHODS_OF)


@pytest.mark.parametrize(
    ("path", "old", "new", "use"),
    [
        ("training/loop.py", "EXPLODED = ", "EXPLODED: SpeedOnly[float] = ", ("Trainer._point", "EXPLODED")),
        ("training/augmentation.py", "FULL_SCALE = ", "FULL_SCALE: SpeedOnly[float] = ", ("mix", "FULL_SCALE")),
        ("training/losses.py", "def magnitude_mse", "@speed_only\ndef magnitude_mse", ("a step", "magnitude_mse")),
        (
            "training/loop.py",
            "    def stopped_by",
            "    @words_only\n    def stopped_by",
            ("Trainer.run", "stopped_by"),
        ),
        (
            "training/losses.py",
            "def magnitude_mse",
            "@speed_only\ndef halved(loss):\n    return lambda *of: loss(*of) / 2\n\n\n@halved\ndef magnitude_mse",
            ("magnitude_mse", "halved"),
        ),
    ],
)
def test_a_mark_on_what_decides_a_result_is_found(tmp_path, path, old, new, use):
    file = copy_code(tmp_path) / "sepmodels" / path
    source = file.read_text().replace(old, new)
    imports = "from sepmodels.marks import SpeedOnly, speed_only, words_only\n"
    file.write_text(source.replace("\nfrom ", f"\n{imports}from ", 1))
    found = {(user.rpartition(":")[2], name) for user, name in uses_in_doubt(tmp_path, profiles=["demo"]) - USES.keys()}
    assert use in found
